"""Counts the test cases of one `bazel test` and prints what failed and what was skipped.

Usage: test_summary.py --bazel-exit-code=N EVENTS.json

The events (--build_event_json_file) name the results of this very run, so what older runs left in
bazel-testlogs is never counted; a cached result is this run's verdict and counts. A target that
could not be built, that failed without a failing case (a crash) or that passed without running any
case is one failure. So is a case that was skipped for no reason of skip_reasons.txt, or that
GoogleTest calls "notrun". Each reason is a line with its number of cases, before the
last line "N passed, N failed, N skipped".

Exit code: 0 none failed and one passed at least, 1 a failure or nothing passed, 2 wrong usage of
bazel, 3 the environment.
"""

import argparse
import collections
import json
import os
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree

from tools.bazel_rules import skip

LOG_TAIL_LINES = 60

# Exit codes of bazel that tell of a verdict: all passed, build failed, tests failed, no tests.
VERDICTS = (0, 1, 3, 4)
USAGE = 2


def read_events(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def collect(events):
    """Returns {label: results} of the test targets that ran, one for each run and shard, and the
    labels of the targets that could not be built."""
    attempts, broken = collections.defaultdict(dict), set()
    for event in events:
        identity = event["id"]
        if "testResult" in identity and "testResult" in event:
            key = identity["testResult"]
            one = (key.get("run", 1), key.get("shard", 1), key.get("attempt", 1))
            attempts[key["label"]][one] = event["testResult"]
        elif "targetCompleted" in identity and not event.get("completed", {}).get("success"):
            broken.add(identity["targetCompleted"]["label"])
    # Of several attempts at one run the last one counts.
    targets = {label: list({one[:2]: runs[one] for one in sorted(runs)}.values())
               for label, runs in attempts.items()}
    return targets, broken - set(targets)


def outputs(results, name):
    """Local paths of the outputs of one name, one for each result."""
    for result in results:
        for output in result.get("testActionOutput", []):
            if output.get("name") == name and output.get("uri", "").startswith("file://"):
                yield urllib.parse.unquote(output["uri"][len("file://"):])


class Counts:
    """Test cases: how many passed and failed, the skipped ones by reason, and what is wrong."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = collections.Counter()
        self.complaints = []

    def fail(self, complaint):
        self.failed += 1
        self.complaints.append(complaint)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def add_case(self, case):
        """Counts one <testcase>."""
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            self.failed += 1
        elif skipped is not None:
            text = skipped.get("message", "") + (skipped.text or "")
            reason = skip.listed_reason(text)
            if reason is None:
                self.fail(f"{case.get('name')} was skipped ({text.strip()}), expected a reason of "
                          "tools/bazel_rules/skip_reasons.txt")
            else:
                self.skipped[reason] += 1
        elif case.get("status") == "notrun":
            self.fail(f"{case.get('name')} was not run, expected no disabled test")
        else:
            self.passed += 1

    def total(self):
        return self.passed + self.failed + sum(self.skipped.values())

    def last_line(self):
        return (f"{self.passed} passed, {self.failed} failed, "
                f"{sum(self.skipped.values())} skipped")


def judge(results):
    """Counts of a target; their complaints say why it failed if its cases do not."""
    counts = Counts()
    for path in outputs(results, "test.xml"):
        try:
            for case in ElementTree.parse(path).iter("testcase"):
                counts.add_case(case)
        except (OSError, ElementTree.ParseError) as error:
            counts.fail(f"unreadable {path}: {error}")
            return counts
    statuses = {result["status"] for result in results} - {"PASSED"}
    if statuses and counts.failed == 0:
        counts.fail("no case failed, but the target did: " + ", ".join(sorted(statuses)))
    if counts.total() == 0:
        counts.fail("passed without running a test case")
    return counts


def print_failure(label, results, complaints):
    print(f"FAILED: {label}" + (f" ({'; '.join(complaints)})" if complaints else ""))
    for path in outputs(results, "test.log"):
        try:
            with open(path, encoding="utf-8", errors="replace") as log:
                lines = log.read().splitlines()
        except OSError as error:
            lines = [str(error)]
        if len(lines) > LOG_TAIL_LINES:
            print(f"  ... the whole log: {path}")
        for line in lines[-LOG_TAIL_LINES:]:
            print("  " + line)


def print_skipped(skipped):
    """A line for each reason, with what it is that the machine lacks."""
    texts = skip.read_reasons()
    for reason, count in sorted(skipped.items()):
        print(f"SKIPPED: {count} for {reason}: {texts[reason]}")


def summarize(events, bazel_exit_code):
    """Prints what failed and what was skipped; returns the Counts of all targets."""
    targets, broken = collect(events)
    total = Counts()
    for label in sorted(targets):
        counts = judge(targets[label])
        total.add(counts)
        if counts.failed:
            print_failure(label, targets[label], counts.complaints)
    for label in sorted(broken):
        print(f"FAILED: {label} (was not built)")
    total.failed += len(broken)
    if bazel_exit_code != 0 and total.failed == 0:
        print(f"FAILED: bazel ended with exit code {bazel_exit_code}")
        total.failed = 1
    print_skipped(total.skipped)
    return total


def exit_code(counts, bazel_exit_code):
    if bazel_exit_code not in VERDICTS:
        return 3
    return 0 if counts.passed > 0 and counts.failed == 0 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--bazel-exit-code", type=int, required=True)
    parser.add_argument("events")
    args = parser.parse_args()
    if args.bazel_exit_code == USAGE:  # nothing has run, so there is nothing to count
        print("tools/test: wrong usage, expected what `bazel test` takes: targets, flags",
              file=sys.stderr)
        return 2
    counts = summarize(read_events(args.events), args.bazel_exit_code)
    if counts.total() and not counts.passed and not counts.failed:
        print("FAILED: every test was skipped, expected one at least that passes")
    print(counts.last_line())
    return exit_code(counts, args.bazel_exit_code)


if __name__ == "__main__":
    sys.exit(main())
