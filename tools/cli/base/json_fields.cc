#include "tools/cli/base/json_fields.h"

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

template <class T>
void FieldReader::Read(const char* key, bool (*is_of_kind)(const Json& found), T* field) {
  const Json* found = Field(object_, key);
  if (found == nullptr) return;
  if (is_of_kind(*found)) {
    *field = found->get<T>();
  } else {
    sense_ = false;
  }
}

void FieldReader::operator()(const char* key, double& field) {
  Read(key, IsSensibleNumber, &field);
}
void FieldReader::operator()(const char* key, uint64_t& field) {
  Read(key, IsSensibleNumber, &field);
}
void FieldReader::operator()(const char* key, int64_t& field) {
  Read(key, IsSensibleNumber, &field);
}
void FieldReader::operator()(const char* key, std::string& field) {
  Read(key, [](const Json& found) { return found.is_string(); }, &field);
}
void FieldReader::operator()(const char* key, bool& field) {
  Read(key, [](const Json& found) { return found.is_boolean(); }, &field);
}

std::string JsonText(const nlohmann::ordered_json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace rmapdiff
