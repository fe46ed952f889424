"""The steps of the gate, one after the other. Each returns what it came to."""

import concurrent.futures
import os
import subprocess
import tempfile
import time

from tools.scripts.build import bazel
from tools.scripts.common.script import ENVIRONMENT, USAGE, Failure
from tools.scripts.gate import (affected, base, build, canary, findings, fuzzing, kill_rate,
                                replaying, sanitizers, shares, unchanged)
from tools.scripts.gate.outcome import Case, count_of, repro_command
from tools.scripts.gate.result import Result, Step


class Gate:
    """One run, as its options say."""

    def __init__(self, options, root=build.ROOT, say=print):
        self._options = options
        self._root = root
        self._say = say
        self._rate = kill_rate.read(build.ROOT)
        self._since = time.monotonic()

    def run(self):
        """All steps, as a Result; what cannot be done is a case of it."""
        findings.clear(os.path.join(self._options.dir, "findings"))
        result = Result(kill_rate.known_of(self._rate, self._options))
        with tempfile.TemporaryDirectory(prefix="rmapdiff-gate-",
                                         ignore_cleanup_errors=True) as scratch:
            try:
                self._take_steps(result, scratch)
            except Failure as failure:
                if failure.code == USAGE:
                    raise
                result.add_problem("can be built and run", str(failure))
            except OSError as error:  # a disk that is full, say
                result.add_problem("can be run", f"{error.filename or 'error'}: {error.strerror}")
        return result

    def _take_steps(self, result, scratch):
        change = self._read_change()
        result.base = change.revision if change else ""
        targets, tool = self._build()
        result.add(self._check_sanitizers(targets))
        replayed = result.add(self._replay(targets, scratch))
        failing = {artifact.path for artifact in replayed.artifacts}
        result.add(self._catch_canary(targets, failing))
        chosen, step = self._choose(change, targets)
        result.add(step)
        result.add(self._fuzz(chosen, failing, scratch))
        if result.artifacts:
            self._look_at_findings(result, change, targets, tool, scratch)

    def _each(self, function, items):
        with concurrent.futures.ThreadPoolExecutor(self._options.jobs) as pool:
            return list(pool.map(function, items))

    def _report(self, step, text):
        """Says the outcome of a step, and the time since the step before."""
        now = time.monotonic()
        self._say(f"{step:<11} {text}, {now - self._since:.1f} s", flush=True)
        self._since = now

    def _failed(self, cases):
        """Prints those that did not pass; returns how many."""
        failed = [case for case in cases if case.problem]
        for case in failed:
            self._say(f"  FAILED {case.suite}: {case.name}: {case.problem}", flush=True)
        return len(failed)

    def _read_change(self):
        """An affected.Change, None without a base."""
        if not self._options.base:
            return None
        return affected.read_change(self._root, self._options.base)

    def _build(self):
        """The targets, and the findings.Tool that tells of what is found."""
        built = build.run_build("fuzzers/fuzz_targets.txt", [
            "//tools/cli:rmapdiff", "//fuzzers:fuzz_targets", "//fuzzers:probe_bin",
            "//fuzzers:scout"])
        targets = build.read_targets(os.path.join(built, "fuzzers"))
        self._report("build", count_of(len(targets), "fuzz target"))
        return targets, findings.Tool(self._root, built)

    def _check_sanitizers(self, targets):
        cases = [case for cases in self._each(
            lambda target: sanitizers.check_target(target.name, target.binary), targets)
                 for case in cases]
        bad = sum(bool(case.problem) for case in cases)
        good = "ASan and fatal UBSan at work in each"
        programs = count_of(len(targets), "program")
        self._report("sanitizers", f"{programs}, "
                     + (f"{count_of(bad, 'check')} failed" if bad else good))
        self._failed(cases)
        return Step(cases, [f"ASan and fatal UBSan work in {programs}"])

    def _replay(self, targets, scratch):
        replayed = self._each(lambda target: replaying.replay_target(target, scratch), targets)
        cases = [case for one in replayed for case in one.cases]
        if not any(one.failed for one in replayed):
            cases.append(replaying.regressions_case(replayed))
        seeds, executed = (sum(getattr(one, name) for one in replayed)
                           for name in ("seeds", "executed"))
        self._report("replay", f"{count_of(executed, 'program')} from {count_of(seeds, 'seed')} "
                     f"of {count_of(len(replayed), 'target')}")
        self._failed(cases)
        fact = (f"{count_of(executed, 'seed')} and regressions pass on "
                f"{count_of(len(replayed), 'target')}")
        return Step(cases, [fact], [artifact for one in replayed for artifact in one.failed])

    def _catch_canary(self, targets, failing):
        """failing: paths of seeds that fail without it."""
        if failing:
            # They would be taken for the canary's, or hide it; they are findings already.
            many = len(failing)
            self._say(f"{'canary':<11} not judged: {count_of(many, 'seed')} of the tree "
                      f"fail{'s' if many == 1 else ''} already", flush=True)
            return Step()
        mutant = canary.read(self._root)
        named = [target for target in targets if target.name == mutant.fields["Target"]]
        if not named:
            raise Failure(ENVIRONMENT, f"the canary's target {mutant.fields['Target']} is "
                                       "not among the fuzz targets")
        binary = canary.build_it(self._root)
        if not binary:
            cases = [Case("canary", f"{mutant.name} is built", 0.0, canary.NOT_BUILT)]
            self._report("canary", "NOT BUILT")
            self._failed(cases)
            return Step(cases)
        cases = self._each(lambda catch: catch(), [
            lambda: canary.by_seeds(mutant, binary, named[0]),
            lambda: canary.by_search(mutant, binary, named[0], self._options.seed)])
        caught = not any(case.problem for case in cases)
        self._report("canary", f"{mutant.name} {'caught' if caught else 'NOT CAUGHT'}")
        self._failed(cases)
        return Step(cases, ["the canary is caught by seeds and by fuzzing"])

    def _choose(self, change, targets):
        """(The targets to fuzz, a Step.)"""
        names = [target.name for target in targets]
        touched = affected.Affected(names, "no --base")
        if change:
            graph = affected.Graph(self._root, bazel.startup_flags())
            touched = affected.affected(self._root, change.files, names, graph)
        names, why = touched.targets, touched.why
        chosen = [target for target in targets if target.name in names]
        which = "all" if len(names) == len(targets) else " ".join(names) or "none"
        what = (f"{count_of(len(change.files), 'file')} since {change.revision[:12]}: "
                if change else "")
        self._report("affected", what + which + (f" ({why})" if why else ""))
        if change and unchanged.is_same(self._root, change.revision, touched.files):
            what = f"{count_of(len(touched.files), 'file')} changed in comments alone"
            self._report("unchanged", what)
            return [], Step(facts=[what])
        return chosen, Step()

    def _fuzz(self, chosen, failing, scratch):
        if not chosen:
            return Step(facts=["no target is affected, so none was fuzzed"])
        programs = shares.shares(self._options.budget, [target.name for target in chosen],
                                 self._rate.needs)

        def fuzz(target):
            folder = os.path.join(scratch, "fuzz", target.name)
            budget = fuzzing.Budget(programs[target.name], self._options.limit)
            return fuzzing.fuzz(target, budget, self._options.seed, folder, failing,
                                self._options.corpus)

        # The longest first, so that no core waits for it in the end.
        fuzzed = self._each(fuzz, sorted(chosen, key=lambda target: -programs[target.name]))
        cases = [Case(one.target.name, "is fuzzed", one.seconds, one.problem, one.text)
                 for one in fuzzed]
        artifacts = [artifact for one in fuzzed for artifact in one.artifacts]
        sanitized = sum(one.ran for one in fuzzed)
        ran = count_of(sanitized + sum(one.scouted for one in fuzzed), "program")
        many = count_of(len(fuzzed), "target")
        spent = sum(one.seconds for one in fuzzed)
        self._report("fuzz", f"{ran} on {many}, {sanitized:,} of them under sanitizers, seed "
                     f"{self._options.seed}, {spent:.0f} s of the processor")
        self._failed(cases)
        nothing = "" if artifacts or failing else " find nothing"
        return Step(cases, [f"{ran} of fuzzing on {many}{nothing}"], artifacts)

    # ---- Findings ----

    def _look_at_findings(self, result, change, targets, tool, scratch):
        """Puts findings in place of the artifacts, before anything else can fail."""
        result.set_findings(findings.look(result.artifacts, tool))
        found = result.findings
        result.add(self._keep(found, tool))
        self._compare_with_base(found, change, targets, tool, scratch)
        result.add(Step([Case(
            finding.target, f"finds {finding.signature}", 0.0,
            finding.signature if finding.blocks else "",
            finding.repro.get("report", ""), finding=True,
            again="" if finding.kept_note else repro_command(finding.shown))
                         for finding in found if not finding.seed]))
        blocking = sum(finding.blocks for finding in found)
        self._report("findings", f"{blocking} to look at, {len(found) - blocking} that the "
                     "base has as well")
        for finding in found:
            self._say("\n".join(self._lines_of(finding)), flush=True)

    def _keep(self, found, tool):
        """Writes a folder for each; one that cannot be written hides no finding."""
        self._each(lambda numbered: findings.keep(numbered[1], self._options.dir, tool,
                                                  numbered[0] < findings.MOST_MINIMIZED),
                   enumerate(found))
        return Step([Case("gate", f"keeps {finding.signature}", 0.0, finding.kept_note)
                     for finding in found if finding.kept_note])

    def _compare_with_base(self, found, change, targets, tool, scratch):
        fuzzed = [finding for finding in found if not finding.seed]
        if not change or not fuzzed:
            return
        by_name = {target.name: target for target in targets}
        try:
            with base.Base(self._root, change.revision) as tree:
                for finding in fuzzed:
                    base.compare(finding, by_name[finding.target], tree, tool, scratch)
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
