// The folders and files of a continuous run.
#ifndef RMAPDIFF_TOOLS_CLI_BASE_FILES_H_
#define RMAPDIFF_TOOLS_CLI_BASE_FILES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace rmapdiff {

// And the folders above it. Throws a Failure with kExitEnvironment.
void MakeFolder(const std::string& path);

// The names of the plain files in a folder, in order; those that begin with a dot are left out.
std::vector<std::string> FilesIn(const std::string& folder);

// "" if it cannot be read, as a pipe cannot.
std::string FileContents(const std::string& path);

// "PATH.damaged" or the like, a name that is free: a place for a file that makes no sense.
std::string NameForDamaged(const std::string& path);

// Removes the files that WriteFile was about to put in place when its process was killed.
void RemoveTemporaries(const std::string& folder);

// Whether so many bytes are free where the folder is; also if the system does not tell.
bool HasRoom(const std::string& folder, uint64_t bytes);

// A line about the disk if it has so little room that the next file might not be whole; else "".
std::string WhyNoRoom(const std::string& folder);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_BASE_FILES_H_
