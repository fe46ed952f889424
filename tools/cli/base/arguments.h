// The command line of one verb: what it takes, its --help, and its errors in one line.
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

// What tools/rmapdiff puts before a verb to have its words checked, and nothing done: a verb with
// wrong words is not to wait for the build of what it runs. Not for people.
inline constexpr const char* kCheckUsageWord = "--check-usage";

class Arguments {
 public:
  // From here on Parse and Checked end every verb.
  static void OnlyCheckUsage();

  Arguments(const std::string& verb, const std::string& summary, const std::string& example);
  ~Arguments();

  // What follows has to outlive Parse; an option that is not given leaves the value as it is.
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

  // Nothing if the verb is to go on, else its exit code: --help has been answered, or only the
  // words were to be checked. A Failure with kExitUsage says what is wrong.
  std::optional<int> Parse(std::vector<std::string> words);
  // The same in two steps, for a verb that has more to check: Take, Reject where values are wrong,
  // and Checked before anything is read, written or run.
  std::optional<int> Take(std::vector<std::string> words);
  std::optional<int> Checked() const;

  // What is wrong with a value, found after Parse or Take: a Failure with kExitUsage.
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
