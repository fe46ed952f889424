#include "tools/cli/findings/suspects.h"

#include <string>
#include <tuple>
#include <utility>

namespace rmapdiff {
namespace {

// A line can hold several blocks, which its columns tell apart; a block of the source is several of
// the program where it is inlined.
using Point = std::tuple<std::string, int, int>;  // path, line, column
using Line = std::pair<std::string, int>;

struct Counts {
  StackFrame frame;
  size_t showing = 0;  // programs that ran it and show the finding
  size_t good = 0;     // that ran it and do not
};

std::map<Point, StackFrame> PointsOf(const ProgramRun& run, const CodeMap& code) {
  std::map<Point, StackFrame> points;
  for (const uint64_t address : run.blocks) {
    const auto found = code.find(address);
    if (found == code.end()) continue;
    for (const StackFrame& frame : found->second) {
      points.try_emplace(Point{frame.path, frame.line, frame.column}, frame);
    }
  }
  return points;
}

std::map<Point, Counts> Count(const ProgramRun& first, const std::vector<ProgramRun>& others,
                              const CodeMap& code) {
  std::map<Point, Counts> counts;
  for (const auto& [point, frame] : PointsOf(first, code)) counts[point] = {frame, 1, 0};
  for (const ProgramRun& other : others) {
    for (const auto& [point, frame] : PointsOf(other, code)) {
      const auto found = counts.find(point);
      if (found != counts.end()) ++(other.shows ? found->second.showing : found->second.good);
    }
  }
  return counts;
}

bool MoreSuspect(const Counts& a, const Counts& b) {
  return a.showing != b.showing ? a.showing > b.showing : a.good < b.good;
}

}  // namespace

std::vector<Suspect> RankSuspects(const ProgramRun& first, const std::vector<ProgramRun>& others,
                                  const CodeMap& code) {
  std::map<Line, Counts> lines;  // a line is as suspect as any block on it
  for (const auto& [point, counts] : Count(first, others, code)) {
    const Line line = {counts.frame.path, counts.frame.line};
    const auto [best, is_new] = lines.try_emplace(line, counts);
    if (!is_new && MoreSuspect(counts, best->second)) best->second = counts;
  }
  std::map<Counts, Suspect, decltype(&MoreSuspect)> by_counts(&MoreSuspect);
  for (const auto& [line, counts] : lines) {
    Suspect& suspect = by_counts[counts];
    suspect.showing = counts.showing;
    suspect.good = counts.good;
    suspect.lines.push_back(counts.frame);
  }
  std::vector<Suspect> suspects;
  for (auto& [counts, suspect] : by_counts) suspects.push_back(std::move(suspect));
  return suspects;
}

}  // namespace rmapdiff
