// All measurements of one reverse map.
#ifndef RMAPDIFF_BENCH_MAP_OF_H_
#define RMAPDIFF_BENCH_MAP_OF_H_

#include <memory>
#include <string>
#include <utility>

#include "bench/facts_of.h"
#include "bench/guest_cases.h"
#include "bench/list_cases.h"
#include "bench/maps.h"

namespace rmapdiff {

template <ReverseMap R>
BenchMap MapOf(std::string name) {
  BenchMap map;
  map.name = std::move(name);
  for (const ListCase<R>& list_case : ListCases<R>()) {
    map.cases.push_back(
        {list_case.name, false, list_case.restore == nullptr, [list_case](const Shape& shape) {
           return std::make_unique<PreparedList<R>>(list_case, shape);
         }});
  }
  for (const GuestCase<R>& guest_case : GuestCases<R>()) {
    map.cases.push_back(
        {guest_case.name, true, false, [guest_case](const Shape&) { return guest_case.make(); }});
  }
  map.facts = FactsOf<R>();
  return map;
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_BENCH_MAP_OF_H_
