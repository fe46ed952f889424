// One MMU under test, driven by operations and observed by value.
//
// Below a voice are PageGraph or ShadowMmu on AnyMap, compiled once for all reverse maps, and the
// map behind it.
#ifndef RMAPDIFF_FUZZERS_VOICES_VOICE_H_
#define RMAPDIFF_FUZZERS_VOICES_VOICE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fuzzers/judges/known_differences.h"
#include "fuzzers/program/program.h"
#include "fuzzers/state/observation.h"
#include "fuzzers/state/raw_state.h"

namespace rmapdiff {

class Voice {
 public:
  virtual ~Voice() = default;

  // Carries out one operation. Never throws: a BUG is an outcome, after which only the destructor
  // may be called.
  virtual Outcome Apply(const Op& op) = 0;

  // Outcome, events and stats of the last operation. ObserveTouched adds the state of all that
  // `touched` names and that still exists, ObserveAll the state of everything. Throws BugError
  // where a list cannot be walked (cycle, dangling, wild); `out` is then incomplete.
  virtual void ObserveTouched(const Touched& touched, Observation* out) = 0;
  virtual void ObserveAll(Observation* out) = 0;

  // The MMU word by word, for the auditor, valid until the next operation. Throws as ObserveAll.
  virtual const RawState& Raw() = 0;

  // For pictures: how its lists are stored. As Raw.
  virtual ListShapes Shapes() { return {}; }

  // Whether rmap_add returned what the reverse map's own rule allows (D1), since the start.
  virtual bool add_returns_ok() const = 0;

  // A fault that the voice itself has seen since the last call, beside its visible state. For
  // example, a guest reached memory that it may not see, or a failed allocation left traces.
  // `everything`: after a search of all memory that guests could reach.
  virtual std::optional<Difference> Objection(bool everything) {
    (void)everything;
    return std::nullopt;
  }

  // Unpins, zaps and frees everything. Returns a list of all that is left, for example
  // "2 descriptors, rmap(gfn 0x3, level 1) not empty", or "".
  virtual std::string Teardown() = 0;
};

// A reverse map under test, and all that the suite knows of it by name.
struct Engine {
  std::string_view name;    // in reports: "sibling"
  std::string_view source;  // of its map, below the root: "mmu/sibling_map.h"
  MapRule rule;
  // Builds an MMU on it for a header.
  std::function<std::unique_ptr<Voice>(const Header& header)> make;
  bool by_default = true;  // whether runs compare it that name no maps
  // The entries of an object of a list, where they are not those of Limits: a search goes there.
  std::vector<uint32_t> blocks = {};
};

// Every reverse map, in the order of more_maps/maps.bzl.
const std::vector<Engine>& AllEngines();
// Null if none of them has that name.
const Engine* FindEngine(std::string_view name);

// The engines that a list names, "legacy,counted", in the order of AllEngines; or what is wrong
// with the list. An empty list means those by default.
std::variant<std::vector<Engine>, std::string> EnginesNamed(std::string_view names);
// "legacy,counted".
std::string NamesOf(const std::vector<Engine>& engines);

// The engines that this process compares, unless a run says otherwise. The environment variable
// lists them. A list that is wrong ends the process with a line and exit code 2.
inline constexpr const char* kMapsVariable = "RMAPDIFF_MAPS";
const std::vector<Engine>& ChosenEngines();
// Their names, or "" if the variable says nothing.
std::string ChosenMaps();

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_VOICE_H_
