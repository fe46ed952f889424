// rmapdiff corpus pack and unpack: a corpus as one file, to be kept or sent, and back.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <variant>

#include "tools/cli/archive.h"
#include "tools/cli/arguments.h"
#include "tools/cli/corpus.h"
#include "tools/cli/corpus_folder.h"
#include "tools/cli/corpus_work.h"
#include "tools/cli/exit_codes.h"
#include "tools/cli/folders.h"
#include "tools/cli/output.h"
#include "tools/cli/text.h"

namespace rmapdiff {
namespace {

std::string ReadWhole(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) {
    throw Failure(kExitUsage, Printable(path) + ": no such file, expected an archive");
  }
  std::ifstream file(path, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(file), {}};
  if (file) return content;
  throw Failure(kExitUsage, Printable(path) + ": cannot be read, expected an archive");
}

}  // namespace

int CorpusPack(const Words& words) {
  std::string corpus;
  std::string file;
  Arguments arguments(
      "corpus pack",
      "Writes all inputs into one archive (tar): the same bytes for the same inputs.",
      "rmapdiff corpus pack out/corpus -o corpus.tar");
  arguments.Positional("DIR", &corpus, "the corpus");
  arguments.Option("-o,--output", "FILE", &file, "the archive", /*required=*/true);
  if (const auto code = arguments.Parse(words)) return *code;

  Members members;
  for (const TargetFolder& folder : ReadCorpus(corpus)) {
    for (const std::string& name : folder.names) {
      std::string content = ReadInput(folder.path + "/" + name);
      const std::string member = folder.target + "/" + ContentName(content);
      members[member] = std::move(content);
    }
  }
  if (members.empty()) {
    throw Failure(kExitUsage, Printable(corpus) + ": holds no inputs, expected a corpus");
  }
  WriteFile(file, PackMembers(members));
  WriteOut(fmt::format("{}: {} inputs\n", Printable(file), FormatCount(members.size())));
  return kExitDone;
}

int CorpusUnpack(const Words& words) {
  std::string file;
  std::string corpus;
  Arguments arguments("corpus unpack",
                      "Takes the inputs of an archive in: all of them, or none if one is not what "
                      "it should be.",
                      "rmapdiff corpus unpack corpus.tar out/corpus");
  arguments.File(&file, "an archive of rmapdiff corpus pack");
  arguments.Positional("DIR", &corpus, "the corpus; made if it is not there");
  if (const auto code = arguments.Parse(words)) return *code;

  // Nothing is taken before all has been looked at; what an archive holds fits into memory, as it
  // did when it was packed.
  const std::variant<Members, std::string> unpacked = UnpackMembers(ReadWhole(file));
  if (const auto* wrong = std::get_if<std::string>(&unpacked)) {
    throw Failure(kExitUsage, Printable(file) + ": " + *wrong);
  }
  const auto& members = std::get<Members>(unpacked);
  MakeFolder(corpus);
  ReadCorpus(corpus);
  const CorpusWork work(corpus);
  size_t added = 0;
  for (const auto& [name, content] : members) {
    if (work.Put(name.substr(0, name.find('/')), content)) ++added;
  }
  WriteOut(fmt::format("{}: {} added, {} were there already\n", Printable(corpus),
                       FormatCount(added), FormatCount(members.size() - added)));
  return kExitDone;
}

}  // namespace rmapdiff
