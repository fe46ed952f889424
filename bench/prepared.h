// One piece of work that can be measured again and again, by the clock or by counting instructions.
//
// Only Run is measured. Restore is not measured. It restores the state in which Run began, so a
// second Run does the same work as the first.
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
  // The number of equal operations in a Run. Figures are per operation.
  virtual int operations() const = 0;
  // The error in the lists before Run or after Restore, or "".
  virtual std::string Check() const = 0;
};

// The layout of the entries of one list.
// - Scattered: each entry is on a page of its own, in no order. So it is when processes share a
//   frame.
// - Packed: the entries are side by side.
enum class Layout { kScattered, kPacked };

// The measured lengths of a list: the shortest ones, a full descriptor (4), a full chain (5), and
// more. The last one is the recycle point.
inline constexpr int kLengths[] = {1, 2, 4, 5, 8, 16, 64, 256, 1000};

// One point to measure.
struct Shape {
  int n = 1;  // entries of a list; a workload of a whole guest ignores it
  Layout layout = Layout::kScattered;
  int lists = 1;  // lists that get the same operation, to have enough to measure
};

// An operation or a workload on one reverse map, with its name.
struct Case {
  std::string name;
  bool guest = false;       // a workload of a whole guest, which has no shape
  bool repeatable = false;  // Run changes nothing: it can be repeated without Restore
  std::function<std::unique_ptr<Prepared>(const Shape& shape)> prepare;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_BENCH_PREPARED_H_
