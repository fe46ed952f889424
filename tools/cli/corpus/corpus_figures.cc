#include "tools/cli/corpus/corpus_figures.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>

#include "fuzzers/program/program.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

constexpr size_t kColumns = 100;

void Count(Histogram* histogram, size_t at, uint64_t amount = 1) {
  if (histogram->size() <= at) histogram->resize(at + 1);
  (*histogram)[at] += amount;
}

void AddTo(Histogram* histogram, const Histogram& more) {
  for (size_t i = 0; i < more.size(); ++i) Count(histogram, i, more[i]);
}

using ClassName = std::string (*)(size_t);

// The classes that are not empty and their counts, one above the other.
std::string HistogramText(const char* title, const Histogram& histogram, ClassName name) {
  std::string names;
  std::string counts;
  for (size_t i = 0; i < histogram.size(); ++i) {
    if (histogram[i] == 0) continue;
    const std::string count = FormatCount(histogram[i]);
    const size_t width = std::max(name(i).size(), count.size());
    names += fmt::format("  {:>{}}", name(i), width);
    counts += fmt::format("  {:>{}}", count, width);
  }
  if (names.empty()) return "";
  return fmt::format("  {:<22}{}\n  {:<22}{}\n", title, names, "", counts);
}

nlohmann::ordered_json HistogramJson(const Histogram& histogram, ClassName name) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (size_t i = 0; i < histogram.size(); ++i) json[name(i)] = histogram[i];
  return json;
}

}  // namespace

size_t ListClass(uint64_t length) {
  if (length <= 2) return length;
  return static_cast<size_t>(std::bit_width(length - 1)) + 1;
}

std::string ListClassName(size_t list_class) {
  if (list_class <= 2) return fmt::format("{}", list_class);
  const uint64_t most = uint64_t{1} << (list_class - 1);
  return fmt::format("{}-{}", most / 2 + 1, most);
}

size_t ProgramClass(uint64_t length) { return static_cast<size_t>(std::bit_width(length)); }

std::string ProgramClassName(size_t program_class) {
  if (program_class <= 1) return fmt::format("{}", program_class);
  const uint64_t least = uint64_t{1} << (program_class - 1);
  return fmt::format("{}-{}", least, 2 * least - 1);
}

void CorpusFigures::CountOutcome(std::string_view op, OutcomeCode outcome) {
  ++outcomes[std::string(op)][std::string(OutcomeName(outcome))];
}

void CorpusFigures::CountLists(const Observation& complete) {
  for (const RmapObservation& rmap : complete.rmaps) {
    Count(&rmap_lengths, ListClass(rmap.entries.size()));
  }
  for (const PageObservation& page : complete.pages) {
    Count(&parent_lengths, ListClass(page.parents.size()));
  }
}

void CorpusFigures::CountProgram(uint64_t program_bytes, uint64_t program_ops) {
  ++programs;
  bytes += program_bytes;
  ops += program_ops;
  Count(&program_lengths, ProgramClass(program_ops));
}

void CorpusFigures::Add(const CorpusFigures& more) {
  programs += more.programs;
  bytes += more.bytes;
  ops += more.ops;
  unreadable += more.unreadable;
  findings += more.findings;
  for (const auto& [op, counts] : more.outcomes) {
    for (const auto& [outcome, count] : counts) outcomes[op][outcome] += count;
  }
  AddTo(&rmap_lengths, more.rmap_lengths);
  AddTo(&parent_lengths, more.parent_lengths);
  AddTo(&program_lengths, more.program_lengths);
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CorpusFigures, programs, bytes, ops, unreadable, findings,
                                   outcomes, rmap_lengths, parent_lengths, program_lengths)

std::string PackFigures(const CorpusFigures& figures) { return nlohmann::json(figures).dump(); }

bool UnpackFigures(std::string_view bytes, CorpusFigures* figures) {
  try {
    nlohmann::json::parse(bytes).get_to(*figures);
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

std::string FiguresTable(const FiguresByTarget& targets) {
  size_t width = 0;
  for (const OpInfo& op : OpTable()) width = std::max(width, op.name.size());
  std::string text;
  for (const auto& [name, figures] : targets) {
    text += fmt::format("{}{}: {} program{}, {} bytes, {} operations", text.empty() ? "" : "\n",
                        name, FormatCount(figures.programs), figures.programs == 1 ? "" : "s",
                        FormatCount(figures.bytes), FormatCount(figures.ops));
    if (figures.unreadable > 0) text += fmt::format(", {} unreadable", figures.unreadable);
    if (figures.findings > 0) text += fmt::format(", {} with a finding", figures.findings);
    text += "\n";
    text += HistogramText("programs by operations", figures.program_lengths, ProgramClassName);
    text += HistogramText("rmaps by entries", figures.rmap_lengths, ListClassName);
    text += HistogramText("pages by parents", figures.parent_lengths, ListClassName);
    for (const auto& [op, counts] : figures.outcomes) {
      std::vector<std::string> words;
      for (const auto& [outcome, count] : counts) {
        const bool last = words.size() + 1 == counts.size();
        words.push_back(outcome + " " + FormatCount(count) + (last ? "" : ","));
      }
      text += fmt::format("  {:<{}}  {}\n", op, width, Wrap(words, kColumns, width + 4));
    }
  }
  return text;
}

std::string FiguresJson(const FiguresByTarget& targets) {
  using Json = nlohmann::ordered_json;
  Json json = Json::object();
  for (const auto& [name, figures] : targets) {
    json[name] = {
        {"programs", figures.programs},
        {"bytes", figures.bytes},
        {"ops", figures.ops},
        {"unreadable", figures.unreadable},
        {"findings", figures.findings},
        {"outcomes", figures.outcomes},
        {"rmap_lengths", HistogramJson(figures.rmap_lengths, ListClassName)},
        {"parent_lengths", HistogramJson(figures.parent_lengths, ListClassName)},
        {"program_lengths", HistogramJson(figures.program_lengths, ProgramClassName)},
    };
  }
  return Json{{"targets", json}}.dump(2) + "\n";
}

}  // namespace rmapdiff
