#include "mmu/shadow/host.h"

#include <algorithm>

#include "mmu/base/bug.h"

namespace rmapdiff {

Pfn Host::Frame(Hva hva) const {
  const auto merged = merged_.find(hva);
  if (merged != merged_.end()) return merged->second;
  uint64_t generation = first_generation_;
  for (int level = kPageTableLevel; level <= kRmapLevels; ++level) {
    const auto& generations = generations_[level - 1];
    const auto found = generations.find(BlockOf(hva, level));
    if (found != generations.end()) generation = std::max(generation, found->second);
  }
  return generation << kHvaBits | hva;
}

std::optional<Hva> Host::PageOn(Pfn pfn) const {
  const Hva hva = static_cast<Hva>(pfn & ((Pfn{1} << kHvaBits) - 1));
  if (Mapped(hva) && Frame(hva) == pfn) return hva;
  for (const auto& [page, frame] : merged_) {
    if (frame == pfn) return page;
  }
  return std::nullopt;
}

int Host::BackingLevel(Hva hva) const {
  for (int level = kRmapLevels; level >= kDirectoryLevel; --level) {
    if (large_[level - kDirectoryLevel].count(BlockOf(hva, level)) != 0) return level;
  }
  return kPageTableLevel;
}

// A kernel reads or writes whatever lies behind the page.
void Host::CheckWord(unsigned word) const {
  if (word >= words_) RaiseBug(BugClass::kBeyondPage, "a word beyond the end of its page");
}

uint64_t Host::Read(Hva hva, unsigned word) const {
  CheckWord(word);
  const auto found = contents_.find(hva);
  return found == contents_.end() ? 0 : found->second[word];
}

bool Host::SameContents(Hva one, Hva other) const {
  const std::vector<uint64_t> zeros(words_);
  const auto contents = [&](Hva hva) -> const std::vector<uint64_t>& {
    const auto found = contents_.find(hva);
    return found == contents_.end() ? zeros : found->second;
  };
  return contents(one) == contents(other);
}

// A shared frame is one piece of memory: a store into it shows in each of its pages.
void Host::Write(Hva hva, unsigned word, uint64_t value) {
  CheckWord(word);
  Store(hva, word, value);
  if (merged_.empty() || Writable(hva)) return;
  for (const Hva page : read_only_) {
    if (page != hva && Frame(page) == Frame(hva)) Store(page, word, value);
  }
}

void Host::Store(Hva hva, unsigned word, uint64_t value) {
  std::vector<uint64_t>& page = contents_[hva];
  if (page.empty()) page.resize(words_);
  if (log_ != nullptr && page[word] != value) log_->push_back({hva, word, page[word], value});
  page[word] = value;
}

void Host::Split(Hva hva) {
  for (int level = kDirectoryLevel; level <= kRmapLevels; ++level) {
    large_[level - kDirectoryLevel].erase(BlockOf(hva, level));
  }
}

void Host::Move(Hva hva) {
  Split(hva);
  generations_[0][hva] = ++clock_;
  unmapped_.erase(hva);
  read_only_.erase(hva);
  merged_.erase(hva);
}

void Host::Protect(Hva hva) {
  Move(hva);
  read_only_.insert(hva);
}

void Host::Merge(Hva hva) {
  const auto same = std::find_if(read_only_.begin(), read_only_.end(),
                                 [&](Hva page) { return page != hva && SameContents(page, hva); });
  if (same == read_only_.end()) return Protect(hva);
  const Pfn frame = Frame(*same);
  Protect(hva);
  merged_[hva] = frame;
}

void Host::Unmap(Hva hva) {
  Move(hva);
  unmapped_.insert(hva);
}

void Host::SetBacking(Hva hva, int level) {
  Split(hva);
  if (level == kPageTableLevel) return;
  const Hva first = BlockOf(hva, level);
  const Hva end = first + BlockPages(level);
  for (int small = kDirectoryLevel; small < level; ++small) {
    auto& blocks = large_[small - kDirectoryLevel];
    blocks.erase(blocks.lower_bound(first), blocks.lower_bound(end));
  }
  unmapped_.erase(unmapped_.lower_bound(first), unmapped_.lower_bound(end));
  read_only_.erase(read_only_.lower_bound(first), read_only_.lower_bound(end));
  merged_.erase(merged_.lower_bound(first), merged_.lower_bound(end));
  large_[level - kDirectoryLevel].insert(first);
  generations_[level - 1][first] = ++clock_;
}

}  // namespace rmapdiff
