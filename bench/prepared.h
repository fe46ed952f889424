// Something that can be measured again and again: by the clock, or by counting instructions.
//
// What is measured is Run and nothing else. Restore, not measured, leads back to where Run began,
// so a second Run does the same work as the first.
#ifndef RMAPDIFF_BENCH_PREPARED_H_
#define RMAPDIFF_BENCH_PREPARED_H_

#include <functional>
#include <memory>
#include <string>

namespace rmapdiff {

class Prepared {
 public:
  virtual ~Prepared() = default;
  virtual void Run() = 0;
  virtual void Restore() = 0;
  // What Run does so often that a figure is per operation.
  virtual int operations() const = 0;
  // What is wrong with the lists, before Run or after Restore; "" if nothing.
  virtual std::string Check() const = 0;
};

// Where the entries of one list are: each on a page of its own, in no order, as they are in a guest
// whose processes share a frame; or side by side.
enum class Layout { kScattered, kPacked };

// The lengths that are measured: one and two, around a descriptor (4) and a chain (5), and on to
// where a list is recycled.
inline constexpr int kLengths[] = {1, 2, 4, 5, 8, 16, 64, 256, 1000};

// One point to measure.
struct Shape {
  int n = 1;  // entries of a list; a workload of a whole guest does not ask
  Layout layout = Layout::kScattered;
  int lists = 1;  // so many are done alike, to have enough to measure
};

// A named operation or workload on one reverse map.
struct Case {
  std::string name;
  bool guest = false;       // a workload of a whole guest, which has no shape
  bool repeatable = false;  // Run changes nothing: it can be repeated without Restore
  std::function<std::unique_ptr<Prepared>(const Shape& shape)> prepare;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_BENCH_PREPARED_H_
