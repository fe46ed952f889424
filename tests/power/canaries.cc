#include "tests/power/canaries.h"

#include <algorithm>

#include "fuzzers/voices/make_voice.h"
#include "tests/power/faulty_engine.h"

namespace rmapdiff {
const std::vector<Canary>& Canaries() {
  static const std::vector<Canary>* canaries = new std::vector<Canary>{
      {FaultyEngine<LostTail>("lost_tail"), 24},
      {FaultyEngine<LongTailLost>("long_tail_lost"), 14000},
      {FaultyEngine<StaleLink>("stale_link"), 8},
      {FaultyEngine<UnclearedFirstParent>("uncleared_first_parent"), 8},
      {FaultyEngine<UnlinkedSuccessor>("unlinked_successor"), 24},
      {FaultyEngine<HeadOnlyRemove>("head_only_remove"), 20},
      {FaultyEngine<SkippedHead>("skipped_head"), 12},
      {FaultyEngine<DoublePush>("double_push"), 28},
      {FaultyEngine<UndercountingAdd>("undercounting_add"), 28},
      {FaultyEngine<OvercountingCount>("overcounting_count"), 28},
      {FaultyEngine<ForgottenDecrement>("forgotten_decrement"), 28},
      {FaultyEngine<StaleLength>("stale_length"), 28},
      {FaultyEngine<KeptParents>("kept_parents"), 36},
      {FaultyEngine<ForgottenLastParent>("forgotten_last_parent"), 24},
      {FaultyEngine<LinksFreedTwice>("links_freed_twice"), 4, Sight::kMayDie},
      {FaultyEngine<LinksNeverFreed>("links_never_freed"), 4},
      {FaultyEngine<WrongEntryMoved>("wrong_entry_moved"), 20},
      {FaultyEngine<HoleLeft>("hole_left"), 20},
      {FaultyEngine<FreedDescriptorLinked>("freed_descriptor_linked"), 550, Sight::kMayDie},
      {FaultyEngine<LostMore>("lost_more"), 68},
      {FaultyEngine<LostThirdMore>("lost_third_more"), 8600},
      {FaultyEngine<EmptyDescriptorKept>("empty_descriptor_kept"), 12},
      {FaultyEngine<UnlinkedDescriptor>("unlinked_descriptor"), 60},
      {FaultyEngine<DoubleInsert>("double_insert"), 28},
      {FaultyEngine<UnshiftedChain>("unshifted_chain"), 68},
      {FaultyEngine<HeadChainNotSearched>("head_chain_not_searched"), 330},
      {FaultyEngine<MultimappedStays>("multimapped_stays"), 20},
      {FaultyEngine<ForgottenLastInChain>("forgotten_last_in_chain"), 24},
      {FaultyEngine<StaleBackPointer>("stale_back_pointer"), 330},
      {FaultyEngine<GfnsNeverFreed>("gfns_never_freed"), 8},
      {FaultyEngine<DescriptorsNotToppedUp>("descriptors_not_topped_up"), 12},
  };
  return *canaries;
}

const Canary& FindCanary(std::string_view name) {
  return *std::find_if(Canaries().begin(), Canaries().end(),
                       [name](const Canary& canary) { return canary.engine.name == name; });
}

const std::vector<Engine>& CorrectMaps() {
  static const std::vector<Engine>* maps = new std::vector<Engine>{
      FaultyEngine<PushBack>("push_back"),
      FaultyEngine<SortedInsert>("sorted_insert"),
      FaultyEngine<SingleAgain>("single_again"),
  };
  return *maps;
}

}  // namespace rmapdiff
