// Compare: from two observations to the first difference, in words.
//
// Equal runs after every operation and makes no string and no copy; Compare is for when it has
// found something, and is slow.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "fuzzers/program/guest_layout.h"
#include "fuzzers/state/observation.h"
#include "mmu/base/spte.h"

namespace rmapdiff {
namespace {

using MaybeDifference = std::optional<Difference>;

// As many entries of a list's difference as a reader wants to see.
constexpr size_t kMaxListed = 8;

bool SameButUnsyncChildren(const PageObservation& a, const PageObservation& b) {
  return a.id == b.id && a.role == b.role && a.gfn == b.gfn && a.root_count == b.root_count &&
         a.zapped == b.zapped && a.unsync == b.unsync && a.parents == b.parents;
}

bool SamePages(const Observation& expected, const Observation& actual, Comparison comparison) {
  if (comparison == Comparison::kMmu) return expected.pages == actual.pages;
  return std::equal(expected.pages.begin(), expected.pages.end(), actual.pages.begin(),
                    actual.pages.end(), SameButUnsyncChildren);
}

// Calls visit(expected or null, actual or null) for each id of either side, ascending, until one
// call returns a difference. Both vectors are sorted by their member `id`.
template <typename Vector, typename T, typename Id, typename Visit>
MaybeDifference ForEachPair(const Vector& expected, const Vector& actual, Id T::* id, Visit visit) {
  auto e = expected.begin();
  auto a = actual.begin();
  while (e != expected.end() || a != actual.end()) {
    const bool has_expected = e != expected.end() && (a == actual.end() || !((*a).*id < (*e).*id));
    const bool has_actual = a != actual.end() && (e == expected.end() || !((*e).*id < (*a).*id));
    MaybeDifference difference = visit(has_expected ? &*e : nullptr, has_actual ? &*a : nullptr);
    if (difference) return difference;
    if (has_expected) ++e;
    if (has_actual) ++a;
  }
  return std::nullopt;
}

// What of the sorted multiset `from` is not in the sorted multiset `what`.
template <typename T>
std::vector<T> Without(const std::vector<T>& from, const std::vector<T>& what) {
  std::vector<T> rest;
  std::set_difference(from.begin(), from.end(), what.begin(), what.end(), std::back_inserter(rest));
  return rest;
}

// Appends "label: a, b, c" to `detail`, if there is anything to list.
template <typename T, typename Render>
void AppendList(std::string* detail, const char* label, const std::vector<T>& values,
                Render render) {
  if (values.empty()) return;
  if (!detail->empty()) *detail += "; ";
  *detail += label;
  const size_t shown = std::min(values.size(), kMaxListed);
  for (size_t i = 0; i < shown; ++i) {
    *detail += i == 0 ? ": " : ", ";
    *detail += render(values[i]);
  }
  if (shown < values.size()) *detail += fmt::format(" and {} more", values.size() - shown);
}

std::string RenderRef(const SpteRef& ref) { return ToString(ref); }
std::string RenderPfn(Pfn pfn) { return fmt::format("{:#x}", pfn); }
template <typename T>
std::string RenderNumber(T number) {
  return fmt::format("{}", number);
}
std::string YesNo(bool on) { return on ? "yes" : "no"; }

template <typename T, typename Render>
std::string RenderList(const std::vector<T>& values, Render render) {
  if (values.empty()) return "{ }";
  std::string text = "{ ";
  for (const T& value : values) {
    if (text.size() > 2) text += ", ";
    text += render(value);
  }
  return text + " }";
}

// ---- Lists of spte references ----

struct ListFindings {
  Finding missing;
  Finding extra;
  Finding duplicate;
};
constexpr ListFindings kRmapFindings{Finding::kRmapMissing, Finding::kRmapExtra,
                                     Finding::kRmapDuplicate};
constexpr ListFindings kParentFindings{Finding::kParentMissing, Finding::kParentExtra,
                                       Finding::kParentDuplicate};

MaybeDifference CompareLists(const std::vector<SpteRef>& expected,
                             const std::vector<SpteRef>& actual, const ListFindings& findings) {
  if (expected == actual) return std::nullopt;
  const std::vector<SpteRef> missing = Without(expected, actual);
  std::vector<SpteRef> extra;
  std::vector<SpteRef> duplicate;
  for (const SpteRef& ref : Without(actual, expected)) {
    const bool twice = std::count(actual.begin(), actual.end(), ref) > 1;
    (twice ? duplicate : extra).push_back(ref);
  }
  Difference difference;
  difference.finding = !duplicate.empty() ? findings.duplicate
                       : !missing.empty() ? findings.missing
                                          : findings.extra;
  difference.expected = ToString(expected);
  difference.actual = ToString(actual);
  AppendList(&difference.detail, "missing", missing, RenderRef);
  AppendList(&difference.detail, "duplicate", duplicate, RenderRef);
  AppendList(&difference.detail, "extra", extra, RenderRef);
  return difference;
}

// An entry of `actual` that `expected` has on another list: the lists run into one another.
void FindSplice(const Observation& expected, const RmapId& id, const std::vector<SpteRef>& extra,
                const GuestLayout& layout, Difference* difference) {
  for (const SpteRef& ref : extra) {
    for (const RmapObservation& other : expected.rmaps) {
      if (other.id == id) continue;
      if (!std::binary_search(other.entries.begin(), other.entries.end(), ref)) continue;
      difference->finding = Finding::kRmapSplice;
      difference->detail +=
          fmt::format("; {} belongs to {}", ToString(ref), ToString(other.id, layout));
      return;
    }
  }
}

// A splice on any list comes first: what is missing elsewhere is a consequence of it.
MaybeDifference CompareRmaps(const Observation& expected, const Observation& actual,
                             const GuestLayout& layout) {
  static const std::vector<SpteRef> kEmpty;
  MaybeDifference first;
  MaybeDifference splice =
      ForEachPair(expected.rmaps, actual.rmaps, &RmapObservation::id,
                  [&](const RmapObservation* e, const RmapObservation* a) -> MaybeDifference {
                    // A reverse map that is not mentioned is empty: there is none that does not
                    // exist.
                    const std::vector<SpteRef>& entries_e = e != nullptr ? e->entries : kEmpty;
                    const std::vector<SpteRef>& entries_a = a != nullptr ? a->entries : kEmpty;
                    MaybeDifference difference = CompareLists(entries_e, entries_a, kRmapFindings);
                    if (!difference) return std::nullopt;
                    const RmapId& id = e != nullptr ? e->id : a->id;
                    difference->subject = ToString(id, layout);
                    FindSplice(expected, id, Without(entries_a, entries_e), layout, &*difference);
                    if (difference->finding == Finding::kRmapSplice) return difference;
                    if (!first) first = std::move(difference);
                    return std::nullopt;
                  });
  return splice ? splice : first;
}

// ---- Pages ----

std::string RenderRole(const Role& role) {
  std::string text = fmt::format("level {} {} access {}", role.level,
                                 role.direct != 0 ? "direct" : "indirect", role.access);
  if (role.cr4_pae != 0) text += " pae";
  if (role.quadrant != 0) text += fmt::format(" quadrant {}", role.quadrant);
  if (role.nxe != 0) text += " nxe";
  if (role.cr0_wp != 0) text += " wp";
  if (role.cr4_pse != 0) text += " pse";
  if (role.invalid != 0) text += " invalid";
  return text;
}

// A difference between two values that a reader sees directly.
Difference Plain(Finding finding, std::string subject, std::string expected, std::string actual) {
  return {finding, std::move(subject), std::move(expected), std::move(actual), ""};
}

MaybeDifference CompareExistence(const PageObservation* expected, const PageObservation* actual) {
  if (expected != nullptr && actual != nullptr) return std::nullopt;
  const PageObservation& page = expected != nullptr ? *expected : *actual;
  const auto render = [](const PageObservation* p) {
    if (p == nullptr) return std::string("no such page");
    return fmt::format("{}, gfn {:#x}", RenderRole(p->role), p->gfn);
  };
  return Plain(Finding::kPage, fmt::format("page {}", page.id), render(expected), render(actual));
}

MaybeDifference CompareParents(const PageObservation* expected, const PageObservation* actual) {
  MaybeDifference difference = CompareLists(expected->parents, actual->parents, kParentFindings);
  if (difference) difference->subject = fmt::format("parents of page {}", expected->id);
  return difference;
}

MaybeDifference CompareFields(const PageObservation* expected, const PageObservation* actual) {
  const auto differ = [&](const char* field, std::string e, std::string a) {
    return Plain(Finding::kPage, fmt::format("{} of page {}", field, expected->id), std::move(e),
                 std::move(a));
  };
  if (!(expected->role == actual->role)) {
    return differ("role", RenderRole(expected->role), RenderRole(actual->role));
  }
  if (expected->gfn != actual->gfn) {
    return differ("gfn", fmt::format("{:#x}", expected->gfn), fmt::format("{:#x}", actual->gfn));
  }
  if (expected->root_count != actual->root_count) {
    return differ("root_count", RenderNumber(expected->root_count),
                  RenderNumber(actual->root_count));
  }
  if (expected->zapped != actual->zapped) {
    return differ("zapped", YesNo(expected->zapped), YesNo(actual->zapped));
  }
  return std::nullopt;
}

MaybeDifference CompareUnsync(const PageObservation* expected, const PageObservation* actual,
                              Comparison comparison) {
  if (expected->unsync != actual->unsync) {
    return Plain(Finding::kUnsync, fmt::format("unsync of page {}", expected->id),
                 YesNo(expected->unsync), YesNo(actual->unsync));
  }
  const std::vector<uint16_t>& bits_e = expected->unsync_children;
  const std::vector<uint16_t>& bits_a = actual->unsync_children;
  if (comparison == Comparison::kModel || bits_e == bits_a) return std::nullopt;
  Difference difference =
      Plain(Finding::kUnsync, fmt::format("unsync children of page {}", expected->id),
            RenderList(bits_e, RenderNumber<uint16_t>), RenderList(bits_a, RenderNumber<uint16_t>));
  AppendList(&difference.detail, "missing", Without(bits_e, bits_a), RenderNumber<uint16_t>);
  AppendList(&difference.detail, "extra", Without(bits_a, bits_e), RenderNumber<uint16_t>);
  return difference;
}

// ---- Slots ----

bool HasPage(const Observation& observation, PageId id) {
  return std::any_of(observation.pages.begin(), observation.pages.end(),
                     [id](const PageObservation& page) { return page.id == id; });
}

// "W cleared, A set, pfn 0x5 instead of 0x4".
std::string LeafDetail(Spte expected, Spte actual) {
  static constexpr std::pair<Spte, const char*> kBits[] = {{kSptePresent, "P"},
                                                           {kSpteWritable, "W"},
                                                           {kSpteUser, "U"},
                                                           {kSpteAccessed, "A"},
                                                           {kSpteDirty, "D"},
                                                           {kSpteHuge, "PS"},
                                                           {kSpteHostWritable, "host-writable"}};
  std::string detail;
  const auto add = [&](const std::string& text) {
    if (!detail.empty()) detail += ", ";
    detail += text;
  };
  for (const auto& [bit, name] : kBits) {
    if (((expected ^ actual) & bit) == 0) continue;
    add(fmt::format("{} {}", name, (actual & bit) != 0 ? "set" : "cleared"));
  }
  if (PfnOf(expected) != PfnOf(actual)) {
    add(fmt::format("pfn {:#x} instead of {:#x}", PfnOf(actual), PfnOf(expected)));
  }
  return detail;
}

MaybeDifference CompareSlots(const Observation& expected, const Observation& actual) {
  return ForEachPair(expected.slots, actual.slots, &SlotObservation::ref,
                     [&](const SlotObservation* e, const SlotObservation* a) -> MaybeDifference {
                       if (e != nullptr && a != nullptr && e->value == a->value)
                         return std::nullopt;
                       const SpteRef& ref = e != nullptr ? e->ref : a->ref;
                       // Complete observations leave out the trap slots, others the slots of pages
                       // that are gone.
                       const auto render = [&](const SlotObservation* slot, const Observation& of) {
                         if (slot != nullptr) return ToString(slot->value);
                         return std::string(HasPage(of, ref.page) ? "trap" : "no such page");
                       };
                       Difference difference = Plain(Finding::kSlot, ToString(ref),
                                                     render(e, expected), render(a, actual));
                       const bool leaves = e != nullptr && a != nullptr &&
                                           e->value.kind == SlotValue::Kind::kLeaf &&
                                           a->value.kind == SlotValue::Kind::kLeaf;
                       if (leaves) difference.detail = LeafDetail(e->value.word, a->value.word);
                       return difference;
                     });
}

// ---- Events, counters, lists ----

MaybeDifference ComparePfns(Finding finding, const char* subject, const std::vector<Pfn>& expected,
                            const std::vector<Pfn>& actual) {
  if (expected == actual) return std::nullopt;
  Difference difference =
      Plain(finding, subject, RenderList(expected, RenderPfn), RenderList(actual, RenderPfn));
  AppendList(&difference.detail, "missing", Without(expected, actual), RenderPfn);
  AppendList(&difference.detail, "extra", Without(actual, expected), RenderPfn);
  return difference;
}

MaybeDifference CompareEvents(const Events& expected, const Events& actual) {
  MaybeDifference difference =
      ComparePfns(Finding::kDirty, "host frames set dirty", expected.dirtied, actual.dirtied);
  if (difference) return difference;
  difference = ComparePfns(Finding::kAccessed, "host frames marked accessed", expected.accessed,
                           actual.accessed);
  if (difference) return difference;
  if (expected.remote_flushes == actual.remote_flushes) return std::nullopt;
  return Plain(Finding::kFlush, "remote flushes", RenderNumber(expected.remote_flushes),
               RenderNumber(actual.remote_flushes));
}

MaybeDifference CompareStats(const Stats& expected, const Stats& actual) {
  struct Counter {
    Finding finding;
    const char* subject;
    int64_t expected;
    int64_t actual;
  };
  const Counter counters[] = {
      {Finding::kUnsync, "stats: unsync", expected.unsync, actual.unsync},
      {Finding::kStats, "stats: live_pages", expected.live_pages, actual.live_pages},
      {Finding::kStats, "stats: cache_miss", expected.cache_miss, actual.cache_miss},
      {Finding::kStats, "stats: zapped", expected.zapped, actual.zapped},
      {Finding::kStats, "stats: recycled rmaps", expected.recycled, actual.recycled},
      {Finding::kStats, "stats: reloads", expected.reloads, actual.reloads},
      {Finding::kStats, "stats: lpages", expected.lpages, actual.lpages},
  };
  for (const Counter& counter : counters) {
    if (counter.expected == counter.actual) continue;
    return Plain(counter.finding, counter.subject, RenderNumber(counter.expected),
                 RenderNumber(counter.actual));
  }
  return std::nullopt;
}

MaybeDifference CompareWriteCounts(const Observation& expected, const Observation& actual,
                                   const GuestLayout& layout) {
  return ForEachPair(expected.write_counts, actual.write_counts, &WriteCount::id,
                     [&](const WriteCount* e, const WriteCount* a) -> MaybeDifference {
                       if (e != nullptr && a != nullptr && e->count == a->count) {
                         return std::nullopt;
                       }
                       const RmapId& id = e != nullptr ? e->id : a->id;
                       const auto render = [](const WriteCount* count) {
                         return count != nullptr ? RenderNumber(count->count) : "none";
                       };
                       return Plain(Finding::kWriteCount, WriteCountName(id, layout), render(e),
                                    render(a));
                     });
}

MaybeDifference ComparePages(const Observation& expected, const Observation& actual,
                             Comparison comparison) {
  const auto each = [&](auto visit) {
    return ForEachPair(expected.pages, actual.pages, &PageObservation::id, visit);
  };
  MaybeDifference difference = each(CompareExistence);
  if (!difference) difference = each(CompareParents);
  if (!difference) difference = CompareSlots(expected, actual);
  if (!difference) difference = each(CompareFields);
  if (!difference) {
    difference = each([&](const PageObservation* e, const PageObservation* a) {
      return CompareUnsync(e, a, comparison);
    });
  }
  return difference;
}

Finding OutcomeFinding(const Outcome& expected, const Outcome& actual) {
  if (expected.code != OutcomeCode::kBug && actual.code != OutcomeCode::kBug) {
    return Finding::kOutcome;
  }
  switch (actual.bug) {
    case BugClass::kCycle:
      return Finding::kCycle;
    case BugClass::kDangling:
      return Finding::kDangling;
    case BugClass::kWild:
      return Finding::kWild;
    default:
      return Finding::kBugClass;
  }
}

const char* OutcomeDetail(Finding finding) {
  switch (finding) {
    case Finding::kCycle:
      return "a list walk does not end";
    case Finding::kDangling:
      return "a list entry points into a page that was freed";
    case Finding::kWild:
      return "a list entry is no address of an spte";
    default:
      return "";
  }
}

}  // namespace

std::optional<Difference> CompareOutcomes(const Outcome& expected, const Outcome& actual) {
  if (expected == actual) return std::nullopt;
  Difference difference =
      Plain(OutcomeFinding(expected, actual), "outcome", ToString(expected), ToString(actual));
  difference.detail = OutcomeDetail(difference.finding);
  return difference;
}

bool SameUnsyncChildren(const Observation& a, const Observation& b) {
  return std::equal(a.pages.begin(), a.pages.end(), b.pages.begin(), b.pages.end(),
                    [](const PageObservation& x, const PageObservation& y) {
                      return x.unsync_children == y.unsync_children;
                    });
}

bool Equal(const Observation& expected, const Observation& actual, Comparison comparison) {
  return expected.outcome == actual.outcome && expected.rmaps == actual.rmaps &&
         SamePages(expected, actual, comparison) && expected.slots == actual.slots &&
         expected.events == actual.events && expected.stats == actual.stats &&
         expected.write_counts == actual.write_counts && expected.active == actual.active &&
         expected.facts == actual.facts;
}

std::optional<Difference> Compare(const Observation& expected, const Observation& actual,
                                  Comparison comparison, const GuestLayout& layout) {
  if (Equal(expected, actual, comparison)) return std::nullopt;
  MaybeDifference difference = CompareOutcomes(expected.outcome, actual.outcome);
  if (!difference) difference = CompareRmaps(expected, actual, layout);
  if (!difference) difference = ComparePages(expected, actual, comparison);
  if (!difference) difference = CompareEvents(expected.events, actual.events);
  if (!difference) difference = CompareStats(expected.stats, actual.stats);
  if (!difference) difference = CompareWriteCounts(expected, actual, layout);
  if (!difference && expected.active != actual.active) {
    difference = Plain(Finding::kActiveList, "active list, head first",
                       RenderList(expected.active, RenderNumber<PageId>),
                       RenderList(actual.active, RenderNumber<PageId>));
  }
  if (!difference) difference = CompareFacts(expected.facts, actual.facts);
  return difference;
}

}  // namespace rmapdiff
