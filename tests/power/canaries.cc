#include "tests/power/canaries.h"

#include <algorithm>

#include "fuzzers/voices/make_voice.h"
#include "tests/power/faulty_maps.h"

namespace rmapdiff {

const std::vector<Canary>& Canaries() {
  static const std::vector<Canary>* canaries = new std::vector<Canary>{
      {{"lost_tail", MakeVoice<LostTail>}, 24},
      {{"long_tail_lost", MakeVoice<LongTailLost>}, 14000},
      {{"stale_link", MakeVoice<StaleLink>}, 8},
      {{"uncleared_first_parent", MakeVoice<UnclearedFirstParent>}, 8},
      {{"unlinked_successor", MakeVoice<UnlinkedSuccessor>}, 24},
      {{"head_only_remove", MakeVoice<HeadOnlyRemove>}, 20},
      {{"skipped_head", MakeVoice<SkippedHead>}, 12},
      {{"double_push", MakeVoice<DoublePush>}, 28},
      {{"undercounting_add", MakeVoice<UndercountingAdd>}, 28},
      {{"overcounting_count", MakeVoice<OvercountingCount>}, 28},
      {{"forgotten_decrement", MakeVoice<ForgottenDecrement>}, 28},
      {{"kept_parents", MakeVoice<KeptParents>}, 36},
      {{"forgotten_last_parent", MakeVoice<ForgottenLastParent>}, 24},
      {{"links_freed_twice", MakeVoice<LinksFreedTwice>}, 4, Sight::kMayDie},
      {{"links_never_freed", MakeVoice<LinksNeverFreed>}, 4},
      {{"wrong_entry_moved", MakeVoice<WrongEntryMoved>}, 20},
      {{"hole_left", MakeVoice<HoleLeft>}, 20},
      {{"freed_descriptor_linked", MakeVoice<FreedDescriptorLinked>}, 550, Sight::kMayDie},
      {{"lost_more", MakeVoice<LostMore>}, 68},
      {{"lost_third_more", MakeVoice<LostThirdMore>}, 8600},
      {{"empty_descriptor_kept", MakeVoice<EmptyDescriptorKept>}, 12},
      {{"unlinked_descriptor", MakeVoice<UnlinkedDescriptor>}, 60},
      {{"double_insert", MakeVoice<DoubleInsert>}, 28},
      {{"unshifted_chain", MakeVoice<UnshiftedChain>}, 68},
      {{"head_chain_not_searched", MakeVoice<HeadChainNotSearched>}, 330},
      {{"multimapped_stays", MakeVoice<MultimappedStays>}, 20},
      {{"forgotten_last_in_chain", MakeVoice<ForgottenLastInChain>}, 24},
      {{"gfns_never_freed", MakeVoice<GfnsNeverFreed>}, 8},
      {{"descriptors_not_topped_up", MakeVoice<DescriptorsNotToppedUp>}, 12},
  };
  return *canaries;
}

const Canary& FindCanary(std::string_view name) {
  return *std::find_if(Canaries().begin(), Canaries().end(),
                       [name](const Canary& canary) { return canary.engine.name == name; });
}

const std::vector<Engine>& CorrectMaps() {
  static const std::vector<Engine>* maps = new std::vector<Engine>{
      {"push_back", MakeVoice<PushBack>},
      {"sorted_insert", MakeVoice<SortedInsert>},
      {"single_again", MakeVoice<SingleAgain>},
  };
  return *maps;
}

}  // namespace rmapdiff
