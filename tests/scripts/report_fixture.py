"""A folder of a run for tests of `rmapdiff report`, much as `rmapdiff fuzz` leaves one behind.

`python3 tests/scripts/report_fixture.py DIR` writes one to look at; `--hostile` makes every name in
it an attack on the page.
"""

import json
import math
import os
import random
import sys

BEGAN = 1790000000
TARGETS = {  # programs a second, operations of each, edges in the end
    "direct_fuzzer": (900, 40, 6100), "dirty_log_fuzzer": (610, 52, 7300),
    "mmu_fuzzer": (240, 61, 8900), "oom_fuzzer": (480, 38, 7000),
    "rmap_fuzzer": (3100, 64, 3050), "tiny_mmu_fuzzer": (800, 55, 8200),
    "tiny_rmap_fuzzer": (7200, 48, 2950),
}
OPERATIONS = {
    "map": ("ok", "no_such_page", "slot_busy", "no_slot", "wrong_level"),
    "drop": ("ok", "no_such_page", "not_present"), "write_protect": ("ok", "no_slot"),
    "alloc_page": ("ok", "page_exists", "no_memory"), "recycle": ("ok", "not_present"),
    "guest_write": ("ok", "emulated", "guest_fault", "mmio"), "misuse_free": ("misuse_off",),
}
BUCKETS = ("0", "1", "2", "3-4", "5-8", "9-16", "17-32", "33-64")

REPORT = """\
DIVERGENCE at op 6 of 7: drop page=3 index=17 notrap=no
  engine sibling disagrees with legacy and model            signature rmap-missing/drop/sibling
  rmap(gfn 0x12, level 1)
    model    { page 3 [18], page 5 [0] }
    legacy   { page 3 [18], page 5 [0] }
    sibling  { page 3 [18] }                                missing: page 5 [0]
program (7 ops):
    5  map page=3 index=18 gfn=0x12 write=no speculative=no
  > 6  drop page=3 index=17 notrap=no
"""
MINIMAL = """\
program version=2 limits=production reuse=quarantine masks=shadow recycle=exact misuse=no
alloc_page page=3 level=1 direct=no gfn=0x1 parent=none index=0
map page=3 index=17 gfn=0x12 write=yes speculative=no
drop page=3 index=17 notrap=no
"""

# Names that must stay text. The last becomes a link only if code makes it one.
HOSTILE = (
    "<script>console.error('script ran')</script>",
    "\"><img src=x onerror=\"console.error('handler ran')\">",
    "</style><svg onload=console.error(1)></svg></title></textarea><!--",
    "\x1b[31mred\x1b[0m \u202etxt.exe\u2066 \x00 &lt;b&gt; ]]>",
    "javascript:console.error('link')",
)


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file)


def figures(name, seconds, share):
    """Of a target after so many seconds of the run."""
    rate, length, edges = TARGETS.get(name, (500, 50, 5000))
    own = seconds * share
    grown = 1 - math.exp(-((own / 900) ** 0.45))
    execs = int(rate * own * (1 - 0.15 * min(own / 20000, 1)))
    return {"execs": execs, "ops": execs * length, "seconds": round(own, 1),
            "coverage": int(edges * min(1, 0.55 + 0.45 * grown)),
            "features": int(edges * 6.2 * grown), "corpus": int(edges * 0.4 * grown),
            "corpus_bytes": int(edges * 90 * grown), "findings": 0}


def samples(names, hours, lines):
    """As stats.jsonl has them; the second session begins after three fifths."""
    rng = random.Random(7)
    span, share = 3600 * hours, 2 / len(names)
    for i in range(lines + 1):
        elapsed = span * i / lines + (rng.random() if i else 0)
        second = elapsed > 0.6 * span
        targets = {name: figures(name, elapsed, share) for name in names}
        if elapsed > 0.3 * span:
            targets[names[0]]["findings"] = 2
        found = (elapsed > 0.3 * span) + (elapsed > 0.31 * span)
        yield {"time": BEGAN + elapsed + (5000 if second else 0), "run": 1 + second,
               "elapsed": elapsed, "jobs": 2, "seed": 42 + second, "targets": targets,
               "findings": found, "final": i == lines}


def write_finding(folder, slug, **values):
    path = os.path.join(folder, "findings", slug)
    os.makedirs(path)
    finding = {"signature": "rmap-missing/drop/sibling", "target": "rmap_fuzzer",
               "kind": "divergence", "engine": "sibling", "count": 3, "first_seen": BEGAN + 8700,
               "last_seen": BEGAN + 20000, "artifact": "input-0f5d", "ops": 3,
               "minimal": "minimal.ops", "report": "report.txt", "draft": ""}
    write_json(os.path.join(path, "finding.json"), {**finding, **values})
    for name, text in (("report.txt", REPORT), ("minimal.ops", MINIMAL)):
        with open(os.path.join(path, name), "w", encoding="utf-8") as file:
            file.write(values.get("text", text))


def corpus_stats(names, operations):
    rng = random.Random(11)
    targets = {}
    for name in names:
        outcomes = {op: {outcome: int(10 ** rng.uniform(0, 6) / (1 + 4 * i))
                         for i, outcome in enumerate(found)}
                    for op, found in operations.items()}
        lists = {bucket: int(40000 * 0.42 ** i) for i, bucket in enumerate(BUCKETS) if i}
        lengths = {bucket: 30 + 90 * i for i, bucket in enumerate(BUCKETS)}
        targets[name] = {"programs": 1800, "bytes": 400000, "ops": 91000, "unreadable": 0,
                         "outcomes": outcomes, "rmap_lengths": lists,
                         "parent_lengths": {"1": 9000, "2": 700, "3-4": 40},
                         "program_lengths": lengths}
    return {"targets": targets}


def write_trials(folder, mutants):
    rng = random.Random(3)
    os.makedirs(os.path.join(folder, "mutants"))
    with open(os.path.join(folder, "mutants", "trials.jsonl"), "w", encoding="utf-8") as file:
        for mutant in mutants:
            for seed in range(1, 6):
                seconds = rng.lognormvariate(-2, 1.6)
                found = seconds < 30
                file.write(json.dumps({
                    "arm": "empty", "mutant": mutant, "seed": seed,
                    "seconds": min(seconds, 30.0), "execs": int(4000 * min(seconds, 30)),
                    "found": found, "by": "model" if found else "", "signature": "s",
                    "guilty": "sibling" if found else ""}) + "\n")


def write(folder, names=tuple(TARGETS), hours=8, lines=600, operations=None, mutants=()):
    """A whole run with two findings; the corpus's figures beside it, in FOLDER.stats.json."""
    os.makedirs(os.path.join(folder, "corpus"))
    with open(os.path.join(folder, "stats.jsonl"), "w", encoding="utf-8") as file:
        for sample in samples(list(names), hours, lines):
            file.write(json.dumps(sample) + "\n")
    write_finding(folder, "rmap-missing.drop.sibling-1a2b3c4d")
    write_finding(folder, "heap-use-after-free-9a8b7c6d", signature="heap-use-after-free in Unlink",
                  kind="sanitizer", engine="", count=1, first_seen=BEGAN + 8900)
    write_json(folder + ".stats.json", corpus_stats(names, operations or OPERATIONS))
    if mutants:
        write_trials(folder, mutants)


def write_hostile(folder):
    """The same with an attack for every name and text that a page shows."""
    write(folder, names=HOSTILE, lines=40, operations={text: HOSTILE for text in HOSTILE})
    for i, text in enumerate(HOSTILE):
        write_finding(folder, f"hostile-{i}<b>", signature=text, target=text, kind=text,
                      engine=text, artifact=text, minimal=text, text=text)


if __name__ == "__main__":
    (write_hostile if "--hostile" in sys.argv else write)(sys.argv[1])
