"""Two minimizers on the same artifacts with the same time: ours, and libFuzzer's -minimize_crash=1.

    bench/minimize_ab [--time=10] [MUTANT...]

Both minimize the first finding of the fuzz target of each mutant (tests/mutants; a few if none is
named). Each has a row: operations and bytes before and after, the time that our minimizer took, and
whether libFuzzer's result is still the same finding.

Exit code: 0 ours is smaller or equal on every one, 1 it is not, 3 a build fails, or no target finds
anything.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

from tools.scripts.common.script import ROOT, Parser, duration, run_build, run_main

# The faults of the smoke test, and some more faults of the lists.
MUTANTS = (
    "base_drain_keeps_one",
    "legacy_full_test_off_by_one",
    "legacy_new_descriptor_not_linked",
    "legacy_remove_leaves_hole",
    "sibling_link_read_after_unlink",
    "sibling_push_forgets_rest",
    "sibling_unlink_loses_next",
    "sibling_unlink_loses_tail",
    "sibling_unlink_parents_keeps_head",
    "sibling_visit_first_parent_only",
)
FIRST_SECONDS = 20  # for the first finding


def build(mutants):
    """Returns the folder of the products."""
    targets = [f"//tests/mutants:{name}{part}" for name in mutants
               for part in ("", "_rmapdiff", "_probe")]
    return os.path.join(run_build(ROOT, [f"tests/mutants/{mutants[0]}", *targets]), "tests/mutants")


def first_finding(name, built, folder):
    """The path of the artifact, or None."""
    prefix = os.path.join(folder, "")
    subprocess.run([os.path.join(built, name), "-seed=1", "-max_len=2056",
                    f"-max_total_time={FIRST_SECONDS}", "-artifact_prefix=" + prefix],
                   capture_output=True, check=False)
    found = [file for file in os.listdir(folder) if file.startswith("crash-")]
    return os.path.join(folder, found[0]) if found else None


class CommandLine:
    """rmapdiff with the mutant's engines."""

    def __init__(self, name, built):
        self.program = os.path.join(built, name + "_rmapdiff")
        self.environment = dict(os.environ, RMAPDIFF_ROOT=ROOT,
                                RMAPDIFF_PROBE=os.path.join(built, name + "_probe"))

    def run(self, *words):
        return subprocess.run([self.program, *words], env=self.environment, capture_output=True,
                              text=True, check=False).stdout

    def size(self, path):
        """(operations, canonical bytes)."""
        self.run("assemble", path, "-o", path + ".canonical")
        size = os.path.getsize(path + ".canonical")
        return (size - 8 + 7) // 8, size

    def signature(self, path):
        match = re.search(r"^reproduced .*: (\S+)$", self.run("repro", "-k", "1", path), re.M)
        return match[1] if match else ""


def measure(name, built, seconds):
    """A row, or None if nothing was found."""
    with tempfile.TemporaryDirectory() as folder:
        artifact = first_finding(name, built, folder)
        if artifact is None:
            return None
        cli = CommandLine(name, built)
        ours = os.path.join(folder, "ours.ops")
        begin = time.monotonic()
        cli.run("minimize", f"--time={seconds}s", artifact, "-o", ours)
        took = time.monotonic() - begin
        theirs = os.path.join(folder, "theirs")
        # libFuzzer starts itself by a shell, so it gets names of ours, and no path.
        os.symlink(os.path.join(built, name), os.path.join(folder, "target"))
        os.symlink(artifact, os.path.join(folder, "first"))
        # libFuzzer applies the limit to each round; `timeout` ends them all.
        subprocess.run(["timeout", str(seconds), "./target", "-minimize_crash=1",
                        f"-max_total_time={seconds}", "-exact_artifact_path=theirs", "first"],
                       cwd=folder, capture_output=True, check=False)
        if not os.path.exists(theirs):
            theirs = artifact  # it has found nothing smaller
        signature = cli.signature(artifact)
        return {"name": name, "signature": signature, "before": cli.size(artifact),
                "ours": cli.size(ours), "theirs": cli.size(theirs), "seconds": took,
                "kept": cli.signature(ours) == signature,
                "theirs_kept": cli.signature(theirs) == signature}


def table(rows):
    lines = ["| fault | finding | before | rmapdiff minimize | libFuzzer -minimize_crash=1 |",
             "| --- | --- | --- | --- | --- |"]
    for row in rows:
        ops, size = row["theirs"]
        kept = "" if row["theirs_kept"] else ", another finding"
        lines.append(f"| {row['name']} | {row['signature']} | {row['before'][0]} ops | "
                     f"{row['ours'][0]} ops, {row['ours'][1]} bytes, {row['seconds']:.1f} s | "
                     f"{ops} ops, {size} bytes{kept} |")
    ops = [row["ours"][0] for row in rows]
    lines.append("")
    lines.append(f"ours: median {statistics.median(ops):g} ops, at most {max(ops)}, slowest "
                 f"{max(row['seconds'] for row in rows):.1f} s")
    return "\n".join(lines)


def main(words):
    parser = Parser("bench/minimize_ab", __doc__)
    parser.add_argument("--time", type=duration, default=10, metavar="TIME",
                        help="for each of the two [10s]")
    parser.add_argument("mutants", nargs="*", metavar="MUTANT")
    arguments = parser.parse_args(words)
    mutants = arguments.mutants or MUTANTS
    built = build(mutants)
    rows = []
    for name in mutants:
        row = measure(name, built, arguments.time)
        if row is None:
            print(f"{name}: nothing found in {FIRST_SECONDS} s", file=sys.stderr)
        else:
            rows.append(row)
    if not rows:
        return 3
    print(table(rows))
    # A program that shows another finding is not a smaller form of this one.
    good = all(row["kept"] and (row["ours"][1] <= row["theirs"][1] or not row["theirs_kept"])
               for row in rows)
    return 0 if good else 1


if __name__ == "__main__":
    run_main("bench/minimize_ab", main)
