#include "tests/power/canaries.h"

#include <algorithm>

#include "fuzzers/voices/make_voice.h"
#include "tests/power/faulty_maps.h"

namespace rmapdiff {
namespace {

Engine Of(std::string_view name, std::unique_ptr<Voice> (*make)(const Header& header)) {
  return {name, "tests/power/faulty_maps.h", MapRule::kEither, make};
}

}  // namespace

const std::vector<Canary>& Canaries() {
  static const std::vector<Canary>* canaries = new std::vector<Canary>{
      {Of("lost_tail", MakeVoice<LostTail>), 24},
      {Of("long_tail_lost", MakeVoice<LongTailLost>), 14000},
      {Of("stale_link", MakeVoice<StaleLink>), 8},
      {Of("uncleared_first_parent", MakeVoice<UnclearedFirstParent>), 8},
      {Of("unlinked_successor", MakeVoice<UnlinkedSuccessor>), 24},
      {Of("head_only_remove", MakeVoice<HeadOnlyRemove>), 20},
      {Of("skipped_head", MakeVoice<SkippedHead>), 12},
      {Of("double_push", MakeVoice<DoublePush>), 28},
      {Of("undercounting_add", MakeVoice<UndercountingAdd>), 28},
      {Of("overcounting_count", MakeVoice<OvercountingCount>), 28},
      {Of("forgotten_decrement", MakeVoice<ForgottenDecrement>), 28},
      {Of("kept_parents", MakeVoice<KeptParents>), 36},
      {Of("forgotten_last_parent", MakeVoice<ForgottenLastParent>), 24},
      {Of("links_freed_twice", MakeVoice<LinksFreedTwice>), 4, Sight::kMayDie},
      {Of("links_never_freed", MakeVoice<LinksNeverFreed>), 4},
      {Of("wrong_entry_moved", MakeVoice<WrongEntryMoved>), 20},
      {Of("hole_left", MakeVoice<HoleLeft>), 20},
      {Of("freed_descriptor_linked", MakeVoice<FreedDescriptorLinked>), 550, Sight::kMayDie},
      {Of("lost_more", MakeVoice<LostMore>), 68},
      {Of("lost_third_more", MakeVoice<LostThirdMore>), 8600},
      {Of("empty_descriptor_kept", MakeVoice<EmptyDescriptorKept>), 12},
      {Of("unlinked_descriptor", MakeVoice<UnlinkedDescriptor>), 60},
      {Of("double_insert", MakeVoice<DoubleInsert>), 28},
      {Of("unshifted_chain", MakeVoice<UnshiftedChain>), 68},
      {Of("head_chain_not_searched", MakeVoice<HeadChainNotSearched>), 330},
      {Of("multimapped_stays", MakeVoice<MultimappedStays>), 20},
      {Of("forgotten_last_in_chain", MakeVoice<ForgottenLastInChain>), 24},
      {Of("gfns_never_freed", MakeVoice<GfnsNeverFreed>), 8},
      {Of("descriptors_not_topped_up", MakeVoice<DescriptorsNotToppedUp>), 12},
  };
  return *canaries;
}

const Canary& FindCanary(std::string_view name) {
  return *std::find_if(Canaries().begin(), Canaries().end(),
                       [name](const Canary& canary) { return canary.engine.name == name; });
}

const std::vector<Engine>& CorrectMaps() {
  static const std::vector<Engine>* maps = new std::vector<Engine>{
      Of("push_back", MakeVoice<PushBack>),
      Of("sorted_insert", MakeVoice<SortedInsert>),
      Of("single_again", MakeVoice<SingleAgain>),
  };
  return *maps;
}

}  // namespace rmapdiff
