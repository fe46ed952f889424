"""Runs the programs of bench/ and reads what they print: times, instructions, facts, sizes.

    times[case][map][layout][n]   seconds of each repetition; layout "" and n 0 of a workload
    fits["case/map/layout"]       the curve that Google Benchmark finds, of some
    steps[case][map][n]           instructions of one operation
    facts                         what bench/rmap_facts prints
    sizes[map]                    lines and functions of its source
"""

import collections
import json
import os
import re

from tools.scripts.common.script import FINDING, Failure, output_of

from tools.scripts.common import maps

SCALES = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}

SOURCES = {one.name: one.source for one in maps.known()}

MEASURED = "rmapdiff_measured"


def run(command, **options):
    """The output of a program; a measurement that fails is a Failure."""
    return output_of(command, FINDING, **options)


def tree():
    return collections.defaultdict(tree)


def plain(value):
    """A tree as ordinary dictionaries, with keys as JSON has them."""
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    return value


# Google Benchmark adds these to the name of a benchmark.
DECORATION = re.compile(r"/(?:iterations:\d+|manual_time|repeats:\d+|min_time:[\d.]+)|_BigO$")

# Benchmarks that are there for Complexity() alone.
FIT = "fit/"


def read_times(export):
    """The samples of Google Benchmark's JSON, as times[case][map][layout][n]."""
    times = tree()
    for entry in export["benchmarks"]:
        if entry.get("error_occurred"):
            raise Failure(FINDING, f"{entry['name']}: {entry['error_message']}")
        if entry["run_type"] != "iteration" or entry["name"].startswith(FIT):
            continue
        name = DECORATION.sub("", entry["name"])
        case, of_map, layout, n = (name.split("/") + ["", "0"])[:4]
        samples = times[case][of_map][layout].setdefault(n, [])
        samples.append((entry["repetition_index"], entry["real_time"] * SCALES[entry["time_unit"]]))
    for case in times.values():
        for layouts in case.values():
            for points in layouts.values():
                for n, samples in points.items():
                    points[n] = [seconds for _, seconds in sorted(samples)]
    return plain(times)


def read_fits(export):
    """The curve that Complexity() of Google Benchmark finds: {"traverse/legacy/packed": "N^2"}."""
    return {DECORATION.sub("", entry["name"])[len(FIT):]: entry["big_o"]
            for entry in export["benchmarks"] if entry.get("aggregate_name") == "BigO"}


def measure_times(program, repetitions, out):
    run([program, f"--benchmark_repetitions={repetitions}",
         "--benchmark_enable_random_interleaving=true", "--benchmark_out_format=json",
         f"--benchmark_out={out}"])
    with open(out, encoding="utf-8") as file:
        export = json.load(file)
    return read_times(export), read_fits(export)


def read_dump(text):
    """The instructions of one dump of callgrind."""
    found = re.search(r"^(?:summary|totals): (\d+)", text, re.MULTILINE)
    if found is None:
        raise Failure(FINDING, "a dump of callgrind without a summary")
    return int(found.group(1))


def read_steps(lines, dumps):
    """Joins what rmap_steps printed with what callgrind dumped, call by call."""
    if len(lines) != len(dumps):
        raise Failure(FINDING, f"callgrind made {len(dumps)} dumps of {len(lines)} calls")
    steps = tree()
    for line, dump in zip(lines, dumps):
        case, of_map, n, operations = line.split()
        steps[case][of_map][n] = read_dump(dump) / int(operations)
    return plain(steps)


def measure_steps(program, folder):
    out = os.path.join(folder, "callgrind")
    lines = run(["valgrind", "-q", "--tool=callgrind", "--collect-atstart=no",
                 f"--toggle-collect={MEASURED}", f"--dump-after={MEASURED}",
                 f"--callgrind-out-file={out}", program]).splitlines()
    dumps = []
    while os.path.exists(f"{out}.{len(dumps) + 1}"):
        path = f"{out}.{len(dumps) + 1}"
        with open(path, encoding="utf-8", errors="replace") as file:
            dumps.append(file.read())
        os.remove(path)
    return read_steps(lines, dumps)


def count_lines(text):
    """Lines of code: neither blank, nor nothing but a comment, nor of the preprocessor."""
    lines = [line.strip() for line in text.splitlines()]
    return sum(bool(line) and not line.startswith(("//", "#")) for line in lines)


def read_functions(text):
    """The functions of pmccabe's output: name, McCabe's complexity, first line, lines."""
    functions = []
    for line in text.splitlines():
        words = line.split(maxsplit=6)
        functions.append({"name": words[-1].rsplit("::", 1)[-1], "complexity": int(words[1]),
                          "first": int(words[3]), "lines": int(words[4])})
    return functions


def without_audits(text, functions):
    """(The text, the functions) without those that audit the map: no kernel would have them."""
    audits = [one for one in functions if one["name"].startswith("Audit")]
    dropped = {one["first"] + i for one in audits for i in range(one["lines"])}
    kept = [line for number, line in enumerate(text.splitlines(), 1) if number not in dropped]
    return "\n".join(kept), [one for one in functions if one not in audits]


def measure_sizes(root):
    sizes = {}
    for of_map, path in SOURCES.items():
        with open(os.path.join(root, path), encoding="utf-8") as file:
            text, functions = without_audits(
                file.read(), read_functions(run(["pmccabe", path], cwd=root)))
        sizes[of_map] = {"path": path, "lines": count_lines(text), "functions": functions}
    return sizes


def machine():
    """The machine and the compiler of the figures."""
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    compiler = run(["clang-19", "--version"]).splitlines()[0]
    return {"processor": model, "cores": os.cpu_count(), "compiler": compiler}
