"""Judges each sentence of the patch by the figures: holds, holds in part, does not hold."""

import collections

from tools.scripts.claims import figures
from tools.scripts.claims.results import LONG

HOLDS, PART, NOT = "holds", "holds in part", "does not hold"

# How far a fitted exponent may be from the one that a complexity stands for.
EXPONENT_TOLERANCE = 0.2


Verdict = collections.namedtuple("Verdict", "claim verdict figure")


def near(exponent, expected):
    return abs(exponent - expected) <= EXPONENT_TOLERANCE


def size(results):
    legacy, sibling = results.lines("legacy"), results.lines("sibling")
    return Verdict(
        '"it reduces 220 lines of code"', HOLDS if sibling < legacy else NOT,
        f"{legacy} lines of code in {len(results.functions('legacy'))} functions become {sibling} "
        f"in {len(results.functions('sibling'))}")


def simple(results):
    legacy, sibling = results.complexity("legacy"), results.complexity("sibling")
    worst = {name: results.most_complex(name)["complexity"] for name in ("legacy", "sibling")}
    holds = sibling < legacy and worst["sibling"] < worst["legacy"]
    return Verdict(
        '"functions which are in hot path become very very simple", "better readability"',
        HOLDS if holds else PART,
        f"cyclomatic complexity {legacy} -> {sibling} in all, {worst['legacy']} -> "
        f"{worst['sibling']} for the worst function")


# The hot functions, at the length that most lists have, a middling one and a long one.
HOT = ("add", "remove_random", "traverse", "write_protect", "age", "unmap", "parent_add",
       "parent_remove", "parent_walk")
HOT_LENGTHS = (1, 16, LONG)
# Closer than this the clock of a shared machine says nothing.
TIE = 0.1


def faster_and_slower(results):
    """How often sibling is faster and slower than legacy, of all hot functions and lengths."""
    faster = slower = 0
    for case in HOT:
        for n in HOT_LENGTHS:
            found = results.time_ratio(case, "legacy", "sibling", "scattered", n)
            faster += found.median > 1 + TIE
            slower += found.median < 1 / (1 + TIE)
    return faster, slower


def fast(results):
    faster, slower = faster_and_slower(results)
    all_points = len(HOT) * len(HOT_LENGTHS)
    verdict = HOLDS if slower == 0 and faster > 0 else PART if faster > 0 else NOT
    walk = results.time_ratio("traverse", "legacy", "sibling", "scattered", LONG)
    add = results.time_ratio("add", "sibling", "legacy", "scattered", LONG)
    return Verdict(
        '"... and terrifically fast"', verdict,
        f"of {all_points} points ({len(HOT)} functions, n = 1, 16, {LONG}, entries scattered) "
        f"{faster} are faster and {slower} slower; at n = {LONG} a traversal is "
        f"{figures.times(walk.median)} faster and an add {figures.times(add.median)} slower")


def rmap_next(results):
    per_entry = {name: [results.steps("traverse", name, n) / n for n in (16, LONG)]
                 for name in ("legacy", "sibling")}
    grows = {name: last / first for name, (first, last) in per_entry.items()}
    holds = grows["sibling"] < 1.1 and grows["legacy"] > 10
    short, long = per_entry["legacy"]
    return Verdict(
        '"rmap_next(): O(N) -> O(1)"', HOLDS if holds else NOT,
        f"instructions per call: legacy {figures.number(short)} at n = 16 and "
        f"{figures.number(long)} at n = {LONG}, sibling {figures.number(per_entry['sibling'][0])} "
        f"and {figures.number(per_entry['sibling'][1])}")


def traversal(results):
    legacy = results.steps_exponent("traverse", "legacy")
    sibling = results.steps_exponent("traverse", "sibling")
    packed, scattered = (results.time_ratio("traverse", "legacy", "sibling", layout, LONG)
                         for layout in ("packed", "scattered"))
    steps = results.steps_ratio("traverse", "legacy", "sibling", LONG)
    return Verdict(
        '"traveling a rmap: O(N*N) -> O(N)"',
        HOLDS if near(legacy, 2) and near(sibling, 1) else NOT,
        f"exponents {legacy:.2f} and {sibling:.2f}, of instructions; at n = {LONG} legacy needs "
        f"{figures.times(steps)} the instructions, {figures.times(packed.median)} the time with "
        f"entries side by side, {figures.times(scattered.median)} with entries scattered")


def interlayer(results):
    guest = results.idle_guest("legacy", 64)
    left = results.idle_guest("sibling", 64)["object_count"]
    return Verdict(
        '"Remove the ugly interlayer: struct kvm_rmap_desc, struct kvm_pte_chain"',
        HOLDS if left == 0 else NOT,
        f"{guest['object_count']:,} descriptors in an idle guest of 6 GiB become {left}")


def allocation(results):
    legacy, sibling = results.objects_taken("legacy"), results.objects_taken("sibling")
    burst = results.first_failing_burst("legacy")
    survives = results.first_failing_burst("sibling") is None
    fails = f"the {burst['done'] + 1}th store of one instruction is a BUG" if burst else "none"
    return Verdict(
        '"We don\'t need to allocate any thing when we change the mappings"',
        HOLDS if sibling == 0 and survives else NOT,
        f"taken under the lock in all workloads: legacy {legacy:,} descriptors and chains, sibling "
        f"{sibling}; legacy: {fails}, sibling: none. Shadow pages are still taken there, by both")


def memory(results):
    """An admission: it holds if such guests take more."""
    fill = 64
    idle = [results.idle_guest(name, fill)["bytes"] for name in ("sibling", "legacy")]
    tdp = [results.memory(name)["tdp_guest"]["bytes"] for name in ("sibling", "legacy")]
    more = idle[0] > idle[1] and tdp[0] > tdp[1]
    return Verdict(
        '"BAD: If most rmap have only one entry or most sp have only one parent, this patch may '
        'use more memory"', HOLDS if more else NOT,
        f"idle guest, {fill} of 512 entries in use: {figures.times(idle[0] / idle[1])} the memory "
        f"of all shadow pages; TDP guest: {figures.times(tdp[0] / tdp[1])}. Lists of two break "
        f"even at {results.break_even('sibling', 2)} entries in use, lists of four at "
        f"{results.break_even('sibling', 4)}, single entries never")


def fault_path(results):
    """Not a claim, but what must be so for the others to mean anything."""
    found = results.time_ratio("fault_single", "legacy", "sibling")
    steps = results.steps_ratio("fault_single", "legacy", "sibling")
    return Verdict(
        "(unsaid) where every frame is mapped once, nothing changes",
        HOLDS if abs(steps - 1) <= 0.1 and 0.9 <= found.median <= 1.1 else NOT,
        f"a page fault: legacy takes {figures.times_spread(found)} the time of sibling, "
        f"{steps:.2f}x the instructions")


def counting(results):
    """Unsaid by the patch: rmap_add counts."""
    slow = results.time_ratio("add", "sibling", "legacy", "scattered", LONG)
    counted = results.time_ratio("add", "sibling", "counted", "scattered", LONG)
    exponent = results.steps_exponent("add", "sibling")
    return Verdict(
        "(unsaid) rmap_add does not get slower", HOLDS if slow.median <= 1.1 else NOT,
        f"at n = {LONG} it is {figures.times(slow.median)} slower, because it counts the list "
        f"(exponent {exponent:.2f}); with the count kept in the head it is "
        f"{figures.times(counted.median)} faster than that")


def removal(results):
    """Nor: a removal from far behind walks links where legacy walks descriptors."""
    tail = results.time_ratio("remove_tail", "sibling", "legacy", "scattered", LONG)
    oldest = results.time_ratio("exit_storm", "sibling", "legacy")
    newest = results.time_ratio("exit_newest", "legacy", "sibling")
    return Verdict(
        "(unsaid) rmap_remove does not get slower", HOLDS if tail.median <= 1.1 else PART,
        f"of the last of {LONG} entries it is {figures.times(tail.median)} slower; 500 processes "
        f"that end, oldest first, {figures.times(oldest.median)} slower, newest first "
        f"{figures.times(newest.median)} faster")


CLAIMS = (size, simple, fast, rmap_next, traversal, interlayer, allocation, memory, fault_path,
          counting, removal)


def judge(results):
    return [claim(results) for claim in CLAIMS]
