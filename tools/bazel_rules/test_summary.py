#!/usr/bin/env python3
"""Counts the test cases of one `bazel test` and prints what failed.

Usage: test_summary.py --bazel-exit-code=N EVENTS.json

The events (--build_event_json_file) name the results of this very run, so what older runs left in
bazel-testlogs is never counted; a cached result is this run's verdict and counts. A target that
could not be built, that failed without a failing case (a crash) or that passed without running any
case is one failure. The last line is "N passed, N failed".

Exit code: 0 all passed, 1 a failure or nothing ran, 2 wrong usage of bazel, 3 the environment.
"""

import argparse
import json
import os
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree

LOG_TAIL_LINES = 60

# Exit codes of bazel that tell of a verdict: all passed, build failed, tests failed, no tests.
VERDICTS = (0, 1, 3, 4)
USAGE = 2


class Target:
    """What one test target did: the paths of its XML files and log, and Bazel's verdict."""

    def __init__(self, label):
        self.label = label
        self.passed_by_bazel = True
        self.runs = {}

    def add(self, run, attempt, result):
        """Adds a result; of several attempts at one run the last one counts."""
        if attempt >= self.runs.get(run, (0, None))[0]:
            self.runs[run] = (attempt, result)
        self.passed_by_bazel = all(
            result["status"] == "PASSED" for _, result in self.runs.values())

    def outputs(self, name):
        """Local paths of the outputs of one name, one for each run and shard."""
        for _, result in self.runs.values():
            for output in result.get("testActionOutput", []):
                if output.get("name") == name and output.get("uri", "").startswith("file://"):
                    yield urllib.parse.unquote(output["uri"][len("file://"):])


def read_events(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def collect(events):
    """Returns the test targets that ran and the labels of the targets that could not be built."""
    targets, broken = {}, set()
    for event in events:
        identity = event["id"]
        if "testResult" in identity and "testResult" in event:
            key = identity["testResult"]
            target = targets.setdefault(key["label"], Target(key["label"]))
            run = (key.get("run", 1), key.get("shard", 1))
            target.add(run, key.get("attempt", 1), event["testResult"])
        elif "targetCompleted" in identity and not event.get("completed", {}).get("success"):
            broken.add(identity["targetCompleted"]["label"])
    return targets, broken - set(targets)


def count_cases(path):
    """Returns how many cases of an XML file passed, failed and were skipped."""
    passed = failed = skipped = 0
    for case in ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def judge(target):
    """Returns passed and failed cases of a target, and why it failed if its cases do not say."""
    passed = failed = skipped = 0
    reason = ""
    for path in target.outputs("test.xml"):
        try:
            counts = count_cases(path)
        except (OSError, ElementTree.ParseError) as error:
            return passed, failed + 1, f"unreadable {path}: {error}"
        passed, failed, skipped = (a + b for a, b in zip((passed, failed, skipped), counts))
    if not target.passed_by_bazel and failed == 0:
        statuses = {result["status"] for _, result in target.runs.values()} - {"PASSED"}
        return passed, 1, "no case failed, but the target did: " + ", ".join(sorted(statuses))
    if passed + failed + skipped == 0:
        return 0, 1, "passed without running a test case"
    return passed, failed, reason


def print_failure(target, reason):
    print(f"FAILED: {target.label}" + (f" ({reason})" if reason else ""))
    for path in target.outputs("test.log"):
        try:
            with open(path, encoding="utf-8", errors="replace") as log:
                lines = log.read().splitlines()
        except OSError as error:
            lines = [str(error)]
        if len(lines) > LOG_TAIL_LINES:
            print(f"  ... the whole log: {path}")
        for line in lines[-LOG_TAIL_LINES:]:
            print("  " + line)


def summarize(events, bazel_exit_code):
    """Prints the failures; returns how many cases passed and failed."""
    targets, broken = collect(events)
    passed = failed = 0
    for label in sorted(targets):
        target_passed, target_failed, reason = judge(targets[label])
        passed += target_passed
        failed += target_failed
        if target_failed:
            print_failure(targets[label], reason)
    for label in sorted(broken):
        print(f"FAILED: {label} (was not built)")
    failed += len(broken)
    if bazel_exit_code != 0 and failed == 0:
        print(f"FAILED: bazel ended with exit code {bazel_exit_code}")
        failed = 1
    return passed, failed


def exit_code(passed, failed, bazel_exit_code):
    if bazel_exit_code == USAGE:
        return 2
    if bazel_exit_code not in VERDICTS:
        return 3
    return 0 if passed > 0 and failed == 0 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--bazel-exit-code", type=int, required=True)
    parser.add_argument("events")
    args = parser.parse_args()
    passed, failed = summarize(read_events(args.events), args.bazel_exit_code)
    print(f"{passed} passed, {failed} failed")
    return exit_code(passed, failed, args.bazel_exit_code)


if __name__ == "__main__":
    sys.exit(main())
