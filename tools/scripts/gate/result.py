"""The result of one run of the gate: its exit code, its last line, the contents of the reports."""

import collections
import dataclasses

from tools.scripts.common.script import DONE, ENVIRONMENT, FINDING
from tools.scripts.gate.outcome import Case, count_of

# The result of one step; the fields are those of Result.
Step = collections.namedtuple("Step", "cases facts artifacts", defaults=((), (), ()))


@dataclasses.dataclass
class Result:
    """All steps of a run, in their order."""

    sees: str = ""  # what such a run is known to see; "" if that is not known
    base: str = ""  # the revision that findings were compared with; "" if there is none
    cases: list = dataclasses.field(default_factory=list)
    facts: list = dataclasses.field(default_factory=list)  # what the last line says was proved
    artifacts: list = dataclasses.field(default_factory=list)  # not looked at yet
    findings: list = dataclasses.field(default_factory=list)  # what the artifacts show

    def add(self, step):
        """Takes in a Step, and returns it."""
        self.cases += step.cases
        self.facts += step.facts
        self.artifacts += step.artifacts
        return step

    def add_problem(self, name, problem):
        """Something because of which this run proves nothing."""
        self.cases.append(Case("gate", name, 0.0, problem))

    def set_findings(self, findings):
        """The artifacts have been looked at: the findings stand for them."""
        self.findings, self.artifacts = findings, []

    @property
    def problems(self):
        """Why this run proves nothing, one line each."""
        return [f"{case.suite}: {case.name}: {case.problem}" for case in self.cases
                if case.problem and not case.finding]

    @property
    def exit_code(self):
        # A failure counts, even if something ended the gate before a look at it.
        if any(finding.blocks for finding in self.findings) or self.artifacts:
            return FINDING
        return ENVIRONMENT if self.problems else DONE

    def last_line(self):
        old = [finding for finding in self.findings if not finding.blocks]
        remark = f"; {count_of(len(old), 'finding')} that the base has as well" if old else ""
        if self.exit_code == DONE:
            sees = f"; {self.sees}" if self.sees else ""
            return f"gate: PASS: {', '.join(self.facts)}{remark}{sees}"
        reasons = [finding.signature for finding in self.findings if finding.blocks]
        reasons += sorted({one.raw or one.seed or one.path for one in self.artifacts})
        what = f"{count_of(len(reasons), 'finding')}: {', '.join(reasons)}" if reasons else ""
        if self.problems:
            what += ("; " if what else "") + "it proves nothing: " + self.problems[0]
            more = len(self.problems) - 1
            what += f" (and {more} more)" if more else ""
        return f"gate: FAIL: {what}{remark}"
