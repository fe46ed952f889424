#include "tests/power/canaries.h"

#include <algorithm>

#include "fuzzers/voices/graph_voice.h"
#include "tests/power/faulty_maps.h"

namespace rmapdiff {

const std::vector<Canary>& Canaries() {
  static const std::vector<Canary>* canaries = new std::vector<Canary>{
      {{"lost_tail", MakeGraphVoice<LostTail>}, 24},
      {{"long_tail_lost", MakeGraphVoice<LongTailLost>}, 14000},
      {{"stale_link", MakeGraphVoice<StaleLink>}, 8},
      {{"uncleared_first_parent", MakeGraphVoice<UnclearedFirstParent>}, 8},
      {{"unlinked_successor", MakeGraphVoice<UnlinkedSuccessor>}, 24},
      {{"head_only_remove", MakeGraphVoice<HeadOnlyRemove>}, 20},
      {{"skipped_head", MakeGraphVoice<SkippedHead>}, 12},
      {{"double_push", MakeGraphVoice<DoublePush>}, 28},
      {{"undercounting_add", MakeGraphVoice<UndercountingAdd>}, 28},
      {{"overcounting_count", MakeGraphVoice<OvercountingCount>}, 28},
      {{"forgotten_decrement", MakeGraphVoice<ForgottenDecrement>}, 28},
      {{"kept_parents", MakeGraphVoice<KeptParents>}, 36},
      {{"forgotten_last_parent", MakeGraphVoice<ForgottenLastParent>}, 24},
      {{"links_freed_twice", MakeGraphVoice<LinksFreedTwice>}, 4, Sight::kMayDie},
      {{"links_never_freed", MakeGraphVoice<LinksNeverFreed>}, 4},
      {{"wrong_entry_moved", MakeGraphVoice<WrongEntryMoved>}, 20},
      {{"hole_left", MakeGraphVoice<HoleLeft>}, 20},
      {{"freed_descriptor_linked", MakeGraphVoice<FreedDescriptorLinked>}, 550, Sight::kMayDie},
      {{"lost_more", MakeGraphVoice<LostMore>}, 68},
      {{"lost_third_more", MakeGraphVoice<LostThirdMore>}, 8600},
      {{"empty_descriptor_kept", MakeGraphVoice<EmptyDescriptorKept>}, 12},
      {{"unlinked_descriptor", MakeGraphVoice<UnlinkedDescriptor>}, 60},
      {{"double_insert", MakeGraphVoice<DoubleInsert>}, 28},
      {{"unshifted_chain", MakeGraphVoice<UnshiftedChain>}, 68},
      {{"head_chain_not_searched", MakeGraphVoice<HeadChainNotSearched>}, 330},
      {{"multimapped_stays", MakeGraphVoice<MultimappedStays>}, 20},
      {{"forgotten_last_in_chain", MakeGraphVoice<ForgottenLastInChain>}, 24},
      {{"gfns_never_freed", MakeGraphVoice<GfnsNeverFreed>}, 8},
      {{"descriptors_not_topped_up", MakeGraphVoice<DescriptorsNotToppedUp>}, 12},
  };
  return *canaries;
}

const Canary& FindCanary(std::string_view name) {
  return *std::find_if(Canaries().begin(), Canaries().end(),
                       [name](const Canary& canary) { return canary.engine.name == name; });
}

const std::vector<Engine>& CorrectMaps() {
  static const std::vector<Engine>* maps = new std::vector<Engine>{
      {"push_back", MakeGraphVoice<PushBack>},
      {"sorted_insert", MakeGraphVoice<SortedInsert>},
      {"single_again", MakeGraphVoice<SingleAgain>},
  };
  return *maps;
}

}  // namespace rmapdiff
