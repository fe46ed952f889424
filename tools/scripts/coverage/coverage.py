"""Says which functions, lines and branches of mmu/ and legacy_mmu/ the corpus alone covers.

Every fuzz target is built with line counters and without sanitizers, and replays each of its seeds
once; no unit test and no fuzzing takes part. A line, a side of a branch or a function counts as
covered if it is in any instantiation of its template. DIR gets summary.json with all figures, and
html/ with the source as llvm-cov shows it (the totals of html/index.html count the instantiations
of a template apart, ours do not). A DIR of an earlier run is replaced as a whole.

Functions that no seed can reach stand in tools/scripts/coverage/unreachable.txt, with the reason;
they are listed apart, and count all the same.

Exit code: 0 done, 1 below a minimum or a target fails on a seed, 2 wrong usage, 3 environment
(tools are missing, a target cannot be built).
"""

import argparse
import json
import os
import re
import shutil
import sys
import tempfile

from tools.bazel_rules import replay
from tools.scripts.common.script import (ENVIRONMENT, FINDING as FAILED, ROOT, USAGE, Failure,
                                         Parser, end_in_order, output_of, not_empty, run_build,
                                         run_main)
from tools.scripts.coverage import coverage_map, function_records, summary as summary_lib

FOLDERS = ("mmu/", "legacy_mmu/")
UNREACHABLE = "tools/scripts/coverage/unreachable.txt"
COV, PROFDATA = "llvm-cov-19", "llvm-profdata-19"
LCOV = ("export", "-format=lcov", "-skip-functions", "-skip-branches")
DEMANGLER, OBJCOPY = "llvm-cxxfilt-19", "llvm-objcopy-19"

# How much of a failing target's output is shown: its end, where the report is.
OUTPUT_LINES = 30


def percentage(word):
    try:
        value = float(word)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"'{word}': expected a percentage from 0 to 100")
    return value


def parse_args(words):
    parser = Parser("tools/coverage", __doc__)
    parser.add_argument("--dir", type=not_empty, metavar="DIR", default="coverage-report",
                        help="for the report [coverage-report]")
    parser.add_argument("--target", metavar="NAME", action="append", default=[],
                        help="only this fuzz target; can be repeated")
    parser.add_argument("--min-lines", metavar="PCT", type=percentage,
                        help="exit with 1 if less than PCT%% of all lines are covered")
    parser.add_argument("--min-branches", metavar="PCT", type=percentage,
                        help="the same for branches")
    args = parser.parse_args(words)
    args.dir = os.path.realpath(args.dir)
    return args


def is_report(folder):
    """Whether a folder holds a report of ours."""
    try:
        with open(os.path.join(folder, "summary.json"), encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("format") == summary_lib.FORMAT


def check_replaceable(folder):
    if os.path.isdir(folder):
        if os.listdir(folder) and not is_report(folder):
            raise Failure(USAGE, f"--dir: {folder} holds no report of ours, expected one, an "
                                 "empty folder or none")
    elif os.path.lexists(folder):
        raise Failure(USAGE, f"--dir: {folder} is not a folder")


def publish(made, folder):
    """Puts a finished report in its place; until then the old one stays whole."""
    old = made + ".old"
    if os.path.isdir(folder):
        os.rename(folder, old)
    os.rename(made, folder)
    shutil.rmtree(old, ignore_errors=True)


def build_targets(wanted):
    """Builds what the fuzz targets need; returns their names and the folder of their files."""
    group = "//fuzzers:fuzz_targets_list" if wanted else "//fuzzers:fuzz_targets_cov"
    built = run_build(ROOT, ["fuzzers/fuzz_targets.txt", group])
    with open(os.path.join(built, "fuzzers/fuzz_targets.txt"), encoding="utf-8") as file:
        known = file.read().split()
    for name in wanted:
        if name not in known:
            raise Failure(
                USAGE, f"--target: no target '{name}', expected one of {', '.join(known)}")
    names = [name for name in known if not wanted or name in wanted]
    if wanted:
        labels = [f"//fuzzers:{name}_{part}" for name in names
                  for part in ("cov_bin", "corpus", "options")]
        built = run_build(ROOT, [f"fuzzers/{names[0]}_cov_bin", *labels])
    return names, os.path.join(built, "fuzzers")


def replay_corpus(name, built, folder):
    """Runs one target over its seeds, which leaves a profile; returns how many seeds there are."""
    seeds = replay.list_seeds(os.path.join(built, name + "_corpus"))
    if not seeds:
        raise Failure(FAILED, f"{name} has no seed, expected one at least")
    os.environ["LLVM_PROFILE_FILE"] = os.path.join(folder, f"{name}-%p.profraw")
    options = replay.read_options(os.path.join(built, name + "_options.options"))
    command = [os.path.join(built, name + "_cov_bin"), *options, f"-artifact_prefix={folder}/"]
    failed = [result for result in replay.replay(command, seeds) if result.failure is not None]
    if failed:
        output = failed[0].failure
        lines = output[max(output.rfind("Running: "), 0):].splitlines()
        print("\n".join(lines[-OUTPUT_LINES:]), file=sys.stderr)
        names = ", ".join(os.path.basename(result.seed) for result in failed)
        raise Failure(FAILED, f"{name} fails on {len(failed)} of {len(seeds)} seeds: {names}")
    return len(seeds)


def run_tool(command, **options):
    """The output of a tool of LLVM."""
    return output_of(command, cwd=ROOT, **options)


def demangle(files):
    """The readable name of each symbol."""
    symbols = sorted({symbol for file in files.values() for function in file.functions.values()
                      for symbol in function.symbols})
    mangled = "".join(coverage_map.symbol_of(symbol) + "\n" for symbol in symbols)
    return dict(zip(symbols, run_tool([DEMANGLER], input=mangled).splitlines()))


def copy_programs(names, built, folder):
    """Copies of the targets that llvm-cov can look at side by side; returns their paths."""
    copies = [os.path.join(folder, name) for name in names]
    lists = [copy + ".list" for copy in copies]
    for name, copy, path in zip(names, copies, lists):
        run_tool([OBJCOPY, f"--dump-section={function_records.SECTION}={path}",
                  os.path.join(built, name + "_cov_bin"), copy])
    sections = []
    for path in lists:
        with open(path, "rb") as file:
            sections.append(file.read())
    for copy, path, section in zip(copies, lists, function_records.drop_hiding(sections)):
        with open(path, "wb") as file:
            file.write(section)
        run_tool([OBJCOPY, f"--update-section={function_records.SECTION}={path}", copy])
    return copies


def foreign_files(export):
    """A pattern for the files that are none of the MMUs'."""
    names = {os.path.normpath(entry["filename"]).split("/", 1)[0] + "/"
             for data in export["data"] for entry in data["files"]}
    return "^(\\./)?(" + "|".join(sorted(map(re.escape, names - set(FOLDERS)))) + ")"


def list_sources():
    """All C++ files of the MMUs."""
    for top in FOLDERS:
        for folder, _, names in os.walk(os.path.join(ROOT, top)):
            yield from (os.path.relpath(os.path.join(folder, name), ROOT) for name in names
                        if name.endswith((".cc", ".h")))


def merge_profiles(folder):
    """Merges what the runs of all targets left in a folder; returns the path."""
    raw = sorted(name for name in os.listdir(folder) if name.endswith(".profraw"))
    merged = os.path.join(folder, "all.profdata")
    run_tool([PROFDATA, "merge", "-sparse", "-o", merged,
              *(os.path.join(folder, name) for name in raw)])
    return merged


def measure(names, built, scratch, complete):
    """Replays the corpus and writes html/ into `scratch`; returns the summary.

    `complete` says that these are all fuzz targets.
    """
    work = os.path.join(scratch, "work")
    os.mkdir(work)
    targets = [{"name": name, "seeds": replay_corpus(name, built, work)} for name in names]
    first, *others = copy_programs(names, built, work)
    view = [first, *(f"-object={other}" for other in others),
            f"-instr-profile={merge_profiles(work)}"]
    export = json.loads(run_tool([COV, "export", *view]))
    lcov = run_tool([COV, *LCOV, *view])
    run_tool([COV, "show", *view, "-format=html", "-show-branches=count",
              "-show-instantiations=false", f"-ignore-filename-regex={foreign_files(export)}",
              "-project-title=rmapdiff: what the corpus alone covers",
              f"-output-dir={os.path.join(scratch, 'html')}"])
    shutil.rmtree(work)
    files = coverage_map.merge(export, lcov, ROOT, FOLDERS)
    with open(os.path.join(ROOT, UNREACHABLE), encoding="utf-8") as lines:
        exclusions, warnings = summary_lib.read_exclusions(lines, UNREACHABLE)
    summary = summary_lib.summarize(
        files, demangle(files), exclusions, UNREACHABLE, FOLDERS, complete)
    summary["warnings"] = warnings + summary["warnings"]
    summary["targets"] = targets
    summary["absent"] = sorted(set(list_sources()) - set(files))
    return summary


def make_report(names, built, folder, complete):
    """Measures into a folder beside `folder`, which then takes its place; returns the summary."""
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    scratch = tempfile.mkdtemp(prefix=os.path.basename(folder) + ".", dir=os.path.dirname(folder))
    try:
        os.chmod(scratch, 0o755)
        summary = measure(names, built, scratch, complete)
        summary["html"] = os.path.join(folder, "html", "index.html")
        with open(os.path.join(scratch, "summary.json"), "w", encoding="utf-8") as file:
            json.dump(summary, file, indent=1)
            file.write("\n")
        check_replaceable(folder)
        publish(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return summary


def check_minimum(kind, found, minimum):
    """Whether a figure is high enough; says so if not. It is not rounded for this."""
    if minimum is None or found["total"] and 100 * found["covered"] >= minimum * found["total"]:
        return True
    print(f"coverage: {found['covered']} of {found['total']} {kind} are covered, expected "
          f"{minimum:g}%", file=sys.stderr)
    return False


def main(words):
    args = parse_args(words)
    end_in_order()
    check_replaceable(args.dir)
    names, built = build_targets(args.target)
    for tool in (COV, PROFDATA, DEMANGLER, OBJCOPY):
        if shutil.which(tool) is None:
            raise Failure(ENVIRONMENT, f"there is no {tool}, expected it from Debian's llvm-19")
    summary = make_report(names, built, args.dir, complete=not args.target)
    for warning in summary["warnings"]:
        print(f"coverage: warning: {warning}", file=sys.stderr)
    print(summary_lib.render(summary) + "\n" + summary["html"])
    good = [check_minimum("lines", summary["total"]["lines"], args.min_lines),
            check_minimum("branches", summary["total"]["branches"], args.min_branches)]
    return 0 if all(good) else FAILED


if __name__ == "__main__":
    run_main("tools/coverage", main)
