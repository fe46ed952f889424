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

# How much of a failing program's output is shown: its beginning, where a sanitizer says what is
# wrong, and its end, where our own report is.
OUTPUT_LIMIT = 16000

EXECUTED = re.compile(rb"^Executed (.+) in \d+ ms\r?$", re.MULTILINE)
RUNNING = re.compile(rb"^Running: (.+?)\r?$", re.MULTILINE)
# How the failure of a seed begins that its program never came to.
NOT_EXECUTED = "was not executed: "

# Of a target that runs programs (fuzzers/fuzz_target.h).
ENGINES = re.compile(rb"^ENGINES: .*\n", re.MULTILINE)

FINDING = re.compile(
    rb"runtime error: |ERROR: \w+Sanitizer|ERROR: libFuzzer|SUMMARY: \w+Sanitizer")


class Result:
    """The verdict on one seed.

    failure: None if it passed, else a text to be read, of OUTPUT_LIMIT characters and a few.
    code, output: of the process that failed, for a reader that wants all that was printed since it
    started with the seed, and which engines it compares.
    """

    def __init__(self, seed, failure=None, code=0, output=""):
        self.seed = seed
        self.failure = failure
        self.code = code
        self.output = output


def failed(seeds, code, output, reason=""):
    """The Results of seeds that the process did not survive, or did not run."""
    text = since(output, seeds[0]).decode("utf-8", "replace")
    failure = f"{reason}exit code {code}\n{shorten(text)}"
    engines = ENGINES.search(output)  # printed once a process, with its first seed
    line = engines[0].decode("utf-8", "replace") if engines else ""
    return [Result(seed, failure, code, text if line in text else line + text) for seed in seeds]


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


def without_variants(text):
    """Text whose std::variant<...> do not list their types, of which a frame may hold a hundred."""
    kept, end = [], 0
    for match in re.finditer(r"\bstd::(?:__\w+::)?variant<", text):
        if match.start() < end:
            continue
        kept.append(text[end:match.end()])
        end, depth = match.end(), 1
        while depth > 0 and end < len(text) and text[end] != "\n":
            depth += {"<": 1, ">": -1}.get(text[end], 0)
            end += 1
        kept.append("...>" if depth == 0 else "...")
    return "".join(kept) + text[end:]


def shorten(text):
    """The head and the tail of what a program has printed."""
    text = without_variants(text)
    half = OUTPUT_LIMIT // 2
    left_out = len(text) - 2 * half
    if left_out <= 0:
        return text
    return f"{text[:half]}\n... {left_out} characters are left out ...\n{text[-half:]}"


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
    last = len(started) - 1
    if last < 0 or started != expected[:last + 1]:
        return failed(seeds, code, output, NOT_EXECUTED)
    if code == 0 and last + 1 == len(seeds):
        return None  # A finding that was not fatal: only one process a seed can tell whose it is.
    if code == 0:
        return failed(seeds, code, output, NOT_EXECUTED)
    passed = [Result(seed) for seed in seeds[:last]]
    if executed[:last] != expected[:last] or FINDING.search(before(output, seeds[last])):
        return None
    return passed + failed(seeds[last:last + 1], code, output)


def start_of(output, seed):
    """Where the program has said that it starts with the seed; -1 if it has not."""
    return output.rfind(b"Running: " + os.fsencode(seed))


def before(output, seed):
    """What was printed until the last seed was started."""
    return output[:start_of(output, seed)]


def since(output, seed):
    """What was printed from there on, all of it if the seed was never started."""
    return output[max(start_of(output, seed), 0):]


def judge_alone(command, seed):
    """The verdict on one seed that has a process to itself."""
    code, output = run_once(command, [seed])
    executed = EXECUTED.findall(output) == [os.fsencode(seed)]
    if code == 0 and executed and not FINDING.search(output):
        return Result(seed)
    reason = "" if executed or RUNNING.search(output) else NOT_EXECUTED
    return failed([seed], code, output, reason)[0]


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
    failures = [result for result in results if result.failure is not None]
    for result in failures:
        print(f"FAILED: {os.path.basename(result.seed)}: {result.failure}")
        if os.path.isfile(result.seed):
            print(f"reproduce: {from_workspace(binary)} {from_workspace(result.seed)}\n")
            keep(result.seed, outputs)
    print(f"replayed {len(results)} seeds: {len(results) - len(failures)} passed, "
          f"{len(failures)} failed")
    return 1 if failures else 0


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
