#!/usr/bin/env python3
"""Runs a fuzz target over every seed of its corpus, once, and says what really ran.

The exit code of the program alone cannot be trusted: an empty corpus ends with 0, and so does a
finding of a sanitizer that is not fatal. So a seed passes only if libFuzzer says that it executed
it, the process that did so reported no error, and no sanitizer printed a finding. A crash ends the
process; the rest of the seeds then run in a new one, so one bad seed hides no other.

Failing seeds are copied to $TEST_UNDECLARED_OUTPUTS_DIR, and $XML_OUTPUT_FILE gets one test case a
seed. Exit code: 0 if there are seeds and all passed, 1 otherwise.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from xml.sax import saxutils

# How much of a failing program's output is kept: its end, where the report is.
OUTPUT_LIMIT = 16000

EXECUTED = re.compile(rb"^Executed (.+) in \d+ ms\r?$", re.MULTILINE)
RUNNING = re.compile(rb"^Running: (.+?)\r?$", re.MULTILINE)
FINDING = re.compile(
    rb"runtime error: |ERROR: \w+Sanitizer|ERROR: libFuzzer|SUMMARY: \w+Sanitizer")


class Result:
    """The verdict on one seed; `failure` is None if it passed."""

    def __init__(self, seed, failure=None):
        self.seed = seed
        self.failure = failure


def read_options(path):
    """Flags for the command line from a .options file of OSS-Fuzz."""
    with open(path, encoding="utf-8") as lines:
        stripped = [line.strip() for line in lines]
    return ["-" + line for line in stripped if "=" in line]


def list_seeds(corpus):
    """All files of a directory, in an order that does not depend on the file system."""
    found = []
    for folder, _, names in os.walk(corpus, followlinks=True):
        found.extend(os.path.join(folder, name) for name in names)
    return sorted(found)


def run_once(command, seeds):
    """Runs one process over the seeds; returns its exit code and its output."""
    done = subprocess.run(
        command + seeds,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False)
    return done.returncode, done.stdout


def tail(output):
    return output[-OUTPUT_LIMIT:].decode("utf-8", "replace")


def judge(seeds, code, output):
    """The verdicts that one process supports, a prefix of the seeds; the rest must run again.

    A process that fails is blamed on the last seed it started. One that dies before it starts any,
    or that ends well without executing all, would do the same for every seed: all of them fail.
    """
    executed = EXECUTED.findall(output)
    started = RUNNING.findall(output)
    expected = [os.fsencode(seed) for seed in seeds]
    if code == 0 and executed == expected and not FINDING.search(output):
        return [Result(seed) for seed in seeds]
    text = f"exit code {code}\n{tail(output)}"
    last = len(started) - 1
    if last < 0 or started != expected[:last + 1]:
        return [Result(seed, "was not executed: " + text) for seed in seeds]
    if code == 0 and last + 1 == len(seeds):
        return None  # A finding that was not fatal: only one process a seed can tell whose it is.
    if code == 0:
        return [Result(seed, "was not executed: " + text) for seed in seeds]
    passed = [Result(seed) for seed in seeds[:last]]
    if executed[:last] != expected[:last] or FINDING.search(before(output, started[last])):
        return None
    return passed + [Result(seeds[last], text)]


def before(output, seed):
    """What was printed until the last seed was started."""
    return output[:output.rfind(b"Running: " + seed)]


def judge_alone(command, seed):
    """The verdict on one seed that has a process to itself."""
    code, output = run_once(command, [seed])
    executed = EXECUTED.findall(output) == [os.fsencode(seed)]
    if code == 0 and executed and not FINDING.search(output):
        return Result(seed)
    reason = "" if executed or RUNNING.search(output) else "was not executed: "
    return Result(seed, f"{reason}exit code {code}\n{tail(output)}")


def replay(command, seeds, batch=1000):
    """The verdicts on all seeds, in order."""
    results = []
    rest = seeds
    while rest:
        batch_seeds = rest[:batch]
        code, output = run_once(command, batch_seeds)
        verdicts = judge(batch_seeds, code, output)
        if verdicts is None:
            verdicts = [judge_alone(command, seed) for seed in batch_seeds]
        results.extend(verdicts)
        rest = rest[len(verdicts):]
    return results


def xml_text(text):
    """Text as XML 1.0 allows it: a crash report may hold control characters."""
    return saxutils.escape(re.sub("[^\t\n\x20-\ud7ff\ue000-\ufffd]", "?", text))


def xml_case(suite, result):
    name = saxutils.quoteattr(os.path.basename(result.seed))
    head = f'    <testcase name={name} classname={saxutils.quoteattr(suite)} status="run" time="0"'
    if result.failure is None:
        return head + " />\n"
    message = saxutils.quoteattr(result.failure.split("\n", 1)[0])
    failure = f"<failure message={message}>{xml_text(result.failure)}</failure>"
    return f"{head}>{failure}</testcase>\n"


def write_xml(path, suite, results):
    failures = sum(result.failure is not None for result in results)
    attributes = f'tests="{len(results)}" failures="{failures}" errors="0"'
    name = saxutils.quoteattr(suite)
    with open(path, "w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        file.write(f"<testsuites {attributes}>\n  <testsuite name={name} {attributes}>\n")
        file.writelines(xml_case(suite, result) for result in results)
        file.write("  </testsuite>\n</testsuites>\n")


def keep(seed, folder):
    """Copies a failing seed to where Bazel collects what a test leaves behind."""
    if folder:
        target = os.path.join(folder, os.path.basename(seed))
        shutil.copyfile(seed, target)
        os.chmod(target, 0o644)


def from_workspace(path):
    """A path as one types it at the workspace's root."""
    return path if os.path.isabs(path) else os.path.join("bazel-bin", path)


def report(results, binary, outputs):
    failed = [result for result in results if result.failure is not None]
    for result in failed:
        print(f"FAILED: {os.path.basename(result.seed)}: {result.failure}")
        if os.path.isfile(result.seed):
            print(f"reproduce: {from_workspace(binary)} {from_workspace(result.seed)}\n")
            keep(result.seed, outputs)
    print(f"replayed {len(results)} seeds: {len(results) - len(failed)} passed, "
          f"{len(failed)} failed")
    return 1 if failed else 0


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    for flag in ("name", "binary", "corpus", "options"):
        parser.add_argument("--" + flag, required=True)
    parser.add_argument("flags", nargs="*", help="further flags of libFuzzer")
    return parser.parse_args()


def main():
    args = parse_args()
    seeds = list_seeds(args.corpus)
    outputs = os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR", "")
    if seeds:
        command = [os.path.abspath(args.binary), *read_options(args.options), *args.flags]
        if outputs:
            command.append(f"-artifact_prefix={outputs}/")
        results = replay(command, seeds)
    else:
        results = [Result("corpus", f"{args.corpus} holds no seed, expected one at least")]
        outputs = ""
    if "XML_OUTPUT_FILE" in os.environ:
        write_xml(os.environ["XML_OUTPUT_FILE"], args.name, results)
    return report(results, args.binary, outputs)


if __name__ == "__main__":
    sys.exit(main())
