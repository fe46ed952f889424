#include "tools/cli/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <memory>

#include "tools/cli/corpus_folder.h"
#include "tools/cli/exit_codes.h"
#include "tools/cli/input.h"
#include "tools/cli/text.h"

namespace rmapdiff {
namespace {

constexpr mode_t kMode = 0644;
constexpr size_t kBlock = 1 << 16;

struct FreeArchive {
  void operator()(archive* one) const { archive_free(one); }
};
struct FreeEntry {
  void operator()(archive_entry* one) const { archive_entry_free(one); }
};
using ArchivePointer = std::unique_ptr<archive, FreeArchive>;
using EntryPointer = std::unique_ptr<archive_entry, FreeEntry>;

std::string ErrorOf(archive* one) {
  const char* text = archive_error_string(one);
  return text != nullptr ? text : "no reason is given";
}

// Writing to memory fails for want of memory alone.
void Check(int result, archive* one) {
  if (result < ARCHIVE_OK) throw std::runtime_error("archive: " + ErrorOf(one));
}

la_ssize_t Append(archive*, void* to, const void* data, size_t size) {
  static_cast<std::string*>(to)->append(static_cast<const char*>(data), size);
  return static_cast<la_ssize_t>(size);
}

class Unpacking {
 public:
  explicit Unpacking(const std::string& file) : file_(file), from_(archive_read_new()) {
    archive_read_support_format_tar(from_.get());
    if (archive_read_open_filename(from_.get(), file.c_str(), kBlock) == ARCHIVE_OK) return;
    throw Failure(kExitUsage, fmt::format("{}: {}, expected an archive of rmapdiff corpus pack",
                                          Printable(file), Printable(ErrorOf(from_.get()))));
  }

  // False at the end of the archive.
  bool Next() {
    const int result = archive_read_next_header(from_.get(), &entry_);
    if (result == ARCHIVE_EOF) return false;
    if (result == ARCHIVE_OK) return true;
    throw Failure(kExitUsage, fmt::format("{}: {}, expected an archive of rmapdiff corpus pack",
                                          Printable(file_), Printable(ErrorOf(from_.get()))));
  }

  // The target that the member is for, once all but its content has been looked at.
  std::string Target() {
    const char* path = archive_entry_pathname(entry_);
    name_ = path != nullptr ? path : "";
    const bool plain = archive_entry_filetype(entry_) == AE_IFREG &&
                       archive_entry_hardlink(entry_) == nullptr &&
                       archive_entry_symlink(entry_) == nullptr;
    const size_t slash = name_.find('/');
    if (slash == name_.npos || !IsTargetName(name_.substr(0, slash)) ||
        !IsContentName(name_.substr(slash + 1))) {
      Refuse("expected names like rmap_fuzzer/" + ContentName("") + " alone");
    }
    if (!plain) Refuse("is no plain file, expected nothing else");
    return name_.substr(0, slash);
  }

  std::string Content() {
    std::string content(kMaxInputBytes + 1, '\0');
    size_t size = 0;
    while (size < content.size()) {
      const la_ssize_t count =
          archive_read_data(from_.get(), content.data() + size, content.size() - size);
      if (count < 0) Refuse(Printable(ErrorOf(from_.get())) + ", expected its content");
      if (count == 0) break;
      size += static_cast<size_t>(count);
    }
    content.resize(size);
    if (size > kMaxInputBytes) Refuse(fmt::format("expected at most {} bytes", kMaxInputBytes));
    if (ContentName(content) != name_.substr(name_.find('/') + 1)) {
      Refuse("is damaged, expected the content that its name says");
    }
    return content;
  }

 private:
  [[noreturn]] void Refuse(const std::string& what) const {
    throw Failure(kExitUsage,
                  fmt::format("{}: member '{}': {}", Printable(file_), Printable(name_), what));
  }

  const std::string file_;
  const ArchivePointer from_;
  archive_entry* entry_ = nullptr;  // belongs to the archive
  std::string name_;
};

}  // namespace

std::string PackMembers(const Members& members) {
  std::string bytes;
  const ArchivePointer to(archive_write_new());
  Check(archive_write_set_format_ustar(to.get()), to.get());
  Check(archive_write_open(to.get(), &bytes, nullptr, Append, nullptr), to.get());
  const EntryPointer entry(archive_entry_new());
  for (const auto& [name, content] : members) {
    archive_entry_clear(entry.get());
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), kMode);
    archive_entry_set_mtime(entry.get(), 0, 0);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(content.size()));
    Check(archive_write_header(to.get(), entry.get()), to.get());
    const la_ssize_t written = archive_write_data(to.get(), content.data(), content.size());
    Check(written < 0 ? ARCHIVE_FATAL : ARCHIVE_OK, to.get());
  }
  Check(archive_write_close(to.get()), to.get());
  return bytes;
}

void UnpackMembers(
    const std::string& file,
    const std::function<void(const std::string& target, const std::string& content)>& take) {
  Unpacking from(file);
  while (from.Next()) {
    const std::string target = from.Target();
    take(target, from.Content());
  }
}

}  // namespace rmapdiff
