// rmapdiff corpus pack and unpack: a corpus as one file, to be kept or sent, and back.
#include <fmt/core.h>

#include <map>
#include <string>
#include <variant>

#include "tools/cli/base/arguments.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"
#include "tools/cli/base/input.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"
#include "tools/cli/corpus/archive.h"
#include "tools/cli/corpus/corpus.h"
#include "tools/cli/corpus/corpus_folder.h"
#include "tools/cli/corpus/corpus_work.h"

namespace rmapdiff {
namespace {

// The inputs by the names that they have in an archive; one that is there twice counts once. Their
// contents are read when they are written: all of them at once may be more than memory takes.
std::map<std::string, std::string> PathsByMember(const std::string& corpus) {
  std::map<std::string, std::string> paths;
  for (const TargetFolder& folder : ReadCorpus(corpus)) {
    for (const std::string& name : folder.names) {
      const std::string path = folder.path + "/" + name;
      paths.emplace(folder.target + "/" + ContentName(ReadInput(path)), path);
    }
  }
  return paths;
}

// Of a member whose content has not changed since it was named.
std::string ContentOf(const std::string& member, const std::string& path) {
  std::string content = ReadInput(path);
  if (member.ends_with("/" + ContentName(content))) return content;
  throw Failure(kExitEnvironment,
                Printable(path) + ": has changed meanwhile, expected a corpus at rest");
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

  const std::map<std::string, std::string> paths = PathsByMember(corpus);
  if (paths.empty()) {
    throw Failure(kExitUsage, Printable(corpus) + ": holds no inputs, expected a corpus");
  }
  WriteFile(file, [&](const Put& put) {
    size_t size = 0;
    for (const auto& [member, path] : paths) {
      const std::string piece = ArchiveMember(member, ContentOf(member, path));
      put(piece);
      size += piece.size();
    }
    put(ArchiveEnd(size));
  });
  WriteOut(fmt::format("{}: {} inputs\n", Printable(file), FormatCount(paths.size())));
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

  // Nothing is taken before all has been looked at.
  const std::string archive = ReadFile(file, kMaxFileBytes, "an archive");
  const std::variant<Members, std::string> unpacked = UnpackMembers(archive);
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
