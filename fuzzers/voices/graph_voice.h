// GraphVoice<R>: a PageGraph on the reverse map R as a voice.
//
// Each operation of ops.h has one handler here. It asks the MMU's own state for its guards. Then it
// calls the one or two functions of the graph that it stands for. Observations are read from the
// sptes and through the reverse map's own iteration.
//
// Not covered: deciding what is right. Handlers never look at the model.
#ifndef RMAPDIFF_FUZZERS_VOICES_GRAPH_VOICE_H_
#define RMAPDIFF_FUZZERS_VOICES_GRAPH_VOICE_H_

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "fuzzers/state/reused.h"
#include "fuzzers/voices/graph_reader.h"
#include "fuzzers/voices/voice.h"
#include "mmu/graph/page_graph.h"

namespace rmapdiff {

template <ReverseMap R>
class GraphVoice final : public Voice {
 public:
  using Graph = PageGraph<R>;
  using Page = typename Graph::Page;
  using Head = typename Graph::Head;
  using Limits = typename R::Limits;

  // `map_args`: as PageGraph's.
  template <class... MapArgs>
  explicit GraphVoice(const Header& header, const MapArgs&... map_args);

  Outcome Apply(const Op& op) override;
  void ObserveTouched(const Touched& touched, Observation* out) override;
  void ObserveAll(Observation* out) override;
  const RawState& Raw() override;
  ListShapes Shapes() override { return reader_.Shapes(pages_); }
  bool add_returns_ok() const override { return graph_.add_returns_ok(); }
  std::string Teardown() override;

 private:
  static constexpr int kPinLimit = 3;

  static Outcome Ok(uint64_t value = 0) { return {.value = value}; }
  static Outcome Is(OutcomeCode code) { return {.code = code}; }

  // ---- Guards: kOk if the operation may go on. ----
  OutcomeCode NeedPage(PageArg arg, Page** page) const;
  OutcomeCode NeedParentSlot(Page& parent, int child_level, IndexArg index) const;
  OutcomeCode NeedLeaf(PageArg arg, IndexArg index, Page** page) const;
  OutcomeCode NeedEmptyFrame(PageArg arg, IndexArg index, GfnArg gfn, Page** page, Gfn* frame);
  bool Present(const Page& page, uint32_t index) const {
    return IsPresent(graph_.masks(), page.spt[index]);
  }
  bool LeafAt(const Page& page, uint32_t index) const {
    return Present(page, index) && IsLeaf(page.spt[index], LevelOf(page));
  }
  bool LinkAt(const Page& page, uint32_t index) const {
    return Present(page, index) && !IsLeaf(page.spt[index], LevelOf(page));
  }

  // ---- Handlers, one an operation. ----
  Outcome Do(const ops::AllocPage& op);
  Outcome Do(const ops::Pin& op);
  Outcome Do(const ops::Unpin& op);
  Outcome Do(const ops::Link& op);
  Outcome Do(const ops::Unlink& op);
  Outcome Do(const ops::ParentWalk& op);
  Outcome Do(const ops::UnlinkParents& op);
  Outcome Do(const ops::UnlinkChildren& op);
  Outcome Do(const ops::Map& op);
  Outcome Do(const ops::MapMany& op);
  Outcome Do(const ops::Drop& op);
  Outcome Do(const ops::Touch& op);
  Outcome Do(const ops::WriteProtect& op);
  Outcome Do(const ops::Unmap& op);
  Outcome Do(const ops::SetPte& op);
  Outcome Do(const ops::Age& op);
  Outcome Do(const ops::Recycle& op);
  Outcome Do(const ops::RmapCount& op);
  Outcome Do(const ops::Unsync& op);
  Outcome Do(const ops::Sync& op);
  Outcome Do(const ops::SyncChildren& op);
  Outcome Do(const ops::Zap& op);
  Outcome Do(const ops::Commit& op);
  Outcome Do(const ops::Shrink& op);
  Outcome Do(const ops::MisuseRemove& op);
  Outcome Do(const ops::MisuseRemoveParent& op);
  Outcome Do(const ops::MisuseAddTwice& op);
  Outcome Do(const ops::MisuseWrongGfn& op);
  Outcome Do(const ops::MisuseSetGfn& op);
  template <typename MmuOp>
  Outcome Do(const MmuOp&) {
    return Is(OutcomeCode::kWrongProgram);
  }

  // ---- Helpers ----
  static int LevelOf(const Page& page) { return static_cast<int>(page.role.level); }
  static bool IsZapped(const ShadowPage& page) { return GraphReader<R>::IsZapped(page); }
  Gfn GfnOf(GfnArg arg) const { return layout_.gfn(arg.value); }
  bool HasSlot(Gfn gfn) { return graph_.slots().Find(gfn) != nullptr; }
  RmapId RmapIdOf(Gfn gfn, int level);
  Pfn HostFrame(Gfn gfn, int level);
  Gfn FrameToMap(const Page& page, IndexArg index, GfnArg gfn) const;
  bool MapSlot(Page& page, uint32_t index, Gfn frame, bool write, bool speculative);

  const Header header_;
  const GuestLayout& layout_;
  HostMemory memory_;
  Graph graph_;
  const GraphReader<R> reader_{graph_, layout_,
                               static_cast<int>(PageArg::kCount) * Graph::kEntries};
  typename Graph::Caches caches_;
  PageList zapped_;
  std::array<Page*, PageArg::kCount> pages_{};  // by id; null: no such page
  std::map<RmapId, uint32_t> generations_;      // of host frames, by reverse map; absent: 0
  Outcome outcome_;
  std::optional<Reused<RawState>> raw_;  // once there has been a Raw()
  bool raw_is_current_ = false;          // *raw_ is of the state after the last operation
};

}  // namespace rmapdiff

#include "fuzzers/voices/graph_voice_observe.h"  // IWYU pragma: export
#include "fuzzers/voices/graph_voice_ops.h"      // IWYU pragma: export

#endif  // RMAPDIFF_FUZZERS_VOICES_GRAPH_VOICE_H_
