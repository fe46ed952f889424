"""The rules of the SARIF log: what kinds of findings there are, and which one a finding is.

A signature begins with a word (fuzzers/state/difference.cc, fuzzers/finding/trial.cc). Where that
word leaves open in which direction something differs, the finding's values say it: "flush" is
flush-missing or flush-extra.
"""

import collections
import re

# id: of the rule. short: one sentence. help: what it means for a kernel, and where to look.
Rule = collections.namedtuple("Rule", "id short help")

_LIST = "A walk over the list is what write protection, unmap, ageing and reclaim rely on. "
_TABLE = [
    # Lists.
    ("rmap-missing", "A leaf that should be on a reverse map is not.",
     _LIST + "A leaf that is not listed stays writable, or stays mapped, when it must not."),
    ("rmap-extra", "A reverse map lists a leaf that does not belong there.",
     _LIST + "An entry too many is dropped, protected or aged for another frame."),
    ("rmap-duplicate", "A reverse map lists a leaf twice.",
     _LIST + "The second visit finds what the first has already dropped."),
    ("rmap-splice", "A reverse map runs on into the list of another frame.",
     "A stale link joined two lists: whatever is done to one frame is done to the other."),
    ("parent-missing", "A link is not among the parents of the page that it points at.",
     "A zapped page stays linked from there, or is not marked when it goes out of sync."),
    ("parent-extra", "A page has a parent that does not point at it.",
     "Unlinking the page's parents clears an entry that means something else."),
    ("parent-duplicate", "A page has a parent twice.",
     "Unlinking the page's parents meets an entry that it has cleared."),
    ("list-cycle", "The walk over a list does not end.",
     "An entry was added twice, or an old link was followed; a kernel would hang here."),
    ("list-dangling", "A list or a link leads into a page that was freed.",
     "A kernel would read and write memory that has another owner."),
    ("list-wild", "A list entry is not the address of an spte.",
     "A kernel would follow a wild pointer."),
    ("rmap-add-return", "rmap_add returned what its own rule does not allow.",
     "The value decides when a list is recycled; docs/contract.md, D1, has the rules."),
    ("map-invariant", "A reverse map breaks an invariant of its own.",
     "Its own audit says which; a later operation may follow what is wrong."),
    # Entries and pages.
    ("write-protect-mismatch", "What should be write-protected is writable, or the reverse.",
     "A guest that can write to a page table which is shadowed in sync, or to a page that is "
     "clean in the dirty log, changes memory behind the MMU's back."),
    ("spte-mismatch", "A shadow page table entry has another value.",
     "A frame, right or link that the guest gets differs from what it should be."),
    ("page-mismatch", "A shadow page differs in role, gfn, root count or being there.",
     "Pages are found by these values; a wrong one is shared or kept where it must not be."),
    ("unsync-mismatch", "A page is out of sync, or marked so, when it should not be.",
     "What is not marked is not synchronised: the guest sees a stale translation."),
    ("write-count-mismatch", "The count that forbids large pages differs.",
     "Too low, a large page covers a shadowed table; too high, memory stays in small pages."),
    ("active-list-mismatch", "The list of active pages differs.",
     "It decides which pages reclaim takes."),
    # Events.
    ("dirty-lost", "A host frame that was written is not marked dirty.",
     "The host swaps the page out without writing it: data of the guest are lost."),
    ("dirty-extra", "A host frame is marked dirty for no reason.",
     "Work for the host, and a sign that another entry was dropped than the one that should."),
    ("accessed-lost", "A host frame that was used is not marked accessed.",
     "The host takes the page away too early."),
    ("accessed-extra", "A host frame is marked accessed for no reason.",
     "The host keeps a page too long."),
    ("flush-missing", "A TLB flush that is needed does not happen.",
     "Another processor goes on with a translation that was taken away."),
    ("flush-extra", "The TLBs are flushed for no reason.",
     "Only a cost, but a sign that the MMU believes to have changed something."),
    ("dirty-log-mismatch", "The dirty log has a page too few or too many.",
     "A page too few is a page that live migration loses."),
    ("stats-mismatch", "A counter differs.",
     "A fault fixed, a page zapped or an exit more or less than there should be."),
    # Whole MMUs.
    ("tlb-mismatch", "A vcpu's TLB has another translation.",
     "The guest would reach other memory, or with other rights."),
    ("vcpu-mismatch", "A vcpu's registers, requests or roots differ.",
     "The vcpu would go on in another mode or with other tables."),
    ("memory-mismatch", "The guest's memory has other contents.",
     "A store was lost, doubled or went astray."),
    ("guest-truth", "A guest could see what its own tables and the host do not allow.",
     "Judged by an independent walk of the guest's tables, so all MMUs can be at fault alike."),
    ("outcome-mismatch", "An operation came to another result.",
     "A return value, an error code or the reason why it did not apply differs."),
    ("bug-mismatch", "A BUG() was raised where none, or another, was due.",
     "A kernel would stop here, or go on where it must stop."),
    ("leak", "Something is left after teardown.",
     "Memory that is still allocated, or list entries of pages that are gone."),
    # Ends of processes.
    ("use-after-free", "Memory was used after it had been freed.",
     "Found by AddressSanitizer, for which the shadow pages of the host memory are poisoned when "
     "they are freed."),
    ("out-of-bounds", "Memory was used beyond its end.",
     "Found by AddressSanitizer."),
    ("wild-access", "An address that belongs to no object was used.",
     "Found by AddressSanitizer, or by the processor: a wild or null pointer was followed."),
    ("address-error", "AddressSanitizer has found something else.",
     "The report beside the input says what."),
    ("undefined-behavior", "The code does something that C++ does not define.",
     "Found by UndefinedBehaviorSanitizer; every finding of it is fatal here."),
    ("endless", "A program does not come to an end in time.",
     "A loop that does not end, or work out of proportion: a soft lockup in a kernel."),
    ("out-of-memory", "A program takes more memory than it may.",
     "A leak, or growth out of proportion."),
    ("abnormal-end", "The process ended by a signal or an exit code that nothing explains.",
     "The report beside the input has what it printed."),
    # The suite itself.
    ("nondeterminism", "The same program came to another state when it was run again.",
     "Something is left of earlier programs, or depends on addresses; without it no finding could "
     "be trusted to be found again."),
    ("codec", "The format of programs breaks one of its promises.",
     "Bytes, text and back again are not the same program (fuzzers/program/codec_check.h)."),
    ("unknown", "An input fails, and nothing more is known.",
     "It did not fail again when it was looked at, or left no signature."),
]
RULES = {rule_id: Rule(rule_id, short, text) for rule_id, short, text in _TABLE}

# Rules by the first word of a signature, where that decides; other words are rules themselves.
BY_WORD = {
    "active-list": "active-list-mismatch", "add-return": "rmap-add-return", "bug": "bug-mismatch",
    "cycle": "list-cycle", "dangling": "list-dangling", "dirty-log": "dirty-log-mismatch",
    "map-audit": "map-invariant", "oom": "out-of-memory", "page": "page-mismatch",
    "stats": "stats-mismatch",
    "timeout": "endless", "tlb": "tlb-mismatch", "truth": "guest-truth",
    "undefined": "undefined-behavior", "unsync": "unsync-mismatch", "vcpu": "vcpu-mismatch",
    "wild": "list-wild", "write-count": "write-count-mismatch",
}

# Words of processes that ended; the first that fits.
BY_PATTERN = [
    (r"(asan-)?(\w+-)*use-after-\w+(-\w+)*|(asan-)?double-free.*", "use-after-free"),
    (r"(asan-)?leak", "leak"),
    (r"(asan-)?[\w-]*(overflow|underflow|out-of-bounds)[\w-]*", "out-of-bounds"),
    (r"(asan-)?(SEGV|BUS|unknown-crash|null-deref)|signal-(segv|bus)", "wild-access"),
    (r"ubsan-.*", "undefined-behavior"),
    (r"asan-.*", "address-error"),
    (r"exit-82", "codec"),  # kCodecExit of fuzzers/finding/probe.cc
    (r"signal-.*|exit--?\d+", "abnormal-end"),
]


def _lost_or_extra(word, repro):
    """Sets, "missing: ..." first in the words of fuzzers/state/compare.cc."""
    return f"{word}-{'lost' if repro.get('detail', '').startswith('missing') else 'extra'}"


def _flush(repro):
    try:
        missing = int(repro.get("actual", "")) < int(repro.get("expected", ""))
    except ValueError:
        missing = True
    return "flush-missing" if missing else "flush-extra"


def _is_about_writing(repro):
    """Whether entries differ in the right to write, or write protection came to another result."""
    detail = repro.get("detail", "")
    return (repro.get("expected") == "not writable" or repro.get("op", "").startswith(
        "write_protect") or re.search(r"(^|, )W (set|cleared)", detail) is not None)


def rule_of(signature, repro=None):
    """The rule's id; `repro` as `repro --json` prints it, as far as it is known."""
    repro = repro or {}
    word = signature.split("/", 1)[0]
    if word in ("spte", "outcome"):
        return "write-protect-mismatch" if _is_about_writing(repro) else f"{word}-mismatch"
    if word in ("dirty", "accessed"):
        return _lost_or_extra(word, repro)
    if word == "flush":
        return _flush(repro)
    if word == "memory":  # a verdict's, or the end of a process by the limit
        return "memory-mismatch" if repro.get("kind") == "divergence" else "out-of-memory"
    word = BY_WORD.get(word, word)
    if word in RULES:
        return word
    return next((rule for pattern, rule in BY_PATTERN if re.fullmatch(pattern, word)), "unknown")
