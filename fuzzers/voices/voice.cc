#include "fuzzers/voices/voice.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>

namespace rmapdiff {
namespace {

constexpr int kUsageExit = 2;

std::vector<Engine> EnginesByDefault() {
  std::vector<Engine> engines;
  for (const Engine& engine : AllEngines()) {
    if (engine.by_default) engines.push_back(engine);
  }
  return engines;
}

std::string_view MapsVariable() {
  const char* names = std::getenv(kMapsVariable);
  return names == nullptr ? "" : names;
}

std::vector<Engine> ReadMapsVariable() {
  auto engines = EnginesNamed(MapsVariable());
  if (const auto* wrong = std::get_if<std::string>(&engines)) {
    std::fprintf(stderr, "%s: %s\n", kMapsVariable, wrong->c_str());
    std::_Exit(kUsageExit);  // to libFuzzer, an ordinary exit in a program is a finding
  }
  return std::get<std::vector<Engine>>(std::move(engines));
}

}  // namespace

const Engine* FindEngine(std::string_view name) {
  const std::vector<Engine>& all = AllEngines();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [name](const Engine& engine) { return engine.name == name; });
  return found != all.end() ? &*found : nullptr;
}

std::variant<std::vector<Engine>, std::string> EnginesNamed(std::string_view names) {
  if (names.empty()) return EnginesByDefault();
  std::set<std::string_view> wanted;
  for (size_t begin = 0; begin <= names.size();) {
    const size_t end = std::min(names.find(',', begin), names.size());
    const std::string_view name = names.substr(begin, end - begin);
    if (FindEngine(name) == nullptr) {
      return "no map '" + std::string(name) + "', expected one or more of " + NamesOf(AllEngines());
    }
    wanted.insert(name);
    begin = end + 1;
  }
  std::vector<Engine> engines;
  for (const Engine& engine : AllEngines()) {
    if (wanted.count(engine.name) != 0) engines.push_back(engine);
  }
  return engines;
}

std::string NamesOf(const std::vector<Engine>& engines) {
  std::string names;
  for (const Engine& engine : engines) {
    names.append(names.empty() ? "" : ",").append(engine.name);
  }
  return names;
}

const std::vector<Engine>& ChosenEngines() {
  static const std::vector<Engine>* const engines = new std::vector<Engine>(ReadMapsVariable());
  return *engines;
}

std::string ChosenMaps() { return MapsVariable().empty() ? "" : NamesOf(ChosenEngines()); }

}  // namespace rmapdiff
