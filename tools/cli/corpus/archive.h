// Archives of inputs: plain tar (ustar) that tar can list and extract, the same bytes for the same
// inputs.
//
// An archive has the members in order, without an author or a time. Reading accepts only archives
// that writing makes. A header must be, byte for byte, the one of a plain file of that name and
// size here. The name must be TARGET/NAME, and NAME the SHA-1 of the content. So no name leads
// anywhere, there are no links, and damage is always seen.
//
// Not covered: archives of other programs; their files can be merged one by one.
#ifndef RMAPDIFF_TOOLS_CLI_CORPUS_ARCHIVE_H_
#define RMAPDIFF_TOOLS_CLI_CORPUS_ARCHIVE_H_

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <variant>

namespace rmapdiff {

// The piece of an archive for a member, "TARGET/NAME". Members come in order, each once; a content
// has at most kMaxInputBytes.
std::string ArchiveMember(const std::string& name, std::string_view content);
// The last piece, after `size` bytes of members.
std::string ArchiveEnd(size_t size);

// Contents by "TARGET/NAME"; they are parts of the archive.
using Members = std::map<std::string, std::string_view>;

// The members, or the first fault: "member 'x': is damaged, expected ...". Nothing is taken of an
// archive with a fault.
std::variant<Members, std::string> UnpackMembers(std::string_view archive);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_CORPUS_ARCHIVE_H_
