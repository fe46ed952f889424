#include "tools/cli/base/json_fields.h"

#include <algorithm>
#include <cmath>

namespace rmapdiff {
namespace {

using Json = nlohmann::json;

constexpr double kMaxNumber = 9e15;

// Null if there is no such field, or no object.
const Json* Field(const Json& object, const char* key) {
  const auto at = object.is_object() ? object.find(key) : object.end();
  return at != object.end() ? &*at : nullptr;
}

}  // namespace

Json ParseJson(std::string_view text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_discarded() ? Json() : json;
}

double NumberOf(const Json& object, const char* key) {
  const Json* field = Field(object, key);
  if (field == nullptr || !field->is_number()) return 0;
  const auto number = field->get<double>();
  return std::isfinite(number) ? std::clamp(number, 0.0, kMaxNumber) : 0;
}

uint64_t WholeOf(const Json& object, const char* key) {
  const Json* field = Field(object, key);
  if (field != nullptr && field->is_number_unsigned()) return field->get<uint64_t>();
  return static_cast<uint64_t>(NumberOf(object, key));
}

std::string TextOf(const Json& object, const char* key) {
  const Json* field = Field(object, key);
  return field != nullptr && field->is_string() ? field->get<std::string>() : "";
}

bool FlagOf(const Json& object, const char* key) {
  const Json* field = Field(object, key);
  return field != nullptr && field->is_boolean() && field->get<bool>();
}

}  // namespace rmapdiff
