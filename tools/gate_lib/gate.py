"""The steps of the gate, one after the other, and what they came to."""

import concurrent.futures
import os
import shutil
import subprocess
import tempfile
import time

import affected
import base
import build
import canary
import findings
import fuzzing
import replaying
import sanitizers
from outcome import Case, count_of
from script import DONE, ENVIRONMENT, FINDING, USAGE, Failure


class Gate:
    """One run. `cases` and `findings` are what the reports are made from."""

    def __init__(self, options, root=build.ROOT, say=print):
        self._options = options
        self._root = root
        self._say = say
        self._begin = time.monotonic()
        self._scratch = ""
        self._artifacts = []
        self._failing_seeds = set()
        self._tool = None
        self.change = None
        self.targets = []
        self.chosen = []
        self.cases = []
        self.findings = []
        self.facts = []  # what the last line says was proved

    # ---- What it came to ----

    @property
    def problems(self):
        """Why this run proves nothing, one line each."""
        return [f"{case.suite}: {case.name}: {case.problem}" for case in self.cases
                if case.problem and not case.finding]

    @property
    def exit_code(self):
        if any(finding.blocks for finding in self.findings):
            return FINDING
        return ENVIRONMENT if self.problems else DONE

    def last_line(self):
        old = [finding for finding in self.findings if not finding.blocks]
        remark = f"; {count_of(len(old), 'finding')} that the base has as well" if old else ""
        proved = ", ".join(self.facts)
        if self.exit_code == DONE:
            return f"gate: PASS: {proved}{remark}"
        reasons = [finding.signature for finding in self.findings if finding.blocks]
        what = f"{count_of(len(reasons), 'finding')}: {', '.join(reasons)}" if reasons else ""
        if self.problems:
            what += ("; " if what else "") + "it proves nothing: " + self.problems[0]
            more = len(self.problems) - 1
            what += f" (and {more} more)" if more else ""
        return f"gate: FAIL: {what}{remark}"

    # ---- Steps ----

    def run(self):
        """All steps; what goes wrong in one is a case, and the others still run."""
        findings.clear(os.path.join(self._options.dir, "findings"))
        self._scratch = tempfile.mkdtemp(prefix="rmapdiff-gate-")
        try:
            self._prepare()
            self._check_sanitizers()
            self._replay()
            self._catch_canary()
            self._choose()
            self._fuzz()
            self._look_at_findings()
        except Failure as failure:
            if failure.code == USAGE:
                raise
            self.cases.append(Case("gate", "can be built and run", 0.0, str(failure)))
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _each(self, function, items):
        with concurrent.futures.ThreadPoolExecutor(self._options.jobs) as pool:
            return list(pool.map(function, items))

    def _report(self, step, text, begin):
        self._say(f"{step:<11} {text}, {time.monotonic() - begin:.1f} s", flush=True)

    def _failed(self, cases):
        """Prints those that did not pass; returns how many."""
        failed = [case for case in cases if case.problem]
        for case in failed:
            self._say(f"  FAILED {case.suite}: {case.name}: {case.problem}", flush=True)
        return len(failed)

    def _prepare(self):
        begin = time.monotonic()
        if self._options.base:
            self.change = affected.read_change(self._root, self._options.base)
        built = build.run_build("fuzzers/fuzz_targets.txt", [
            "//tools/cli:rmapdiff", "//fuzzers:fuzz_targets", "//fuzzers:probe_bin"])
        self._tool = findings.Tool(self._root, built)
        self.targets = build.read_targets(os.path.join(built, "fuzzers"))
        self._report("build", count_of(len(self.targets), "fuzz target"), begin)

    def _check_sanitizers(self):
        begin = time.monotonic()
        cases = [case for cases in self._each(
            lambda target: sanitizers.check_target(target.name, target.binary), self.targets)
                 for case in cases]
        self.cases += cases
        bad = sum(bool(case.problem) for case in cases)
        good = "ASan and fatal UBSan at work in each"
        self._report("sanitizers", f"{count_of(len(self.targets), 'program')}, "
                     + (f"{count_of(bad, 'check')} failed" if bad else good), begin)
        self._failed(cases)
        self.facts.append(f"ASan and fatal UBSan work in {count_of(len(self.targets), 'program')}")

    def _replay(self):
        begin = time.monotonic()
        replayed = self._each(lambda target: replaying.replay_target(target, self._scratch),
                              self.targets)
        cases = [case for one in replayed for case in one.cases]
        if not any(one.failed for one in replayed):
            cases.append(replaying.regressions_case(replayed))
        self.cases += cases
        self._artifacts += [artifact for one in replayed for artifact in one.failed]
        self._failing_seeds = {artifact.path for artifact in self._artifacts}
        seeds, executed = (sum(getattr(one, name) for one in replayed)
                           for name in ("seeds", "executed"))
        self._report("replay", f"{count_of(executed, 'program')} from {count_of(seeds, 'seed')} "
                     f"of {count_of(len(replayed), 'target')}", begin)
        self._failed(cases)
        self.facts.append(f"{count_of(executed, 'seed')} and regressions pass on "
                          f"{count_of(len(replayed), 'target')}")

    def _catch_canary(self):
        begin = time.monotonic()
        mutant = canary.read(self._root)
        named = [target for target in self.targets if target.name == mutant.fields["Target"]]
        if not named:
            raise Failure(ENVIRONMENT, f"gate: the canary's target {mutant.fields['Target']} is "
                                       "not among the fuzz targets")
        binary = canary.build_it(self._root)
        if not binary:
            self.cases.append(Case("canary", f"{mutant.name} is built", 0.0, canary.NOT_BUILT))
            self._report("canary", "NOT BUILT", begin)
            self._failed(self.cases[-1:])
            return
        cases = self._each(lambda catch: catch(), [
            lambda: canary.by_seeds(mutant, binary, named[0]),
            lambda: canary.by_search(mutant, binary, named[0], self._options.seed)])
        self.cases += cases
        caught = not any(case.problem for case in cases)
        self._report("canary", f"{mutant.name} {'caught' if caught else 'NOT CAUGHT'}", begin)
        self._failed(cases)
        self.facts.append("the canary is caught by seeds and by fuzzing")

    def _choose(self):
        begin = time.monotonic()
        names = [target.name for target in self.targets]
        why = "no --base"
        if self.change is not None:
            graph = affected.Graph(self._root, build.startup_flags())
            names, why = affected.affected(self._root, self.change.files, names, graph)
        self.chosen = [target for target in self.targets if target.name in names]
        which = "all" if len(names) == len(self.targets) else " ".join(names) or "none"
        since = f" since {self.change.revision[:12]}" if self.change else ""
        changed = f"{count_of(len(self.change.files), 'file')}{since}: " if self.change else ""
        self._report("affected", changed + which + (f" ({why})" if why else ""), begin)

    def _fuzz(self):
        if not self.chosen:
            self.facts.append("no target is affected, so none was fuzzed")
            return
        begin = time.monotonic()
        seconds = fuzzing.share(self._options.budget, self._options.jobs, len(self.chosen))

        def fuzz(target):
            folder = os.path.join(self._scratch, "fuzz", target.name)
            return fuzzing.fuzz(target, seconds, self._options.seed, folder, self._failing_seeds,
                                self._options.corpus)

        fuzzed = self._each(fuzz, self.chosen)
        cases = [Case(one.target.name, "is fuzzed", one.seconds, one.problem, one.text)
                 for one in fuzzed]
        self.cases += cases
        self._artifacts += [artifact for one in fuzzed for artifact in one.artifacts]
        execs = count_of(sum(one.execs for one in fuzzed), "program")
        many = count_of(len(fuzzed), "target")
        self._report("fuzz", f"{execs} on {many}, seed {self._options.seed}", begin)
        self._failed(cases)
        self.facts.append(f"{execs} of fuzzing on {many} find nothing"
                          if not self._artifacts else f"{execs} of fuzzing on {many}")

    # ---- Findings ----

    def _look_at_findings(self):
        if not self._artifacts:
            return
        begin = time.monotonic()
        folder = os.path.join(self._options.dir, "findings")
        self.findings = findings.look(self._artifacts, self._tool)
        self._each(lambda numbered: findings.keep(
            numbered[1], folder, self._tool, numbered[0] < findings.MOST_MINIMIZED),
                   enumerate(self.findings))
        self._compare_with_base()
        for finding in self.findings:
            if not finding.seed:
                self.cases.append(Case(
                    finding.target, f"finds {finding.signature}", 0.0,
                    finding.signature if finding.blocks else "",
                    finding.repro.get("report", ""), finding=True))
        blocking = sum(finding.blocks for finding in self.findings)
        self._report("findings", f"{blocking} to look at, {len(self.findings) - blocking} that the "
                     "base has as well", begin)
        for finding in self.findings:
            self._say("\n".join(self._lines_of(finding)), flush=True)

    def _compare_with_base(self):
        fuzzed = [finding for finding in self.findings if not finding.seed]
        if self.change is None or not fuzzed:
            return
        by_name = {target.name: target for target in self.targets}
        try:
            with base.Base(self._root, self.change.revision) as tree:
                for finding in fuzzed:
                    base.compare(finding, by_name[finding.target], tree, self._tool,
                                 self._scratch)
        except (OSError, subprocess.CalledProcessError) as error:
            for finding in fuzzed:
                finding.base_note = f"the base revision cannot be checked out: {error}"

    def _lines_of(self, finding):
        state = "new" if finding.blocks else "old"
        if finding.seed:
            state = "seed"
        yield f"  {state:<4} {finding.signature} ({finding.seed or finding.target})"
        if finding.base_note:
            yield f"       {finding.base_note}"
        shown = finding.minimal or finding.artifact
        yield f"       tools/rmapdiff repro {os.path.relpath(shown)}"
