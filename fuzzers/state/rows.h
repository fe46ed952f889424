// Rows: a vector whose elements keep their memory when it becomes shorter.
//
// Observations are vectors of structs with vectors inside, filled anew after every operation. A
// std::vector destroys the inner vectors each time it shrinks. Allocating them again was most of
// the cost of checking. Rows keeps the elements behind its size, unused. When it grows again, they
// hold their old values, and the caller fills them.
//
// Not covered: all else that a std::vector does.
#ifndef RMAPDIFF_FUZZERS_STATE_ROWS_H_
#define RMAPDIFF_FUZZERS_STATE_ROWS_H_

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <utility>
#include <vector>

namespace rmapdiff {

template <class T>
class Rows {
 public:
  using iterator = typename std::vector<T>::iterator;
  using const_iterator = typename std::vector<T>::const_iterator;
  using value_type = T;

  Rows() = default;
  Rows(std::initializer_list<T> values) : rows_(values), size_(rows_.size()) {}

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }
  // New elements hold whatever they held when they were last in use.
  void resize(size_t size) {
    if (size > rows_.size()) rows_.resize(size);
    size_ = size;
  }
  void push_back(T value) {
    resize(size_ + 1);
    back() = std::move(value);
  }
  void pop_back() { --size_; }

  T& operator[](size_t i) { return rows_[i]; }
  const T& operator[](size_t i) const { return rows_[i]; }
  T& at(size_t i) { return rows_.at(i); }
  const T& at(size_t i) const { return rows_.at(i); }
  T& front() { return rows_.front(); }
  const T& front() const { return rows_.front(); }
  T& back() { return rows_[size_ - 1]; }
  const T& back() const { return rows_[size_ - 1]; }
  iterator begin() { return rows_.begin(); }
  iterator end() { return rows_.begin() + static_cast<std::ptrdiff_t>(size_); }
  const_iterator begin() const { return rows_.begin(); }
  const_iterator end() const { return rows_.begin() + static_cast<std::ptrdiff_t>(size_); }

  friend bool operator==(const Rows& a, const Rows& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  std::vector<T> rows_;
  size_t size_ = 0;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_STATE_ROWS_H_
