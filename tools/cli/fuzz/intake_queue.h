// What fuzz targets have found, on its way from DIR/incoming to DIR/findings, beside the fuzzing.
//
// One child at a time looks at one artifact (intake_worker.h), at low priority. What it is about to
// be the same as costs no child: the same artifact again is counted at once.
//
// Invariants: an artifact leaves DIR/incoming only when its finding is kept, so that a kill at any
// moment loses none, and the next session takes in what is left. One that cannot be looked at is
// kept by what the log said of it.
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

#include "tools/cli/fuzz/fuzz_summary.h"
#include "tools/cli/fuzz/intake_worker.h"
#include "tools/cli/libfuzzer/sighting.h"
#include "tools/cli/libfuzzer/target_process.h"
#include "tools/cli/run_folder/finding_folders.h"

namespace rmapdiff {

class FuzzIntake {
 public:
  // `targets` are the folders below DIR/incoming. What a killed session has left there is taken up,
  // with what its logs say. Throws a Failure with kExitEnvironment, as all that follow may.
  FuzzIntake(std::string run_folder, std::vector<std::string> targets);

  // A process has found something; `artifact` is the name of the file below its folder in
  // DIR/incoming, "" if there is none.
  void Add(const std::string& target, const std::string& artifact, const LogFacts& facts);
  // What lies there without a word of ours: libFuzzer goes on over an input that ends a process
  // while it reduces a corpus.
  void TakeUp(const std::string& target);
  // To be called now and then: one step. `seen` is told of each finding when this session meets it
  // for the first time, and whether it is new.
  void Step(const std::function<void(const FuzzFinding& finding, bool is_new)>& seen);
  // The session is about to end: what is being minimised gets some seconds more.
  void Hurry();
  // What is being done is not done.
  void Abandon() { child_.reset(); }

  bool busy() const { return child_ != nullptr; }
  size_t left() const { return queue_.size(); }
  // Those met in this session, in that order.
  const std::vector<FuzzFinding>& findings() const { return findings_; }
  // All that are kept, of this session and those before: how many, and of a target.
  uint64_t kept() const { return kept_; }
  uint64_t kept_of(const std::string& target) const;

 private:
  struct Arrival {
    std::string target;
    std::string path;  // of the artifact, which may not exist
    uint64_t times = 1;
    int attempts = 0;
  };

  void RecoverFacts(const std::string& log);
  void StartChild();
  void FinishChild(const std::function<void(const FuzzFinding&, bool)>& seen);
  void Count(const Arrival& arrival, const std::string& signature,
             const std::function<void(const FuzzFinding&, bool)>& seen);

  const std::string run_folder_;
  const FindingFolders folders_;
  std::deque<Arrival> queue_;
  std::unique_ptr<FuzzProcess> child_;  // at work on the front of the queue
  std::vector<FuzzFinding> findings_;
  std::map<std::string, std::string> known_artifacts_;  // path to signature
  std::set<std::string> signatures_;                    // that were there before
  std::map<std::string, uint64_t> kept_of_;
  uint64_t kept_ = 0;
  bool hurry_ = false;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FUZZ_INTAKE_QUEUE_H_
