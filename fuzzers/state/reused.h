// Reused<T>: a T that an owner takes at its birth and gives back at its end, for the next one.
//
// Programs are short, and their judges are full of vectors. To allocate those anew for every
// program was a good part of the cost of checking. A reused T keeps its memory, and also its
// contents: the owner overwrites all that it reads.
//
// Not covered: sharing. Each owner has its own T, and owners live and die on one thread.
#ifndef RMAPDIFF_FUZZERS_STATE_REUSED_H_
#define RMAPDIFF_FUZZERS_STATE_REUSED_H_

#include <memory>
#include <utility>
#include <vector>

namespace rmapdiff {

template <class T>
class Reused {
 public:
  Reused() {
    if (idle().empty()) {
      value_ = std::make_unique<T>();
      return;
    }
    value_ = std::move(idle().back());
    idle().pop_back();
  }
  ~Reused() { idle().push_back(std::move(value_)); }
  Reused(const Reused&) = delete;
  Reused& operator=(const Reused&) = delete;

  T& operator*() const { return *value_; }
  T* operator->() const { return value_.get(); }

 private:
  static std::vector<std::unique_ptr<T>>& idle() {
    thread_local std::vector<std::unique_ptr<T>> values;
    return values;
  }

  std::unique_ptr<T> value_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_STATE_REUSED_H_
