// Fields of JSON that a run has written about itself and that may be damaged. A field that is
// missing or of another kind reads as nothing, so that no file can end the program.
//
// A struct names its fields once, for both ways: `visit("count", one.count)` for each.
#ifndef RMAPDIFF_TOOLS_CLI_BASE_JSON_FIELDS_H_
#define RMAPDIFF_TOOLS_CLI_BASE_JSON_FIELDS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace rmapdiff {

// Null if the text is not JSON.
nlohmann::json ParseJson(std::string_view text);

// A visitor that reads. A field that is missing, or makes no sense, stays as it is.
class FieldReader {
 public:
  explicit FieldReader(const nlohmann::json& object) : object_(object) {}

  void operator()(const char* key, double& field);
  void operator()(const char* key, uint64_t& field);
  void operator()(const char* key, int64_t& field);
  void operator()(const char* key, std::string& field);
  void operator()(const char* key, bool& field);

  // False if one of the fields was of another kind, or no number from 0 to 9e15.
  bool sense() const { return sense_; }

 private:
  // Sets the field if there is one of that name and of that kind.
  template <class T>
  void Read(const char* key, bool (*is_of_kind)(const nlohmann::json& found), T* field);

  const nlohmann::json& object_;
  bool sense_ = true;
};

// A visitor that writes, in order.
struct FieldWriter {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();

  void operator()(const char* key, const auto& field) { json[key] = field; }
};

// In a line, or in lines with so many spaces before them. Bytes that are not UTF-8, which names of
// files can have, are replaced.
std::string JsonText(const nlohmann::ordered_json& json, int indent = -1);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_BASE_JSON_FIELDS_H_
