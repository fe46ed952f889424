// Prints the facts (bench/facts.h) about every map of maps.h as JSON, at the points that
// docs/claims.md shows. The figures are the same in every run.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "bench/maps.h"

namespace rmapdiff {
namespace {

using nlohmann::json;

constexpr int kShared[] = {1, 2, 3, 4, 5, 6, 8, 16};
constexpr int kFills[] = {8, 16, 32, 64, 96, 128, 160, 192, 224, 256, 320, 384, 448, 512};
constexpr int kParents[] = {1, 2, 5, 6, 16, 64, 256};
// Fills of a guest's leaf tables: full, nearly full, and as real guests have them.
constexpr int kGuestFills[] = {512, 256, 128, 64, 32};
constexpr int kBursts[] = {1, 4, 8, 15, 16, 32, 64};

json Json(const Memory& memory) {
  return {{"pages", memory.pages},
          {"headers", memory.headers},
          {"objects", memory.objects},
          {"bytes", memory.bytes()},
          {"object_count", memory.object_count},
          {"peak_objects", memory.peak_objects},
          {"shadow_pages", memory.shadow_pages},
          {"mappings", memory.mappings}};
}

json Json(const Taken& taken) {
  return {{"what", taken.what},       {"operations", taken.operations},
          {"objects", taken.objects}, {"operations_with", taken.operations_with},
          {"worst", taken.worst},     {"pages", taken.pages}};
}

json MemoryFacts(const Facts& facts) {
  json found;
  for (const int n : kShared) {
    for (const int fill : kFills) {
      json point = Json(facts.with_fill(n, fill));
      point.update({{"n", n}, {"fill", fill}});
      found["fill"].push_back(point);
    }
  }
  for (const int parents : kParents) {
    json point = Json(facts.with_parents(parents));
    point["parents"] = parents;
    found["parents"].push_back(point);
  }
  for (const int fill : kGuestFills) {
    json point = Json(facts.idle_guest(fill));
    point["fill"] = fill;
    found["idle_guest"].push_back(point);
  }
  found["tdp_guest"] = Json(facts.tdp_guest(512));
  const Fragments fragments = facts.fragments();
  found["fragments"] = {{"added", fragments.added},
                        {"left", fragments.left},
                        {"bytes_full", fragments.bytes_full},
                        {"bytes_left", fragments.bytes_left}};
  return found;
}

json LockFacts(const Facts& facts) {
  json found;
  for (const TakenIn& workload : facts.taken()) {
    found["peaks"][workload.workload] = {{"objects", workload.peak_objects},
                                         {"bytes", workload.peak_bytes}};
    for (const Taken& taken : workload.taken) {
      json row = Json(taken);
      row["workload"] = workload.workload;
      found["taken"].push_back(row);
    }
  }
  for (const int wanted : kBursts) {
    const StoreBurst burst = facts.store_burst(wanted);
    found["store_bursts"].push_back({{"wanted", burst.wanted},
                                     {"done", burst.done},
                                     {"taken", burst.taken},
                                     {"bug", burst.bug}});
  }
  return found;
}

// The smallest fill with which `map` takes no more memory than `other`, or 0 if there is none.
int BreakEven(const Facts& map, const Facts& other, int n) {
  constexpr int kFull = 512;
  for (int fill = 1; fill <= kFull; ++fill) {
    if (map.with_fill(n, fill).bytes() <= other.with_fill(n, fill).bytes()) return fill;
  }
  return 0;
}

// For each map, against the first one.
json BreakEvens() {
  json found;
  const Facts& first = AllMaps()[0].facts;
  for (size_t i = 1; i < AllMaps().size(); ++i) {
    for (const int n : kShared) {
      found.push_back({{"map", AllMaps()[i].name},
                       {"n", n},
                       {"fill", BreakEven(AllMaps()[i].facts, first, n)}});
    }
  }
  return found;
}

}  // namespace
}  // namespace rmapdiff

int main() {
  nlohmann::json found;
  for (const rmapdiff::BenchMap& map : rmapdiff::AllMaps()) {
    nlohmann::json& of_map = found["maps"][map.name];
    of_map["head_bytes"] = map.facts.head_bytes;
    of_map["header_bytes"] = map.facts.header_bytes;
    of_map["page_cache_min"] = map.facts.page_cache_min;
    of_map["memory"] = rmapdiff::MemoryFacts(map.facts);
    of_map["lock"] = rmapdiff::LockFacts(map.facts);
  }
  found["break_even"] = rmapdiff::BreakEvens();
  std::printf("%s\n", found.dump(1).c_str());
  return 0;
}
