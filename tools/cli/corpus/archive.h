// Archives of inputs: plain tar (ustar) that tar can list and extract, the same bytes for the same
// inputs.
//
// Writing puts members in order, and who wrote them and when is not in it. Reading accepts what
// writing makes and nothing else: a header must be, byte for byte, the one that a plain file of
// that name and size has here, the name TARGET/NAME, and NAME the SHA-1 of the content. So no name
// leads anywhere, there are no links, and nothing is damaged unseen.
//
// Not covered: archives that other programs have made; what they hold can be merged as files.
#ifndef RMAPDIFF_TOOLS_CLI_CORPUS_ARCHIVE_H_
#define RMAPDIFF_TOOLS_CLI_CORPUS_ARCHIVE_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace rmapdiff {

// Writes an archive, member by member, so that no more than one is in memory.
class ArchiveWriter {
 public:
  explicit ArchiveWriter(std::function<void(std::string_view)> put) : put_(std::move(put)) {}

  // "TARGET/NAME", in order and each once; the content has at most kMaxInputBytes.
  void Add(const std::string& name, std::string_view content);
  // After the last.
  void Finish();

 private:
  void PutPadded(std::string_view bytes, size_t unit);

  const std::function<void(std::string_view)> put_;
  size_t size_ = 0;  // of what was put
};

// Contents by "TARGET/NAME"; they are parts of the archive.
using Members = std::map<std::string, std::string_view>;

// The members, or what is wrong: "member 'x': is damaged, expected ...". Nothing is taken of an
// archive in which anything is wrong.
std::variant<Members, std::string> UnpackMembers(std::string_view archive);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_CORPUS_ARCHIVE_H_
