// Fields of JSON that a run has written about itself and that may be damaged: what is missing or of
// another kind reads as nothing, so that no file can end the program.
#ifndef RMAPDIFF_TOOLS_CLI_BASE_JSON_FIELDS_H_
#define RMAPDIFF_TOOLS_CLI_BASE_JSON_FIELDS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace rmapdiff {

// Null if the text is no JSON.
nlohmann::json ParseJson(std::string_view text);

// From 0 to 9e15.
double NumberOf(const nlohmann::json& object, const char* key);
uint64_t WholeOf(const nlohmann::json& object, const char* key);
std::string TextOf(const nlohmann::json& object, const char* key);
bool FlagOf(const nlohmann::json& object, const char* key);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_BASE_JSON_FIELDS_H_
