// Archives of inputs: plain ustar, the same bytes for the same inputs.
//
// Writing puts members in order and leaves out who wrote them and when. Reading trusts nobody: a
// member is a plain file named TARGET/NAME and nothing else, so that no name can lead anywhere, and
// NAME is the SHA-1 of its content, so that nothing can be damaged unseen.
#ifndef RMAPDIFF_TOOLS_CLI_ARCHIVE_H_
#define RMAPDIFF_TOOLS_CLI_ARCHIVE_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace rmapdiff {

// Contents by "TARGET/NAME".
using Members = std::map<std::string, std::string>;

std::string PackMembers(const Members& members);

// Calls `take` for each member, in the order of the archive. Throws a Failure with kExitUsage that
// names the file and the first member that cannot be accepted.
void UnpackMembers(
    const std::string& file,
    const std::function<void(const std::string& target, const std::string& content)>& take);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_ARCHIVE_H_
