// Faulty third maps in place of the sibling list. The suite knows them only by their lines here.
// The fault of two shows as a verdict. The other uses memory after it was freed.
#include <vector>

#include "fuzzers/voices/make_voice.h"
#include "tests/power/faulty_engine.h"

namespace rmapdiff {

namespace {

Engine OnlyIfNamed(Engine engine) {
  engine.by_default = false;
  return engine;
}

}  // namespace

const std::vector<Engine>& AllEngines() {
  static const std::vector<Engine>* engines = new std::vector<Engine>{
      {"legacy", "legacy_mmu/descriptor_map.h", MapRule::kOld, MakeVoice<DescriptorMap>},
      FaultyEngine<LostTail>("loser"),
      OnlyIfNamed(FaultyEngine<LostTail>("named")),
      OnlyIfNamed(FaultyEngine<FreedDescriptorLinked>("user")),
  };
  return *engines;
}

}  // namespace rmapdiff
