// The findings of fuzz targets on their way from DIR/incoming to DIR/findings, beside the fuzzing.
//
// One child at a time looks at one artifact (intake_worker.h), at low priority. An artifact that
// was taken in before is counted at once, without a child.
//
// Invariants: an artifact leaves DIR/incoming only when its finding is kept. So a kill at any
// moment loses none, and the next session takes in the rest. If a child cannot look at an artifact,
// the finding is kept by the words of the log. A finding of a scout that does not come again is
// none: its artifact moves to DIR/unconfirmed/TARGET.
#ifndef RMAPDIFF_TOOLS_CLI_FUZZ_INTAKE_QUEUE_H_
#define RMAPDIFF_TOOLS_CLI_FUZZ_INTAKE_QUEUE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tools/cli/fuzz/fuzz_process.h"
#include "tools/cli/libfuzzer/sighting.h"
#include "tools/cli/run_folder/finding_folders.h"

namespace rmapdiff {

class IntakeQueue {
 public:
  // Takes each finding that the session meets for the first time, and whether it is new.
  using Seen = std::function<void(const FindingRecord& finding, bool is_new)>;

  // Takes the target and the path of an input in which a scout alone has found something.
  using Unconfirmed = std::function<void(const std::string& target, const std::string& path)>;

  // `targets` are the folders below DIR/incoming. Their files that a killed session has left are
  // taken up, with the words of its logs. All of these throw a Failure with kExitEnvironment.
  IntakeQueue(std::string run_folder, const std::vector<std::string>& targets, Seen seen,
              Unconfirmed unconfirmed);

  // A process has found something. `artifact` is the name of a file below DIR/incoming/TARGET, ""
  // if there is none.
  void Add(const std::string& target, const std::string& artifact, const Sighting& sighting);
  // Takes up the files without a call of Add. A merge of libFuzzer goes on over an input that ends
  // its process.
  void TakeUp(const std::string& target);
  // To be called now and then: one step.
  void Step();
  // The session is about to end: the minimization at work gets some seconds more.
  void Hurry();
  // Ends the child; its artifact waits for the next session.
  void Abandon() { child_.reset(); }

  bool busy() const { return child_ != nullptr; }
  size_t left() const { return queue_.size(); }
  // Those met in this session, in that order; a count is that of this session.
  const std::vector<FindingRecord>& findings() const { return findings_; }
  // How many are kept of each target, from this session and those before.
  const std::map<std::string, uint64_t>& kept() const { return kept_; }

 private:
  struct Arrival {
    std::string target;
    std::string path;  // of the artifact, which may not exist
    uint64_t times = 1;
    int attempts = 0;
  };

  std::string Incoming(const std::string& target, const std::string& name) const {
    return run_folder_ + "/incoming/" + target + "/" + name;
  }
  void RecoverSighting(const std::string& log_name);
  void StartChild();
  void FinishChild();
  void SetAside();
  void Count(const Arrival& arrival, const std::string& signature);

  const std::string run_folder_;
  const Seen seen_;
  const Unconfirmed unconfirmed_;
  const FindingFolders folders_;
  std::deque<Arrival> queue_;
  std::unique_ptr<FuzzProcess> child_;  // at work on the front of the queue
  std::vector<FindingRecord> findings_;
  std::map<std::string, std::string> known_artifacts_;  // path to signature
  std::set<std::string> signatures_;                    // of all that are kept
  std::map<std::string, uint64_t> kept_;
  bool hurry_ = false;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FUZZ_INTAKE_QUEUE_H_
