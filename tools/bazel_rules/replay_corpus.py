"""The test of a fuzz target: every seed of its corpus runs once, and is one test case.

Failing seeds are copied to $TEST_UNDECLARED_OUTPUTS_DIR. Exit code: 0 if there are seeds and all
passed, 1 otherwise.
"""

import argparse
import os
import shutil
import sys

from tools.bazel_rules import junit, replay


def from_workspace(path):
    """A path as one types it at the workspace's root."""
    return path if os.path.isabs(path) else os.path.join("bazel-bin", path)


def report(results, binary, outputs):
    failures = [result for result in results if result.failure is not None]
    for result in failures:
        print(f"FAILED: {os.path.basename(result.seed)}: {result.failure}")
        if os.path.isfile(result.seed):
            print(f"reproduce: {from_workspace(binary)} {from_workspace(result.seed)}\n")
            if outputs:
                target = os.path.join(outputs, os.path.basename(result.seed))
                shutil.copyfile(result.seed, target)
                os.chmod(target, 0o644)
    print(f"replayed {len(results)} seeds: {len(results) - len(failures)} passed, "
          f"{len(failures)} failed")
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for flag in ("name", "binary", "corpus", "options"):
        parser.add_argument("--" + flag, required=True)
    parser.add_argument("flags", nargs="*", help="further flags of libFuzzer")
    args = parser.parse_args()
    seeds = replay.list_seeds(args.corpus)
    outputs = os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR", "")
    command = [os.path.abspath(args.binary), *replay.read_options(args.options), *args.flags]
    if outputs:
        command.append(f"-artifact_prefix={outputs}/")
    results = replay.replay(command, seeds) or [
        replay.Result("corpus", f"{args.corpus} holds no seed, expected one at least")]
    junit.write([(args.name, os.path.basename(result.seed), result.failure or "", "")
                 for result in results])
    return report(results, args.binary, outputs)


if __name__ == "__main__":
    sys.exit(main())
