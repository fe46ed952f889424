// Folders and files as a continuous run keeps them.
#ifndef RMAPDIFF_TOOLS_CLI_BASE_FILES_H_
#define RMAPDIFF_TOOLS_CLI_BASE_FILES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace rmapdiff {

// With those above it. Throws a Failure with kExitEnvironment.
void MakeFolder(const std::string& path);

// The names of the plain files in a folder, in order; those that begin with a dot are left out.
std::vector<std::string> FilesIn(const std::string& folder);

// "" if it cannot be read, or is no regular file.
std::string FileContents(const std::string& path);

// "PATH.damaged" or the like, which is not taken: a place for what makes no sense.
std::string NameForDamaged(const std::string& path);

// Removes what a killed process has left of a file that WriteFile was about to put in place.
void RemoveTemporaries(const std::string& folder);

// Whether so many bytes are free where the folder is; also if nobody knows.
bool HasRoom(const std::string& folder, uint64_t bytes);

// A line about the disk if so little is left on it that the next file might not be whole; else "".
std::string WhyNoRoom(const std::string& folder);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_BASE_FILES_H_
