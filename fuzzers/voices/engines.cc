#include "fuzzers/voices/engines.h"

#ifdef RMAPDIFF_ALL_MAPS
#include "fuzzers/voices/more_engines.h"
#endif

namespace rmapdiff {

const std::vector<Engine>& AllEngines() {
  static const std::vector<Engine>* engines = [] {
    auto* all = new std::vector<Engine>{
        {"legacy", "legacy_mmu/descriptor_map.h", MapRule::kOld, MakeLegacyVoice},
        {"sibling", "mmu/sibling_map.h", MapRule::kNew, MakeSiblingVoice},
    };
#ifdef RMAPDIFF_ALL_MAPS
    all->insert(all->end(), MoreEngines().begin(), MoreEngines().end());
#endif
    return all;
  }();
  return *engines;
}

}  // namespace rmapdiff
