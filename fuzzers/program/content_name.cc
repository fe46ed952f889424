#include "fuzzers/program/content_name.h"

// The digests of libmd, which dpkg itself is linked with.
#include <sha1.h>

#include <cstdint>

namespace rmapdiff {

std::string ContentName(std::string_view content) {
  char name[SHA1_DIGEST_STRING_LENGTH] = {};
  SHA1Data(reinterpret_cast<const uint8_t*>(content.data()), content.size(), name);
  return name;
}

bool IsContentName(std::string_view name) {
  return name.size() == SHA1_DIGEST_STRING_LENGTH - 1 &&
         name.find_first_not_of("0123456789abcdef") == name.npos;
}

}  // namespace rmapdiff
