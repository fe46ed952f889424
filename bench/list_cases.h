// Operations on one list: rmap_add, rmap_remove, rmap_next and all functions that iterate by it.
// Other operations are on the parents of a page. Two workloads of a guest do them in bulk.
//
// A figure is per list. A list has n entries when the operation begins; the adds make it n.
#ifndef RMAPDIFF_BENCH_LIST_CASES_H_
#define RMAPDIFF_BENCH_LIST_CASES_H_

#include <memory>
#include <string>
#include <vector>

#include "bench/list_world.h"
#include "bench/prepared.h"

namespace rmapdiff {

template <ReverseMap R>
struct ListCase {
  using World = ListWorld<R>;
  using Step = void (*)(World& world, Place place);

  const char* name;
  bool parents;  // whether the lists of parents change
  int missing;   // entries, of n, that a list lacks when Run begins
  Place place;   // place of the entry that is removed
  Step prepare;
  Step run;
  Step restore;  // null: Run changes nothing
};

template <ReverseMap R>
class PreparedList : public Prepared {
 public:
  PreparedList(const ListCase<R>& list_case, const Shape& shape)
      : case_(list_case), world_(std::make_unique<ListWorld<R>>(shape)) {
    case_.prepare(*world_, case_.place);
    world_->graph().events().Clear();
  }
  void Run() override { case_.run(*world_, case_.place); }
  void Restore() override {
    if (case_.restore != nullptr) case_.restore(*world_, case_.place);
    world_->graph().events().Clear();
  }
  int operations() const override { return world_->lists(); }
  std::string Check() const override {
    return world_->CheckLengths(case_.parents, world_->n() - case_.missing);
  }

 private:
  const ListCase<R> case_;
  const std::unique_ptr<ListWorld<R>> world_;
};

// ---- Steps. Each changes every list. ----

template <class World>
struct RmapSteps {
  static void Fill(World& w, Place) { w.AddRange(0, w.n()); }
  static void FillButLast(World& w, Place) { w.AddRange(0, w.n() - 1); }
  static void AddLast(World& w, Place) { w.AddRange(w.n() - 1, w.n()); }
  static void DropLast(World& w, Place) {
    for (int list = 0; list < w.lists(); ++list) w.Drop(w.slot(list, w.n() - 1));
  }
  static void FillAndChoose(World& w, Place place) {
    w.AddRange(0, w.n());
    w.ChooseVictims(false, place);
  }
  static void DropVictims(World& w, Place) {
    for (int list = 0; list < w.lists(); ++list) w.Drop(w.victim(list));
  }
  static void AddVictimsAndChoose(World& w, Place place) {
    for (int list = 0; list < w.lists(); ++list) w.Add(w.victim(list), list);
    w.ChooseVictims(false, place);
  }
  static void Traverse(World& w, Place) {
    for (int list = 0; list < w.lists(); ++list) {
      const auto& head = w.head(list);
      for (Spte* sptep = w.graph().RmapNext(head, nullptr); sptep != nullptr;
           sptep = w.graph().RmapNext(head, sptep)) {
        w.sink += reinterpret_cast<uintptr_t>(sptep);
      }
    }
  }
  static void WriteProtect(World& w, Place) {
    for (int list = 0; list < w.lists(); ++list) w.graph().RmapWriteProtect(Gfn(list));
  }
  static void MakeWritable(World& w, Place) { w.Change(kSpteWritable); }
  static void Age(World& w, Place) {
    for (int list = 0; list < w.lists(); ++list) w.graph().RmapAge(w.head(list));
  }
  static void MakeYoung(World& w, Place) { w.Change(kSpteAccessed); }
  static void Unmap(World& w, Place) {
    for (int list = 0; list < w.lists(); ++list) w.graph().RmapUnmap(w.head(list));
  }
  static void Recycle(World& w, Place) {
    for (int list = 0; list < w.lists(); ++list) w.graph().RmapRecycle(w.head(list));
  }
};

// A guest that forks shares its pages. Each frame is write-protected, and then mapped once more
// from a page of the child. When the child exits, all entries of that page are dropped at once.
template <class World>
struct ForkSteps {
  static void FillButOne(World& w, Place) { w.AddRange(0, w.n() - 1); }
  static void Fork(World& w, Place) {
    for (int list = 0; list < w.lists(); ++list) {
      w.graph().RmapWriteProtect(Gfn(list));
      w.Add(&w.fork_page().spt[list], list);
    }
  }
  static void Exit(World& w, Place) { w.graph().UnlinkChildren(w.fork_page()); }
  static void ExitAndMakeWritable(World& w, Place place) {
    Exit(w, place);
    w.Change(kSpteWritable);
  }
  static void FillAndFork(World& w, Place place) {
    FillButOne(w, place);
    Fork(w, place);
  }
};

template <class World>
struct ParentSteps {
  static void Fill(World& w, Place) { w.AddParentRange(0, w.n()); }
  static void FillButLast(World& w, Place) { w.AddParentRange(0, w.n() - 1); }
  static void AddLast(World& w, Place) { w.AddParentRange(w.n() - 1, w.n()); }
  static void UnlinkLast(World& w, Place) {
    for (int list = 0; list < w.lists(); ++list) w.graph().UnlinkChild(w.slot(list, w.n() - 1));
  }
  static void FillAndChoose(World& w, Place place) {
    w.AddParentRange(0, w.n());
    w.ChooseVictims(true, place);
  }
  static void UnlinkVictims(World& w, Place) {
    for (int list = 0; list < w.lists(); ++list) w.graph().UnlinkChild(w.victim(list));
  }
  static void AddVictimsAndChoose(World& w, Place place) {
    for (int list = 0; list < w.lists(); ++list) w.AddParent(w.victim(list), list);
    w.ChooseVictims(true, place);
  }
  static void Walk(World& w, Place) {
    for (int list = 0; list < w.lists(); ++list) {
      w.graph().ForEachParent(
          w.child(list), [&w](const Spte* sptep) { w.sink += reinterpret_cast<uintptr_t>(sptep); });
    }
  }
  static void UnlinkAll(World& w, Place) {
    for (int list = 0; list < w.lists(); ++list) w.graph().UnlinkParents(w.child(list));
  }
};

// ---- The table ----

template <ReverseMap R>
std::vector<ListCase<R>> ListCases() {
  using Rmap = RmapSteps<ListWorld<R>>;
  using Parents = ParentSteps<ListWorld<R>>;
  using Guest = ForkSteps<ListWorld<R>>;
  constexpr bool kRmaps = false;
  constexpr bool kParents = true;
  constexpr Place kAny = Place::kHead;  // nothing is removed
  const auto removal = [](const char* name, Place place) {
    return ListCase<R>{
        name, kRmaps, 0, place, Rmap::FillAndChoose, Rmap::DropVictims, Rmap::AddVictimsAndChoose};
  };
  return {
      {"add", kRmaps, 1, kAny, Rmap::FillButLast, Rmap::AddLast, Rmap::DropLast},
      removal("remove_head", Place::kHead),
      removal("remove_middle", Place::kMiddle),
      removal("remove_tail", Place::kTail),
      removal("remove_random", Place::kRandom),
      {"traverse", kRmaps, 0, kAny, Rmap::Fill, Rmap::Traverse, nullptr},
      {"write_protect", kRmaps, 0, kAny, Rmap::Fill, Rmap::WriteProtect, Rmap::MakeWritable},
      {"age", kRmaps, 0, kAny, Rmap::Fill, Rmap::Age, Rmap::MakeYoung},
      {"unmap", kRmaps, 0, kAny, Rmap::Fill, Rmap::Unmap, Rmap::Fill},
      {"recycle", kRmaps, 0, kAny, Rmap::Fill, Rmap::Recycle, Rmap::Fill},
      {"fork", kRmaps, 1, kAny, Guest::FillButOne, Guest::Fork, Guest::ExitAndMakeWritable},
      {"exit", kRmaps, 0, kAny, Guest::FillAndFork, Guest::Exit, Guest::Fork},
      {"parent_add", kParents, 1, kAny, Parents::FillButLast, Parents::AddLast,
       Parents::UnlinkLast},
      {"parent_remove", kParents, 0, Place::kRandom, Parents::FillAndChoose, Parents::UnlinkVictims,
       Parents::AddVictimsAndChoose},
      {"parent_walk", kParents, 0, kAny, Parents::Fill, Parents::Walk, nullptr},
      {"unlink_parents", kParents, 0, kAny, Parents::Fill, Parents::UnlinkAll, Parents::Fill},
  };
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_BENCH_LIST_CASES_H_
