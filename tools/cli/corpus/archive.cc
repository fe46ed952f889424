#include "tools/cli/corpus/archive.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "tools/cli/base/input.h"
#include "tools/cli/base/text.h"
#include "tools/cli/corpus/corpus_folder.h"

namespace rmapdiff {
namespace {

constexpr size_t kBlock = 512;
constexpr size_t kRecord =
    20 * kBlock;  // tar writes so much at a time: an archive is whole records

// The places of the fields of a header (POSIX.1-1988), all of them text.
constexpr size_t kNameSize = 100;
constexpr size_t kSizeAt = 124;
constexpr size_t kSizeDigits = 11;

size_t Padded(size_t size, size_t unit) { return (size + unit - 1) / unit * unit; }

// Of a plain file from 1970 that all may read and its owner, root, may write.
std::string HeaderOf(const std::string& name, size_t size) {
  std::string header(kBlock, '\0');
  const auto put = [&header](size_t at, const std::string& text) {
    header.replace(at, text.size(), text);
  };
  put(0, name);
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(kSizeAt, fmt::format("{:0{}o}", size, kSizeDigits));
  put(136, "00000000000");
  put(148, "        ");  // the checksum counts as spaces
  put(156, "0");
  put(257, std::string("ustar\0"
                       "00",
                       8));
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(148, fmt::format("{:06o}", sum) + '\0');
  return header;
}

// "TARGET/NAME", which is also the only form of name that leads nowhere.
bool IsMemberName(const std::string& name) {
  const size_t slash = name.find('/');
  return slash != name.npos && IsTargetName(name.substr(0, slash)) &&
         IsContentName(name.substr(slash + 1));
}

std::string NameIn(std::string_view header) {
  const std::string_view field = header.substr(0, kNameSize);
  return std::string(field.substr(0, field.find('\0')));
}

std::optional<size_t> SizeIn(std::string_view header) {
  size_t size = 0;
  for (const char c : header.substr(kSizeAt, kSizeDigits)) {
    if (c < '0' || c > '7') return std::nullopt;
    size = size * 8 + static_cast<size_t>(c - '0');
  }
  return size <= kMaxInputBytes ? std::optional(size) : std::nullopt;
}

bool IsZero(std::string_view bytes) { return bytes.find_first_not_of('\0') == bytes.npos; }

}  // namespace

std::string ArchiveMember(const std::string& name, std::string_view content) {
  std::string piece = HeaderOf(name, content.size()) + std::string(content);
  piece.resize(Padded(piece.size(), kBlock));
  return piece;
}

std::string ArchiveEnd(size_t size) {
  return std::string(Padded(size + 2 * kBlock, kRecord) - size, '\0');
}

std::variant<Members, std::string> UnpackMembers(std::string_view archive) {
  if (archive.empty() || archive.size() % kRecord != 0) {
    return "is cut off or no archive, expected one of rmapdiff corpus pack";
  }
  Members members;
  while (!IsZero(archive)) {
    const std::string_view header = archive.substr(0, kBlock);
    const std::string name = NameIn(header);
    const std::string who = fmt::format("member '{}': ", Printable(name));
    const std::optional<size_t> size = SizeIn(header);
    if (!IsMemberName(name)) return who + "expected names like rmap_fuzzer/" + ContentName("");
    if (!size || HeaderOf(name, *size) != header) {
      return who + "expected a plain file as rmapdiff corpus pack writes it";
    }
    archive.remove_prefix(kBlock);
    const std::string_view content = archive.substr(0, *size);
    if (ContentName(content) != name.substr(name.find('/') + 1)) {
      return who + "is damaged, expected the content that its name says";
    }
    members[name] = content;
    archive.remove_prefix(std::min(Padded(*size, kBlock), archive.size()));
  }
  return members;
}

}  // namespace rmapdiff
