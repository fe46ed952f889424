"""The steps of the gate, one after the other, and what they came to."""

import concurrent.futures
import os
import shutil
import subprocess
import tempfile
import time

from tools.scripts.common.script import DONE, ENVIRONMENT, FINDING, USAGE, Failure
from tools.scripts.gate import (affected, base, build, canary, findings, fuzzing, kill_rate,
                                replaying, sanitizers, shares, unchanged)
from tools.scripts.gate.outcome import Case, count_of, repro_command


class Gate:
    """One run. `cases` and `findings` are what the reports are made from."""

    def __init__(self, options, root=build.ROOT, say=print):
        self._options = options
        self._root = root
        self._say = say
        self._begin = time.monotonic()
        self._scratch = ""
        self._artifacts = []
        self._looked_at = False
        self._failing_seeds = set()
        self._tool = None
        self._rate = kill_rate.read(build.ROOT)
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
        # What has failed counts, even if something ended the gate before it was looked at.
        if any(finding.blocks for finding in self.findings) or self._not_looked_at:
            return FINDING
        return ENVIRONMENT if self.problems else DONE

    @property
    def _not_looked_at(self):
        return [] if self._looked_at else self._artifacts

    def _kill_rate(self):
        """What this gate is known to see; with other options than usual it was not measured."""
        if not self._rate.faults:
            return ""
        usual = (self._options.seed == self._rate.seed and not self._options.corpus
                 and self._options.budget >= self._rate.programs)
        return ("; " if usual else "; with its usual options, ") + kill_rate.sentence(self._rate)

    def last_line(self):
        old = [finding for finding in self.findings if not finding.blocks]
        remark = f"; {count_of(len(old), 'finding')} that the base has as well" if old else ""
        proved = ", ".join(self.facts)
        if self.exit_code == DONE:
            return f"gate: PASS: {proved}{remark}{self._kill_rate()}"
        reasons = [finding.signature for finding in self.findings if finding.blocks]
        reasons += sorted({one.raw or one.seed or one.path for one in self._not_looked_at})
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
            self.add_problem("can be built and run", str(failure))
        except OSError as error:  # a disk that is full, say
            self.add_problem("can be run", f"{error.filename or 'error'}: {error.strerror}")
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def add_problem(self, name, problem):
        """Something because of which this run proves nothing."""
        self.cases.append(Case("gate", name, 0.0, problem))

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
        if self._failing_seeds:
            # They would be taken for the canary's, or hide it; they are findings already.
            many = len(self._failing_seeds)
            self._say(f"{'canary':<11} not judged: {count_of(many, 'seed')} of the tree "
                      f"fail{'s' if many == 1 else ''} already", flush=True)
            return
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
        touched = affected.Affected(names, "no --base")
        if self.change is not None:
            graph = affected.Graph(self._root, build.startup_flags())
            touched = affected.affected(self._root, self.change.files, names, graph)
        names, why = touched.targets, touched.why
        self.chosen = [target for target in self.targets if target.name in names]
        which = "all" if len(names) == len(self.targets) else " ".join(names) or "none"
        since = f" since {self.change.revision[:12]}" if self.change else ""
        changed = f"{count_of(len(self.change.files), 'file')}{since}: " if self.change else ""
        self._report("affected", changed + which + (f" ({why})" if why else ""), begin)
        self._leave_out_unchanged(touched.files)

    def _leave_out_unchanged(self, files):
        """Fuzzes nothing if the base builds the same programs, which a comment leaves as they are.

        files: of the change, those that targets are built from.
        """
        if self.change is None or not unchanged.is_worth_a_try(
                self._root, self.change.revision, files):
            return
        begin = time.monotonic()
        try:
            with base.Base(self._root, self.change.revision) as tree:
                same = all(unchanged.is_same(target, tree.target(target.name))
                           for target in self.chosen)
        except (OSError, subprocess.CalledProcessError):
            same = False
        many = count_of(len(self.chosen), "program")
        are = f"{many} {'is' if len(self.chosen) == 1 else 'are'} the same as the base's"
        self._report("unchanged", are if same else "not: " + are, begin)
        if same:
            self.chosen = []
            self.facts.append(are)

    def _fuzz(self):
        if not self.chosen:
            self.facts.append("no target is affected, so none was fuzzed")
            return
        begin = time.monotonic()
        programs = shares.shares(self._options.budget, [target.name for target in self.chosen],
                                 self._rate.needs)

        def fuzz(target):
            folder = os.path.join(self._scratch, "fuzz", target.name)
            budget = fuzzing.Budget(programs[target.name], self._options.limit)
            return fuzzing.fuzz(target, budget, self._options.seed, folder, self._failing_seeds,
                                self._options.corpus)

        # The longest first, so that no core waits for it in the end.
        fuzzed = self._each(fuzz, sorted(self.chosen, key=lambda target: -programs[target.name]))
        cases = [Case(one.target.name, "is fuzzed", one.seconds, one.problem, one.text)
                 for one in fuzzed]
        self.cases += cases
        self._artifacts += [artifact for one in fuzzed for artifact in one.artifacts]
        ran = count_of(sum(one.ran for one in fuzzed), "program")
        many = count_of(len(fuzzed), "target")
        spent = sum(one.seconds for one in fuzzed)
        self._report("fuzz", f"{ran} on {many}, seed {self._options.seed}, {spent:.0f} s of the "
                     "processor", begin)
        self._failed(cases)
        self.facts.append(f"{ran} of fuzzing on {many} find nothing"
                          if not self._artifacts else f"{ran} of fuzzing on {many}")

    # ---- Findings ----

    def _look_at_findings(self):
        if not self._artifacts:
            return
        begin = time.monotonic()
        folder = os.path.join(self._options.dir, "findings")
        self.findings = findings.look(self._artifacts, self._tool)
        self._looked_at = True
        self._each(lambda numbered: self._keep(
            numbered[1], folder, numbered[0] < findings.MOST_MINIMIZED), enumerate(self.findings))
        self._compare_with_base()
        for finding in self.findings:
            if not finding.seed:
                self.cases.append(Case(
                    finding.target, f"finds {finding.signature}", 0.0,
                    finding.signature if finding.blocks else "",
                    finding.repro.get("report", ""), finding=True,
                    again="" if finding.kept_note else repro_command(finding.shown)))
        blocking = sum(finding.blocks for finding in self.findings)
        self._report("findings", f"{blocking} to look at, {len(self.findings) - blocking} that the "
                     "base has as well", begin)
        for finding in self.findings:
            self._say("\n".join(self._lines_of(finding)), flush=True)

    def _keep(self, finding, folder, minimize):
        """A folder that cannot be written hides no finding."""
        try:
            findings.keep(finding, folder, self._tool, minimize)
        except OSError as error:
            finding.kept_note = f"{error.filename or folder}: {error.strerror}"
            self.add_problem(f"keeps {finding.signature}", finding.kept_note)

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
        if finding.kept_note:
            yield f"       could not be kept: {finding.kept_note}"
            return
        yield f"       {repro_command(finding.shown)}"
