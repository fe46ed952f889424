// The report of a trial. It tells the verdict and the story of a divergence (story.h), or the end
// of a process (trial.h). As report.h: same values, same bytes.
#ifndef RMAPDIFF_FUZZERS_FINDING_REPORT_STORY_H_
#define RMAPDIFF_FUZZERS_FINDING_REPORT_STORY_H_

#include <string>

#include "fuzzers/finding/trial.h"
#include "fuzzers/program/program.h"
#include "fuzzers/run/report.h"

namespace rmapdiff {

// The fields that differ beside that of the verdict, then the history of the lists among them. ""
// without a story.
std::string StoryText(const Program& program, const Verdict& verdict, const Story& story);

// The whole report, of a verdict or of a process that has ended; without commands.
std::string TrialText(const Program& program, const Trial& trial, const ReportOptions& options);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_FINDING_REPORT_STORY_H_
