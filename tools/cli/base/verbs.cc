#include "tools/cli/base/verbs.h"

#include <fmt/core.h>

#include <algorithm>

#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {

std::string VerbLines(std::span<const Verb> verbs) {
  size_t width = 0;
  for (const Verb& verb : verbs) width = std::max(width, std::string(verb.name).size());
  std::string lines;
  for (const Verb& verb : verbs)
    lines += fmt::format("  {:<{}}  {}\n", verb.name, width, verb.summary);
  return lines;
}

const Verb& FindVerb(std::span<const Verb> verbs, const std::string& command,
                     const std::string& kind, const Words& words) {
  const std::string word = words.empty() ? "" : words[0];
  std::vector<std::string> names;
  for (const Verb& verb : verbs) {
    if (word == verb.name) return verb;
    names.emplace_back(verb.name);
  }
  const std::string nearest = Nearest(word, names);
  throw Failure(kExitUsage, fmt::format("{}: no {}{}, {}", command, kind,
                                        words.empty() ? "" : fmt::format(" '{}'", Printable(word)),
                                        nearest.empty() ? "expected one of " + Join(names)
                                                        : "did you mean '" + nearest + "'?"));
}

}  // namespace rmapdiff
