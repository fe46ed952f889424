// The status of a run for Prometheus: the text format, version 0.0.4. It has no rates, because a
// server works them out from the counters.
#include <fmt/core.h>

#include "tools/cli/run_folder/status_text.h"

namespace rmapdiff {
namespace {

// In double quotes. Backslash, quote and line feed are escaped. The format wants UTF-8, and names
// from files can be other bytes, so `?` stands for all that is not ASCII.
std::string LabelValue(const std::string& value) {
  std::string text;
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
    } else if (c == '"' || c == '\\') {
      text += std::string("\\") + c;
    } else {
      text += c >= ' ' && c <= '~' ? c : '?';
    }
  }
  return "\"" + text + "\"";
}

class Exposition {
 public:
  void Begin(const std::string& name, const char* type, const std::string& help) {
    name_ = "rmapdiff_" + name;
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name_, help, name_, type);
  }
  void Value(const std::string& labels, double value) {
    const std::string braces = labels.empty() ? "" : "{" + labels + "}";
    text_ += fmt::format("{}{} {}\n", name_, braces, value);
  }
  void One(const std::string& name, const char* type, const std::string& help, double value) {
    Begin(name, type, help);
    Value("", value);
  }
  const std::string& text() const { return text_; }

 private:
  std::string name_;
  std::string text_;
};

// One value for each target, or for each finding.
template <typename Row>
struct Metric {
  const char* name;
  const char* type;
  const char* help;
  double (*value)(const Row& row);
};

template <auto kMember>
double Figure(const TargetStatus& target) {
  return static_cast<double>(target.figures.*kMember);
}
template <auto kMember, typename Row>
double Member(const Row& row) {
  return static_cast<double>(row.*kMember);
}

constexpr Metric<TargetStatus> kTargetMetrics[] = {
    {"execs_total", "counter", "Programs that were run.", Figure<&TargetSample::execs>},
    {"ops_total", "counter", "Operations that were run; 0 if the target does not count them.",
     Figure<&TargetSample::ops>},
    {"process_seconds_total", "counter", "Time of all processes of the target together.",
     Figure<&TargetSample::seconds>},
    {"scout_execs_total", "counter", "Of the programs, those that scouts ran without sanitizers.",
     Figure<&TargetSample::scout_execs>},
    {"scout_ops_total", "counter", "Of the operations, those that scouts ran.",
     Figure<&TargetSample::scout_ops>},
    {"scout_seconds_total", "counter", "Of the time of all processes, that of scouts.",
     Figure<&TargetSample::scout_seconds>},
    {"coverage", "gauge", "Places in the code that were reached.", Figure<&TargetSample::coverage>},
    {"features", "gauge", "Features that were seen, behaviours among them.",
     Figure<&TargetSample::features>},
    {"corpus_inputs", "gauge", "Inputs in the corpus.", Figure<&TargetSample::corpus>},
    {"corpus_size_bytes", "gauge", "Size of the corpus.", Figure<&TargetSample::corpus_bytes>},
    {"target_findings", "gauge", "Distinct findings of the target.",
     Figure<&TargetSample::findings>},
    {"since_new_feature_seconds", "gauge", "Time of fuzzing since a feature was new.",
     Member<&TargetStatus::since_new_feature>},
};

constexpr Metric<FindingRecord> kFindingMetrics[] = {
    {"finding_seen_total", "counter", "How often the finding came.", Member<&FindingRecord::count>},
    {"finding_first_seen_timestamp_seconds", "gauge", "When the finding came first.",
     Member<&FindingRecord::first_seen>},
    {"finding_last_seen_timestamp_seconds", "gauge", "When the finding came last.",
     Member<&FindingRecord::last_seen>},
};

// With the folder, because all other labels of two findings can be the same.
std::string LabelsOf(const FindingRecord& one) {
  return fmt::format("target={},signature={},kind={},engine={},folder={}", LabelValue(one.target),
                     LabelValue(one.signature), LabelValue(one.kind), LabelValue(one.engine),
                     LabelValue(one.folder));
}

}  // namespace

std::string StatusMetrics(const RunStatus& status) {
  Exposition to;
  to.One("running", "gauge", "1 if a session is at work.", status.running ? 1 : 0);
  to.One("sessions_total", "counter", "Sessions that were begun.",
         static_cast<double>(status.last.run));
  to.One("fuzzing_seconds_total", "counter", "Time of all sessions.", status.last.elapsed);
  to.One("jobs", "gauge", "Processes at a time.", static_cast<double>(status.last.jobs));
  to.One("last_sample_timestamp_seconds", "gauge", "When the figures were written.",
         status.last.time);
  to.One("findings", "gauge", "Distinct findings.", static_cast<double>(status.findings.size()));
  for (const Metric<TargetStatus>& metric : kTargetMetrics) {
    if (status.targets.empty()) break;
    to.Begin(metric.name, metric.type, metric.help);
    for (const auto& [name, one] : status.targets) {
      to.Value("target=" + LabelValue(name), metric.value(one));
    }
  }
  for (const Metric<FindingRecord>& metric : kFindingMetrics) {
    if (status.findings.empty()) break;
    to.Begin(metric.name, metric.type, metric.help);
    for (const FindingRecord& one : status.findings) to.Value(LabelsOf(one), metric.value(one));
  }
  return to.text();
}

}  // namespace rmapdiff
