"""The results as Markdown: one function for each generated part of docs/claims.md."""

from tools.scripts.claims import figures, results as results_lib, verdicts
from tools.scripts.claims.results import LAYOUTS, LONG, MAPS

CASES = ("add", "remove_head", "remove_middle", "remove_tail", "remove_random", "traverse",
         "write_protect", "age", "unmap", "recycle", "fork", "exit", "parent_add", "parent_remove",
         "parent_walk", "unlink_parents")
GUESTS = ("fault_single", "boot", "fork_storm", "exit_storm", "exit_newest", "dirty_log", "shrink",
          "swap")
TABLE_LENGTHS = (1, 4, 16, 64, 256, LONG)


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def machine(results):
    found = results.raw["machine"]
    return (f"The machine has {found['cores']} cores of an {found['processor']}. The compiler is\n"
            f"{found['compiler']} with -O2. Times are medians and quartiles\n"
            f"of the processor time of {results.raw['repetitions']} repetitions.")


def summary(results):
    return table(("the patch says", "verdict", "figure"),
                 [(found.claim, f"**{found.verdict}**", found.figure)
                  for found in verdicts.judge(results)])


def sizes(results):
    rows = []
    for name in MAPS:
        functions = results.functions(name)
        worst = results.most_complex(name)
        rows.append((f"{name} (`{results.sizes[name]['path']}`)", results.lines(name),
                     len(functions), results.complexity(name),
                     f"{results.complexity(name) / len(functions):.1f}",
                     f"{worst['complexity']} (`{worst['name']}`)",
                     max(function["lines"] for function in functions)))
    return table(("map", "lines", "functions", "complexity", "mean", "worst", "longest function"),
                 rows)


def times(results):
    """Legacy over sibling, for each operation and length: above 1 sibling is faster."""
    header = ("operation", "entries", *(f"n = {n}" for n in TABLE_LENGTHS))
    return table(header, [(f"`{case}`", layout, *(
        figures.times_spread(results.time_ratio(case, "legacy", "sibling", layout, n))
        for n in TABLE_LENGTHS)) for case in CASES for layout in LAYOUTS])


def hot(results):
    """The same for the hot functions alone, at few lengths."""
    lengths = verdicts.HOT_LENGTHS
    header = ("operation", *(f"n = {n}, {layout}" for layout in LAYOUTS for n in lengths))
    return table(header, [(f"`{case}`", *(
        figures.times_spread(results.time_ratio(case, "legacy", "sibling", layout, n))
        for layout in LAYOUTS for n in lengths)) for case in verdicts.HOT])


def absolute(results):
    """Times and instructions themselves, of scattered lists."""
    header = ("operation", "map", *(f"n = {n}" for n in (1, 16, LONG)), "instructions, n = 1", "16",
              str(LONG))
    return table(header, [
        (f"`{case}`", name,
         *(figures.duration(results.time(case, name, "scattered", n).median)
           for n in (1, 16, LONG)),
         *(figures.number(results.steps(case, name, n)) for n in (1, 16, LONG)))
        for case in CASES for name in MAPS])


def exponents(results):
    def of_time(case, name, layout):
        fit = results.fit(case, name, layout)
        found = f"{results.time_exponent(case, name, layout):.2f}"
        return f"{found}, {fit}" if fit else found

    cases = ("traverse", "write_protect", "age", "add", "remove_tail", "unmap", "parent_walk")
    return table(("operation", "map", "instructions", "time, packed", "time, scattered"), [
        (f"`{case}`", name, f"{results.steps_exponent(case, name):.2f}",
         *(of_time(case, name, layout) for layout in LAYOUTS)) for case in cases for name in MAPS])


def guests(results):
    rows = []
    for case in GUESTS:
        row = [f"`{case}`"]
        row += [figures.duration(results.time(case, name).median) for name in MAPS]
        row += [figures.times_spread(results.time_ratio(case, "legacy", other))
                for other in MAPS[1:]]
        row += [figures.times(results.steps_ratio(case, "legacy", other)) for other in MAPS[1:]]
        rows.append(row)
    return table(("workload", *MAPS, "time, legacy over sibling", "over counted",
                  "instructions, legacy over sibling", "over counted"), rows)


def break_even(results):
    rows = []
    for n in (1, 2, 3, 4, 5, 6, 8, 16):
        predicted = results_lib.predicted_break_even(n)
        reachable = predicted is not None and predicted <= 512
        rows.append((n, f"{predicted:.1f}" if reachable else "never",
                     results.break_even("sibling", n) or "never"))
    return table(("mappings of each frame", "entries in use, predicted", "measured"), rows)


def _guest_row(name, legacy, sibling):
    return (name, f"{legacy['mappings']:,}", f"{legacy['shadow_pages']:,}",
            f"{figures.size(legacy['bytes'])} ({figures.size(legacy['objects'])})",
            figures.size(sibling["bytes"]), figures.times(sibling["bytes"] / legacy["bytes"]),
            *(f"{figures.number(memory['bytes'] / memory['mappings'])}, "
              f"{figures.number(memory['bytes'] / memory['shadow_pages'])}"
              for memory in (legacy, sibling)))


def guest_memory(results):
    rows = []
    for row in results.memory("legacy")["idle_guest"]:
        rows.append(_guest_row(f"idle, {row['fill']} of 512 entries in use", row,
                               results.idle_guest("sibling", row["fill"])))
    rows.append(_guest_row("TDP, 512 of 512", *(results.memory(name)["tdp_guest"]
                                                for name in MAPS[:2])))
    return table(("guest", "mappings", "shadow pages", "legacy (descriptors)", "sibling", "factor",
                  "legacy, bytes per mapping, per page", "sibling"), rows)


def fragments(results):
    found = results.memory("legacy")["fragments"]
    full, left = found["bytes_full"], found["bytes_left"]
    return (f"A legacy list of {found['added']} entries has {figures.size(full)} of descriptors. "
            f"After three of\neach four are removed it still has {figures.size(left)}, "
            f"{left // found['left']} bytes for each of {found['left']} entries. The\nsibling list "
            "has none.")


def lock(results):
    rows = []
    legacy = results.taken("legacy")
    others = {(row["workload"], row["what"]): row for row in results.taken("sibling")}
    for row in legacy:
        other = others[(row["workload"], row["what"])]
        if row["objects"] == other["objects"] == 0 and row["pages"] == 0:
            continue
        rows.append((f"`{row['workload']}`", row["what"], f"{row['operations']:,}",
                     f"{row['objects']:,}", row["worst"], other["objects"],
                     f"{row['pages']:,}", f"{other['pages']:,}"))
    return table(("workload", "the guest's operation", "of them", "legacy: taken", "worst of one",
                  "sibling: taken", "for pages, legacy", "sibling"), rows)


def parents(results):
    """Bytes of chains for each shadow page, of which all have so many parents."""
    rows = []
    for row in results.memory("legacy")["parents"]:
        other = next(found for found in results.memory("sibling")["parents"]
                     if found["parents"] == row["parents"])
        pages = 120  # kFillPages of bench/facts.h; the others are directories
        rows.append((row["parents"], figures.number(row["objects"] / pages),
                     figures.number(other["objects"] / pages)))
    return table(("parents of each page", "legacy, bytes of chains per page", "sibling"), rows)


def peaks(results):
    rows = [(f"`{workload}`", f"{found['objects']:,}", figures.size(found["bytes"]),
             results.peaks("sibling")[workload]["objects"])
            for workload, found in results.peaks("legacy").items()]
    return table(("workload", "legacy, most objects at once", "bytes", "sibling"), rows)


def bursts(results):
    rows = []
    for index, row in enumerate(results.facts["maps"]["legacy"]["lock"]["store_bursts"]):
        cells = [row["wanted"]]
        for name in MAPS:
            found = results.facts["maps"][name]["lock"]["store_bursts"][index]
            end = f"BUG `{found['bug']}` after {found['done']}" if found["bug"] else "done"
            cells.append(f"{end}, {found['taken']} taken")
        rows.append(cells)
    return table(("stores of one instruction", *MAPS), rows)


def counted(results):
    return table(("n", *MAPS, "sibling over counted", *(f"instructions, {m}" for m in MAPS)), [
        (n, *(figures.duration(results.time("add", name, "scattered", n).median) for name in MAPS),
         figures.times_spread(results.time_ratio("add", "sibling", "counted", "scattered", n)),
         *(figures.number(results.steps("add", name, n)) for name in MAPS))
        for n in results.lengths()])


PARTS = {function.__name__: function for function in (
    machine, summary, sizes, times, hot, absolute, exponents, guests, break_even, guest_memory,
    fragments, lock, parents, peaks, bursts, counted)}
