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

bool IsSensibleNumber(const Json& field) {
  if (!field.is_number()) return false;
  const auto number = field.get<double>();
  return number >= 0 && number <= kMaxNumber;
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

bool FieldReader::Has(const char* key, bool (*is_of_kind)(const Json& field)) {
  const Json* field = Field(object_, key);
  if (field == nullptr) return false;
  const bool is = is_of_kind(*field);
  sense_ = sense_ && is;
  return is;
}

void FieldReader::operator()(const char* key, double& field) {
  if (Has(key, IsSensibleNumber)) field = NumberOf(object_, key);
}
void FieldReader::operator()(const char* key, uint64_t& field) {
  if (Has(key, IsSensibleNumber)) field = WholeOf(object_, key);
}
void FieldReader::operator()(const char* key, int64_t& field) {
  if (Has(key, IsSensibleNumber)) field = static_cast<int64_t>(WholeOf(object_, key));
}
void FieldReader::operator()(const char* key, std::string& field) {
  if (Has(key, [](const Json& one) { return one.is_string(); })) field = TextOf(object_, key);
}
void FieldReader::operator()(const char* key, bool& field) {
  if (Has(key, [](const Json& one) { return one.is_boolean(); })) field = FlagOf(object_, key);
}

std::string JsonText(const nlohmann::ordered_json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace rmapdiff
