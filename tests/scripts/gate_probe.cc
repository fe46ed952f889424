// A program for gate_sanitizers_test, to be built with sanitizers rightly and wrongly: code that
// both would check.
#include <cstddef>
#include <vector>

int Sum(const int* numbers, size_t count) {
  int sum = 0;
  for (size_t i = 0; i < count; ++i) sum += numbers[i];
  return sum;
}

int main(int argc, char**) {
  const std::vector<int> numbers(static_cast<size_t>(argc), 2);
  return Sum(numbers.data(), numbers.size()) == 2 * argc ? 0 : 1;
}
