// rmapdiff corpus migrate: inputs in the current version of the format, in their canonical form.
//
// The first byte of an input is the version of its format. An input of an older one goes through
// the migrations from version to version. The canonical form remains to be made: fuzzing makes
// bytes that mean the same as others. An input of an unknown version is left alone, because its
// maker may know better what it means.
#include <fmt/core.h>

#include <span>
#include <string>
#include <vector>

#include "fuzzers/program/migrations.h"
#include "fuzzers/program/program.h"
#include "fuzzers/program/program_file.h"
#include "tools/cli/base/arguments.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/input.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"
#include "tools/cli/corpus/corpus.h"
#include "tools/cli/corpus/corpus_folder.h"
#include "tools/cli/corpus/corpus_work.h"

namespace rmapdiff {
namespace {

// From one version to the next; the bytes that come out begin with the version after `from`.
struct Migration {
  int from;
  std::vector<uint8_t> (*rewrite)(std::span<const uint8_t> bytes);
};
constexpr Migration kMigrations[] = {{1, FromVersion1}};

struct Account {
  size_t canonical = 0;
  size_t rewritten = 0;  // other bytes of the same program
  size_t migrated = 0;   // of an older version
  size_t unknown = 0;    // of no version that is known
};

// In the current version; "" if there is no way to it.
std::string InCurrentVersion(std::string bytes) {
  for (const Migration& one : kMigrations) {
    if (bytes[0] != one.from) continue;
    const std::vector<uint8_t> next =
        one.rewrite({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
    bytes.assign(next.begin(), next.end());
  }
  return bytes[0] == kFormatVersion ? bytes : "";
}

void Migrate(const TargetFolder& folder, const CorpusWork& work, Account* account) {
  for (const std::string& name : folder.names) {
    const std::string path = folder.path + "/" + name;
    const std::string content = ReadInput(path);
    const std::string current = InCurrentVersion(content);
    if (current.empty()) {
      ++account->unknown;
      continue;
    }
    const std::string canonical = ToBytes(FromBytes(current));
    if (canonical == content) {
      ++account->canonical;
      continue;
    }
    ++(content[0] == kFormatVersion ? account->rewritten : account->migrated);
    // The new one is there before the old one goes.
    work.Put(folder.target, canonical);
    if (name != ContentName(canonical)) RemoveFile(path);
  }
}

}  // namespace

int CorpusMigrate(const Words& words) {
  std::string corpus;
  Arguments arguments("corpus migrate",
                      fmt::format("Rewrites inputs in version {} of the format and in their "
                                  "canonical form.",
                                  kFormatVersion),
                      "rmapdiff corpus migrate out/corpus");
  arguments.Positional("DIR", &corpus, "the corpus");
  if (const auto code = arguments.Parse(words)) return *code;

  const std::vector<TargetFolder> folders = ReadCorpus(corpus);
  const CorpusWork work(corpus);
  for (const TargetFolder& folder : folders) {
    // For that target other bytes are another input.
    if (folder.target == kCodecTarget) continue;
    Account account;
    Migrate(folder, work, &account);
    WriteOut(
        fmt::format("{}: {} canonical, {} rewritten, {} of an older version, {} of an unknown "
                    "one left alone\n",
                    folder.target, FormatCount(account.canonical), FormatCount(account.rewritten),
                    FormatCount(account.migrated), FormatCount(account.unknown)));
  }
  if (folders.empty()) WriteOut(Printable(corpus) + ": no inputs\n");
  return kExitDone;
}

}  // namespace rmapdiff
