// EngineOf<Map>: the engine on a reverse map. MakeVoice<Map> makes its voices: on Map<limits> as a
// header asks for, of a page graph or of a whole MMU.
//
// A caller compiles the map and nothing else. The voices stand on AnyMap, so one compilation serves
// all maps.
#ifndef RMAPDIFF_FUZZERS_VOICES_MAKE_VOICE_H_
#define RMAPDIFF_FUZZERS_VOICES_MAKE_VOICE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzzers/voices/voice.h"
#include "mmu/graph/erased_map_of.h"

namespace rmapdiff {

// The voice without its engine's name, see VoiceOf.
std::unique_ptr<Voice> MakeVoiceOn(const MapMaker& maker, const Header& header);

#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("undefined"))), apply_to = function)
#define RMAPDIFF_STAYS_ON_STACK [[clang::noinline, clang::disable_tail_calls]]
#else
#define RMAPDIFF_STAYS_ON_STACK
#endif

// Passes everything on. All maps share the functions of the MMU. These functions have the map among
// their template arguments, so each stack in the MMU names the engine at work. UBSan does not watch
// how a call is passed on.
template <template <class> class Map>
class VoiceOf final : public Voice {
 public:
  explicit VoiceOf(std::unique_ptr<Voice> voice) : voice_(std::move(voice)) {}

  RMAPDIFF_STAYS_ON_STACK Outcome Apply(const Op& op) override { return voice_->Apply(op); }
  RMAPDIFF_STAYS_ON_STACK void ObserveTouched(const Touched& touched, Observation* out) override {
    voice_->ObserveTouched(touched, out);
  }
  RMAPDIFF_STAYS_ON_STACK void ObserveAll(Observation* out) override { voice_->ObserveAll(out); }
  RMAPDIFF_STAYS_ON_STACK const RawState& Raw() override { return voice_->Raw(); }
  RMAPDIFF_STAYS_ON_STACK ListShapes Shapes() override { return voice_->Shapes(); }
  bool add_returns_ok() const override { return voice_->add_returns_ok(); }
  RMAPDIFF_STAYS_ON_STACK std::optional<Difference> Objection(bool everything) override {
    return voice_->Objection(everything);
  }
  RMAPDIFF_STAYS_ON_STACK std::string Teardown() override { return voice_->Teardown(); }

 private:
  const std::unique_ptr<Voice> voice_;
};

#undef RMAPDIFF_STAYS_ON_STACK
#if defined(__clang__)
#pragma clang attribute pop
#endif

template <template <class> class Map>
std::unique_ptr<Voice> MakeVoice(const Header& header) {
  return std::make_unique<VoiceOf<Map>>(MakeVoiceOn(kMapMaker<Map>, header));
}

template <class R>
void AddOwnBlocks(std::vector<uint32_t>* blocks) {
  if constexpr (requires { R::kRmapBlock; }) blocks->push_back(R::kRmapBlock);
  if constexpr (requires { R::kParentBlock; }) blocks->push_back(R::kParentBlock);
}

// The row of a map in AllEngines.
template <template <class> class Map>
Engine EngineOf(std::string_view name, std::string_view source, MapRule rule, bool by_default) {
  Engine engine{name, source, rule, MakeVoice<Map>, by_default};
  AddOwnBlocks<Map<ProductionLimits>>(&engine.blocks);
  AddOwnBlocks<Map<TinyLimits>>(&engine.blocks);
  return engine;
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_MAKE_VOICE_H_
