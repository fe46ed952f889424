#include "fuzzers/finding/state_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "fuzzers/program/guest_layout.h"

namespace rmapdiff {
namespace {

// Calls visit(id) for each id of either side, ascending.
template <typename Vector, typename T, typename Id, typename Visit>
void ForEachId(const Vector& expected, const Vector& actual, Id T::* id, Visit visit) {
  std::set<Id> ids;
  for (const T& one : expected) ids.insert(one.*id);
  for (const T& one : actual) ids.insert(one.*id);
  for (const Id& one : ids) visit(one);
}

template <typename Vector, typename T, typename Id>
const T* Find(const Vector& rows, Id T::* id, const Id& wanted) {
  for (const T& row : rows) {
    if (row.*id == wanted) return &row;
  }
  return nullptr;
}

// Gives `to` the row that `from` has under this id, or takes its own away.
template <typename Vector, typename T, typename Id>
void Replace(Vector* to, const Vector& from, Id T::* id, const Id& wanted) {
  auto place =
      std::find_if(to->begin(), to->end(), [&](const T& row) { return !(row.*id < wanted); });
  if (place != to->end() && (*place).*id == wanted) place = to->erase(place);
  if (const T* row = Find(from, id, wanted)) to->insert(place, *row);
}

class Differ {
 public:
  Differ(const Observation& expected, const Observation& actual, Comparison comparison,
         const GuestLayout& layout, size_t most)
      : expected_(expected),
        actual_(actual),
        comparison_(comparison),
        layout_(layout),
        most_(most) {}

  std::vector<FieldDifference> Run() {
    Try([&](Observation* state) { state->outcome = actual_.outcome; });
    Rmaps();
    Pages();
    Slots();
    Counters();
    ForEachId(expected_.write_counts, actual_.write_counts, &WriteCount::id, [&](const RmapId& id) {
      Try([&](Observation* state) {
        Replace(&state->write_counts, actual_.write_counts, &WriteCount::id, id);
      });
    });
    Try([&](Observation* state) { state->active = actual_.active; });
    ForEachId(expected_.facts, actual_.facts, &Fact::id, [&](const FactId& id) {
      if (SameRow(expected_.facts, actual_.facts, &Fact::id, id)) return;
      Try([&](Observation* state) { Replace(&state->facts, actual_.facts, &Fact::id, id); });
    });
    return std::move(found_);
  }

 private:
  template <typename Vector, typename T, typename Id>
  static bool SameRow(const Vector& expected, const Vector& actual, Id T::* id, const Id& wanted) {
    const T* e = Find(expected, id, wanted);
    const T* a = Find(actual, id, wanted);
    return e != nullptr && a != nullptr && *e == *a;
  }

  // What Compare says of the expected state with one field replaced.
  template <typename Change>
  void Try(Change change, const std::optional<ListId>& list = std::nullopt) {
    if (found_.size() >= most_) return;
    Observation state = expected_;
    change(&state);
    if (auto difference = Compare(expected_, state, comparison_, layout_)) {
      found_.push_back({std::move(*difference), list});
    }
  }

  void Rmaps() {
    ForEachId(expected_.rmaps, actual_.rmaps, &RmapObservation::id, [&](const RmapId& id) {
      if (SameRow(expected_.rmaps, actual_.rmaps, &RmapObservation::id, id)) return;
      Try(
          [&](Observation* state) {
            Replace(&state->rmaps, actual_.rmaps, &RmapObservation::id, id);
          },
          ListId{id, 0});
    });
  }

  void Pages() {
    ForEachId(expected_.pages, actual_.pages, &PageObservation::id, [&](PageId id) {
      if (SameRow(expected_.pages, actual_.pages, &PageObservation::id, id)) return;
      const PageObservation* actual = Find(actual_.pages, &PageObservation::id, id);
      if (Find(expected_.pages, &PageObservation::id, id) == nullptr || actual == nullptr) {
        Try([&](Observation* state) {
          Replace(&state->pages, actual_.pages, &PageObservation::id, id);
        });
        return;
      }
      const auto field = [&](auto member, const std::optional<ListId>& list) {
        Try(
            [&](Observation* state) {
              for (PageObservation& page : state->pages) {
                if (page.id == id) page.*member = actual->*member;
              }
            },
            list);
      };
      field(&PageObservation::parents, ListId{std::nullopt, id});
      field(&PageObservation::role, std::nullopt);
      field(&PageObservation::gfn, std::nullopt);
      field(&PageObservation::root_count, std::nullopt);
      field(&PageObservation::zapped, std::nullopt);
      field(&PageObservation::unsync, std::nullopt);
      field(&PageObservation::unsync_children, std::nullopt);
    });
  }

  void Slots() {
    ForEachId(expected_.slots, actual_.slots, &SlotObservation::ref, [&](const SpteRef& ref) {
      if (SameRow(expected_.slots, actual_.slots, &SlotObservation::ref, ref)) return;
      const bool both = Find(expected_.pages, &PageObservation::id, ref.page) != nullptr &&
                        Find(actual_.pages, &PageObservation::id, ref.page) != nullptr;
      if (!both) return;
      Try([&](Observation* state) {
        Replace(&state->slots, actual_.slots, &SlotObservation::ref, ref);
      });
    });
  }

  void Counters() {
    const auto event = [&](auto member) {
      Try([&](Observation* state) { state->events.*member = actual_.events.*member; });
    };
    event(&Events::dirtied);
    event(&Events::accessed);
    event(&Events::remote_flushes);
    const auto stat = [&](auto member) {
      Try([&](Observation* state) { state->stats.*member = actual_.stats.*member; });
    };
    for (auto member : {&Stats::unsync, &Stats::live_pages, &Stats::cache_miss, &Stats::zapped,
                        &Stats::recycled, &Stats::reloads}) {
      stat(member);
    }
    stat(&Stats::lpages);
  }

  const Observation& expected_;
  const Observation& actual_;
  const Comparison comparison_;
  const GuestLayout& layout_;
  const size_t most_;
  std::vector<FieldDifference> found_;
};

}  // namespace

std::string ToString(const ListId& list, const GuestLayout& layout) {
  return list.rmap ? ToString(*list.rmap, layout)
                   : fmt::format("parents of page {}", list.parents_of);
}

std::vector<FieldDifference> CompareFieldByField(const Observation& expected,
                                                 const Observation& actual, Comparison comparison,
                                                 const GuestLayout& layout, size_t most) {
  return Differ(expected, actual, comparison, layout, most).Run();
}

}  // namespace rmapdiff
