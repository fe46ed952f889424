// The command line of one verb: its words, its --help, and its errors in one line.
//
// A thin layer over CLI11, so that its headers are compiled once and every verb speaks alike.
#ifndef RMAPDIFF_TOOLS_CLI_BASE_ARGUMENTS_H_
#define RMAPDIFF_TOOLS_CLI_BASE_ARGUMENTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}  // namespace CLI

namespace rmapdiff {

// The word that tools/rmapdiff puts before a verb to have its words checked, and nothing done. So
// wrong words are reported before a build. Not for people.
inline constexpr const char* kCheckUsageWord = "--check-usage";

class Arguments {
 public:
  // From here on Parse and Checked end every verb.
  static void OnlyCheckUsage();

  Arguments(const std::string& verb, const std::string& summary, const std::string& example);
  ~Arguments();

  // The variables must outlive Parse. An option that is not given leaves its variable as it is.
  void Files(std::vector<std::string>* files, const std::string& help);  // FILE..., at least one
  void File(std::string* file, const std::string& help);                 // FILE, exactly one
  // The same under other names: one word, and all that follow.
  void Positional(const std::string& name, std::string* word, const std::string& help);
  void Positionals(const std::string& name, std::vector<std::string>* words,
                   const std::string& help);
  void Flag(const std::string& names, bool* on, const std::string& help);
  void Option(const std::string& names, const std::string& value_name, std::string* value,
              const std::string& help, bool required = false);
  void Repeated(const std::string& names, const std::string& value_name,
                std::vector<std::string>* values, const std::string& help);
  // The two flags cannot be given together.
  void Excludes(const std::string& name, const std::string& other);

  // Nothing if the verb is to go on. Else its exit code: it has answered --help, or was only to
  // check the words. Throws a Failure with kExitUsage if they are wrong.
  std::optional<int> Parse(std::vector<std::string> words);
  // The same in two steps, for a verb that has more to check. It calls Take, then Reject on a wrong
  // value, and Checked before it reads, writes or runs anything.
  std::optional<int> Take(std::vector<std::string> words);
  std::optional<int> Checked() const;

  // Throws a Failure with kExitUsage on a value that turns out wrong after Parse or Take.
  [[noreturn]] void Reject(const std::string& what) const;
  // The value of an option as a number, or as a time in seconds. Rejects all others.
  uint64_t Number(const std::string& name, const std::string& text, uint64_t least,
                  uint64_t most) const;
  uint64_t Duration(const std::string& name, const std::string& text) const;

 private:
  const std::string verb_;
  const std::unique_ptr<CLI::App> app_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_BASE_ARGUMENTS_H_
