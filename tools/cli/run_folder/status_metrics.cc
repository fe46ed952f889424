// The status of a run for Prometheus: the text format, version 0.0.4. What a rate is, a server
// works out itself from the counters, so there are none here.
#include <fmt/format.h>

#include <functional>

#include "tools/cli/run_folder/status_text.h"

namespace rmapdiff {
namespace {

// In double quotes: backslash, quote and line feed are escaped; the rest is to be UTF-8, of which
// only ASCII can be relied on in names from files.
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

struct TargetMetric {
  const char* name;
  const char* type;
  const char* help;
  double (*value)(const TargetStatus& target);
};

constexpr TargetMetric kTargetMetrics[] = {
    {"execs_total", "counter", "Programs that were run.",
     [](const TargetStatus& one) { return static_cast<double>(one.figures.execs); }},
    {"ops_total", "counter", "Operations that were run; 0 if the target does not count them.",
     [](const TargetStatus& one) { return static_cast<double>(one.figures.ops); }},
    {"process_seconds_total", "counter", "Time of all processes of the target together.",
     [](const TargetStatus& one) { return one.figures.seconds; }},
    {"coverage", "gauge", "Places in the code that were reached.",
     [](const TargetStatus& one) { return static_cast<double>(one.figures.coverage); }},
    {"features", "gauge", "Features that were seen, behaviours among them.",
     [](const TargetStatus& one) { return static_cast<double>(one.figures.features); }},
    {"corpus_inputs", "gauge", "Inputs in the corpus.",
     [](const TargetStatus& one) { return static_cast<double>(one.figures.corpus); }},
    {"corpus_size_bytes", "gauge", "Size of the corpus.",
     [](const TargetStatus& one) { return static_cast<double>(one.figures.corpus_bytes); }},
    {"target_findings", "gauge", "Distinct findings of the target.",
     [](const TargetStatus& one) { return static_cast<double>(one.figures.findings); }},
    {"since_new_feature_seconds", "gauge", "Time of fuzzing since a feature was new.",
     [](const TargetStatus& one) { return one.since_new_feature; }},
};

struct FindingMetric {
  const char* name;
  const char* type;
  const char* help;
  double (*value)(const FindingRecord& finding);
};

constexpr FindingMetric kFindingMetrics[] = {
    {"finding_seen_total", "counter", "How often the finding came.",
     [](const FindingRecord& one) { return static_cast<double>(one.count); }},
    {"finding_first_seen_timestamp_seconds", "gauge", "When the finding came first.",
     [](const FindingRecord& one) { return static_cast<double>(one.first_seen); }},
    {"finding_last_seen_timestamp_seconds", "gauge", "When the finding came last.",
     [](const FindingRecord& one) { return static_cast<double>(one.last_seen); }},
};

// The folder tells apart findings whose other labels are the same.
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
  for (const TargetMetric& metric : kTargetMetrics) {
    if (status.targets.empty()) break;
    to.Begin(metric.name, metric.type, metric.help);
    for (const auto& [name, one] : status.targets) {
      to.Value("target=" + LabelValue(name), metric.value(one));
    }
  }
  for (const FindingMetric& metric : kFindingMetrics) {
    if (status.findings.empty()) break;
    to.Begin(metric.name, metric.type, metric.help);
    for (const FindingRecord& one : status.findings) to.Value(LabelsOf(one), metric.value(one));
  }
  return to.text();
}

}  // namespace rmapdiff
