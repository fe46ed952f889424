// The findings of a continuous run: DIR/findings, a folder for each signature.
//
//   findings/<slug>/finding.json   what it is, how often it came, first and last seen
//                   input-<sha1>   the first input that showed it, and a few more
//                   minimal.ops    the simplest program that shows it
//                   report.txt     what is wrong and how it came to be
//                   draft_test.cc  a regression test
//
// Invariants: a folder is made whole under a temporary name and then renamed. Later it changes file
// by file, each replaced whole. So a reader sees a finding or none, even if a writer is killed. A
// signature has one folder.
// Not covered: two writers of one signature at once, which the lock of a run excludes.
#ifndef RMAPDIFF_TOOLS_CLI_RUN_FOLDER_FINDING_FOLDERS_H_
#define RMAPDIFF_TOOLS_CLI_RUN_FOLDER_FINDING_FOLDERS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rmapdiff {

// finding.json. Names of files are of those in the folder, "" for none.
struct FindingRecord {
  std::string signature;
  std::string target;
  std::string kind;        // libfuzzer/sighting.h
  std::string engine;      // at fault, or at work
  std::string maps;        // that were compared, "legacy,counted"; "" for those by default
  std::string reproduced;  // "3/3"; "" if it was not tried
  uint64_t count = 1;
  int64_t first_seen = 0;  // unix seconds
  int64_t last_seen = 0;
  std::string artifact;
  size_t ops = 0;  // of the minimal program
  std::string minimal;
  std::string report;
  std::string draft;

  std::string folder;  // the name of its folder below findings/; not in the file
};

// finding.json as a value.
nlohmann::ordered_json ToJson(const FindingRecord& record);
// The same and its folder, in one line, for another process.
std::string FindingLine(const FindingRecord& record);
// Of the text of either; nothing if it is not a finding, or damaged.
std::optional<FindingRecord> ReadFinding(std::string_view text);
// The finding in whose folder the file is; nothing if it is in none.
std::optional<FindingRecord> FindingOf(const std::string& file);

// The name of a signature's folder: "rmap-missing.drop.sibling-f87aaaa9".
std::string SlugOf(std::string_view signature);

// "crash-<digits>", "timeout-<digits>" ... as "input-<digits>".
std::string InputName(std::string_view artifact_name);

class FindingFolders {
 public:
  static constexpr size_t kMaxInputs = 10;  // that are kept of one finding

  explicit FindingFolders(std::string run_folder) : root_(std::move(run_folder) + "/findings") {}

  std::string PathOf(std::string_view signature) const { return root_ + "/" + SlugOf(signature); }
  // All that are whole, by the name of their folder. Adds the paths of records that exist and
  // cannot be read.
  std::vector<FindingRecord> All(std::vector<std::string>* damaged) const;
  std::optional<FindingRecord> Find(std::string_view signature) const;

  // The functions below write. They throw a Failure with kExitEnvironment.
  //
  // Removes the temporary files and folders that a killed writer has left.
  void Clean() const;
  // A new finding with these files, by name, and finding.json. A folder in its place, whose record
  // cannot be read, is set aside under another name.
  void Make(const FindingRecord& record, const std::map<std::string, std::string>& files) const;
  // The same again, at this time; the input is kept as well if there is room. `input` is a file
  // that goes away ("" for none).
  void Again(std::string_view signature, uint64_t times, int64_t now,
             const std::string& input) const;

 private:
  const std::string root_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_RUN_FOLDER_FINDING_FOLDERS_H_
