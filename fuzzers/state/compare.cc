// From two observations to their differences, in words.
//
// Equal runs after every operation and makes no string and no copy. All else is slow, and for when
// Equal has found something.
#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "fuzzers/program/guest_layout.h"
#include "fuzzers/state/observation.h"
#include "mmu/base/spte.h"

namespace rmapdiff {
namespace {

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

// ---- Words ----

// The part of the sorted multiset `from` that is not in the sorted multiset `what`.
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
std::string RenderHex(uint64_t number) { return fmt::format("{:#x}", number); }
std::string RenderNumber(int64_t number) { return fmt::format("{}", number); }
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

std::string RenderRole(const Role& role) {
  std::string text = fmt::format("level {} {} access {}", role.level,
                                 role.direct != 0 ? "direct" : "indirect", role.access);
  if (role.cr4_pae != 0) text += " pae";
  if (role.quadrant != 0) text += fmt::format(" quadrant {}", role.quadrant);
  if (role.nxe != 0) text += " nxe";
  if (role.cr0_wp != 0) text += " wp";
  if (role.cr4_pse != 0) text += " pse";
  if (role.smep_andnot_wp != 0) text += " smep";
  if (role.smap_andnot_wp != 0) text += " smap";
  if (role.invalid != 0) text += " invalid";
  return text;
}

// "no such page" for null.
std::string RenderPage(const PageObservation* page) {
  if (page == nullptr) return "no such page";
  return fmt::format("{}, gfn {:#x}", RenderRole(page->role), page->gfn);
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
      return "a list entry is not the address of an spte";
    default:
      return "";
  }
}

Finding FindingOf(FactKind kind) {
  switch (kind) {
    case FactKind::kTlb:
    case FactKind::kTlbRights:
      return Finding::kTlb;
    case FactKind::kDirtyBit:
      return Finding::kDirtyLog;
    case FactKind::kMemory:
      return Finding::kMemory;
    case FactKind::kVcpu:
    case FactKind::kRoot:
      return Finding::kVcpu;
    case FactKind::kCounter:
      return Finding::kStats;
  }
  return Finding::kStats;
}

struct ListFindings {
  Finding missing;
  Finding extra;
  Finding duplicate;
};
constexpr ListFindings kRmapFindings{Finding::kRmapMissing, Finding::kRmapExtra,
                                     Finding::kRmapDuplicate};
constexpr ListFindings kParentFindings{Finding::kParentMissing, Finding::kParentExtra,
                                       Finding::kParentDuplicate};

bool HasPage(const Observation& observation, PageId id) {
  return std::any_of(observation.pages.begin(), observation.pages.end(),
                     [id](const PageObservation& page) { return page.id == id; });
}

// ---- The walk ----

// Goes over all fields in the order of importance, until it has found `most` differences.
class Comparer {
 public:
  Comparer(const Observation& expected, const Observation& actual, Comparison comparison,
           const GuestLayout& layout, size_t most)
      : expected_(expected),
        actual_(actual),
        comparison_(comparison),
        layout_(layout),
        most_(most) {}

  std::vector<FieldDifference> Run() {
    if (auto difference = CompareOutcomes(expected_.outcome, actual_.outcome)) Found(*difference);
    Rmaps();
    ForEachPair(expected_.pages, actual_.pages, &PageObservation::id,
                [this](const PageObservation* e, const PageObservation* a) { Existence(e, a); });
    ForEachPage([this](const PageObservation& e, const PageObservation& a) { Parents(e, a); });
    ForEachPair(expected_.slots, actual_.slots, &SlotObservation::ref,
                [this](const SlotObservation* e, const SlotObservation* a) { Slot(e, a); });
    ForEachPage([this](const PageObservation& e, const PageObservation& a) { Fields(e, a); });
    ForEachPage([this](const PageObservation& e, const PageObservation& a) { Unsync(e, a); });
    CompareEvents();
    CompareStats();
    ForEachPair(expected_.write_counts, actual_.write_counts, &WriteCount::id,
                [this](const WriteCount* e, const WriteCount* a) { Count(e, a); });
    const auto active = [](const Observation& of) { return RenderList(of.active, RenderNumber); };
    Field(Finding::kActiveList, "active list, head first", active(expected_), active(actual_));
    ForEachPair(expected_.facts, actual_.facts, &Fact::id,
                [this](const Fact* e, const Fact* a) { CompareFact(e, a); });
    return std::move(found_);
  }

 private:
  // Calls visit(expected or null, actual or null) for each id of either side, ascending. Both
  // vectors are sorted by their member `id`.
  template <typename Vector, typename T, typename Id, typename Visit>
  void ForEachPair(const Vector& expected, const Vector& actual, Id T::* id, Visit visit) {
    auto e = expected.begin();
    auto a = actual.begin();
    while (found_.size() < most_ && (e != expected.end() || a != actual.end())) {
      const bool has_expected =
          e != expected.end() && (a == actual.end() || !((*a).*id < (*e).*id));
      const bool has_actual = a != actual.end() && (e == expected.end() || !((*e).*id < (*a).*id));
      visit(has_expected ? &*e : nullptr, has_actual ? &*a : nullptr);
      if (has_expected) ++e;
      if (has_actual) ++a;
    }
  }

  // For each page that both sides have.
  template <typename Visit>
  void ForEachPage(Visit visit) {
    ForEachPair(expected_.pages, actual_.pages, &PageObservation::id,
                [&](const PageObservation* e, const PageObservation* a) {
                  if (e != nullptr && a != nullptr) visit(*e, *a);
                });
  }

  void Found(Difference difference, const std::optional<ListId>& list = std::nullopt) {
    if (found_.size() < most_) found_.push_back({std::move(difference), list});
  }

  // A difference between two values that a reader sees directly.
  void Field(Finding finding, std::string subject, std::string expected, std::string actual,
             std::string detail = "") {
    if (expected == actual) return;
    Found({finding, std::move(subject), std::move(expected), std::move(actual), std::move(detail)});
  }

  // Both are sorted.
  template <typename T, typename Render>
  void Set(Finding finding, std::string subject, const std::vector<T>& expected,
           const std::vector<T>& actual, Render render) {
    std::string detail;
    AppendList(&detail, "missing", Without(expected, actual), render);
    AppendList(&detail, "extra", Without(actual, expected), render);
    Field(finding, std::move(subject), RenderList(expected, render), RenderList(actual, render),
          std::move(detail));
  }

  // ---- Lists ----

  // Another list on which the expected state has the entry.
  std::optional<ListId> OwnerOf(const SpteRef& ref, const ListId& than) const {
    const auto has = [&ref](const std::vector<SpteRef>& entries) {
      return std::binary_search(entries.begin(), entries.end(), ref);
    };
    for (const RmapObservation& rmap : expected_.rmaps) {
      if (than.rmap && rmap.id != *than.rmap && has(rmap.entries)) return ListId{rmap.id, 0};
    }
    for (const PageObservation& page : expected_.pages) {
      const ListId parents{std::nullopt, page.id};
      if (!than.rmap && !(parents == than) && has(page.parents)) return parents;
    }
    return std::nullopt;
  }

  std::optional<Difference> CompareLists(const ListId& list, const std::vector<SpteRef>& expected,
                                         const std::vector<SpteRef>& actual,
                                         const ListFindings& findings) const {
    if (expected == actual) return std::nullopt;
    const std::vector<SpteRef> missing = Without(expected, actual);
    std::vector<SpteRef> extra;
    std::vector<SpteRef> duplicate;
    std::string owner;
    for (const SpteRef& ref : Without(actual, expected)) {
      const bool twice = std::count(actual.begin(), actual.end(), ref) > 1;
      (twice ? duplicate : extra).push_back(ref);
      const std::optional<ListId> other = OwnerOf(ref, list);
      if (!other || !owner.empty()) continue;
      owner = fmt::format("; {} belongs to {}", ToString(ref), ToString(*other, layout_));
    }
    Finding finding = !duplicate.empty() ? findings.duplicate
                      : !missing.empty() ? findings.missing
                                         : findings.extra;
    if (list.rmap && !owner.empty()) finding = Finding::kRmapSplice;  // they run into one another
    std::string detail;
    AppendList(&detail, "missing", missing, RenderRef);
    AppendList(&detail, "duplicate", duplicate, RenderRef);
    AppendList(&detail, "extra", extra, RenderRef);
    return Difference{finding, ToString(list, layout_), ToString(expected), ToString(actual),
                      detail + owner};
  }

  // A splice on any list comes first: an entry missing elsewhere is a consequence of it.
  void Rmaps() {
    static const std::vector<SpteRef> kEmpty;
    std::vector<FieldDifference> spliced;
    std::vector<FieldDifference> others;
    ForEachPair(expected_.rmaps, actual_.rmaps, &RmapObservation::id,
                [&](const RmapObservation* e, const RmapObservation* a) {
                  // An empty reverse map need not be mentioned.
                  const std::vector<SpteRef>& entries_e = e != nullptr ? e->entries : kEmpty;
                  const std::vector<SpteRef>& entries_a = a != nullptr ? a->entries : kEmpty;
                  const ListId list{e != nullptr ? e->id : a->id, 0};
                  auto difference = CompareLists(list, entries_e, entries_a, kRmapFindings);
                  if (!difference) return;
                  const bool splice = difference->finding == Finding::kRmapSplice;
                  (splice ? spliced : others).push_back({std::move(*difference), list});
                });
    for (FieldDifference& one : spliced) Found(std::move(one.difference), one.list);
    for (FieldDifference& one : others) Found(std::move(one.difference), one.list);
  }

  void Parents(const PageObservation& expected, const PageObservation& actual) {
    const ListId list{std::nullopt, expected.id};
    auto difference = CompareLists(list, expected.parents, actual.parents, kParentFindings);
    if (difference) Found(std::move(*difference), list);
  }

  // ---- Pages and slots ----

  void Existence(const PageObservation* expected, const PageObservation* actual) {
    if (expected != nullptr && actual != nullptr) return;
    const PageId id = expected != nullptr ? expected->id : actual->id;
    Field(Finding::kPage, fmt::format("page {}", id), RenderPage(expected), RenderPage(actual));
  }

  void Slot(const SlotObservation* expected, const SlotObservation* actual) {
    const SpteRef& ref = expected != nullptr ? expected->ref : actual->ref;
    if (HasPage(expected_, ref.page) != HasPage(actual_, ref.page)) return;  // told already
    // Complete observations leave out the trap slots, others the slots of pages that are gone.
    const auto render = [&](const SlotObservation* slot) {
      if (slot != nullptr) return ToString(slot->value);
      return std::string(HasPage(expected_, ref.page) ? "trap" : "no such page");
    };
    const auto is_leaf = [](const SlotObservation* slot) {
      return slot != nullptr && slot->value.kind == SlotValue::Kind::kLeaf;
    };
    const bool leaves = is_leaf(expected) && is_leaf(actual);
    Field(Finding::kSlot, ToString(ref), render(expected), render(actual),
          leaves ? LeafDetail(expected->value.word, actual->value.word) : "");
  }

  void Fields(const PageObservation& expected, const PageObservation& actual) {
    const auto field = [&](const char* name, std::string e, std::string a) {
      Field(Finding::kPage, fmt::format("{} of page {}", name, expected.id), std::move(e),
            std::move(a));
    };
    field("role", RenderRole(expected.role), RenderRole(actual.role));
    field("gfn", RenderHex(expected.gfn), RenderHex(actual.gfn));
    field("root_count", RenderNumber(expected.root_count), RenderNumber(actual.root_count));
    field("zapped", YesNo(expected.zapped), YesNo(actual.zapped));
  }

  void Unsync(const PageObservation& expected, const PageObservation& actual) {
    Field(Finding::kUnsync, fmt::format("unsync of page {}", expected.id), YesNo(expected.unsync),
          YesNo(actual.unsync));
    if (comparison_ == Comparison::kModel) return;
    Set(Finding::kUnsync, fmt::format("unsync children of page {}", expected.id),
        expected.unsync_children, actual.unsync_children, RenderNumber);
  }

  // ---- Events, counters, facts ----

  void Number(Finding finding, const char* subject, int64_t expected, int64_t actual) {
    Field(finding, subject, RenderNumber(expected), RenderNumber(actual));
  }

  void CompareEvents() {
    const Events& e = expected_.events;
    const Events& a = actual_.events;
    Set(Finding::kDirty, "host frames set dirty", e.dirtied, a.dirtied, RenderHex);
    Set(Finding::kAccessed, "host frames marked accessed", e.accessed, a.accessed, RenderHex);
    Number(Finding::kFlush, "remote flushes", e.remote_flushes, a.remote_flushes);
  }

  void CompareStats() {
    const Stats& e = expected_.stats;
    const Stats& a = actual_.stats;
    Number(Finding::kUnsync, "stats: unsync", e.unsync, a.unsync);
    Number(Finding::kStats, "stats: live_pages", e.live_pages, a.live_pages);
    Number(Finding::kStats, "stats: cache_miss", e.cache_miss, a.cache_miss);
    Number(Finding::kStats, "stats: zapped", e.zapped, a.zapped);
    Number(Finding::kStats, "stats: recycled rmaps", e.recycled, a.recycled);
    Number(Finding::kStats, "stats: reloads", e.reloads, a.reloads);
    Number(Finding::kStats, "stats: lpages", e.lpages, a.lpages);
  }

  void Count(const WriteCount* expected, const WriteCount* actual) {
    const auto render = [](const WriteCount* one) {
      return one != nullptr ? RenderNumber(one->count) : "none";
    };
    const RmapId& id = expected != nullptr ? expected->id : actual->id;
    Field(Finding::kWriteCount, WriteCountName(id, layout_), render(expected), render(actual));
  }

  void CompareFact(const Fact* expected, const Fact* actual) {
    if (expected != nullptr && actual != nullptr && *expected == *actual) return;
    const auto render = [](const Fact* fact) {
      return fact != nullptr ? RenderHex(fact->value) : "none";
    };
    const FactId& id = expected != nullptr ? expected->id : actual->id;
    Field(FindingOf(id.kind), ToString(id), render(expected), render(actual));
  }

  const Observation& expected_;
  const Observation& actual_;
  const Comparison comparison_;
  const GuestLayout& layout_;
  const size_t most_;
  std::vector<FieldDifference> found_;
};

}  // namespace

std::optional<Difference> CompareOutcomes(const Outcome& expected, const Outcome& actual) {
  if (expected == actual) return std::nullopt;
  const Finding finding = OutcomeFinding(expected, actual);
  return Difference{finding, "outcome", ToString(expected), ToString(actual),
                    OutcomeDetail(finding)};
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
  std::vector<FieldDifference> found = CompareAll(expected, actual, comparison, layout, 1);
  if (found.empty()) return std::nullopt;
  return std::move(found.front().difference);
}

std::vector<FieldDifference> CompareAll(const Observation& expected, const Observation& actual,
                                        Comparison comparison, const GuestLayout& layout,
                                        size_t most) {
  return Comparer(expected, actual, comparison, layout, most).Run();
}

}  // namespace rmapdiff
