// The host's memory as KVM sees it: the frame behind each user page, and the contents of the page.
//
// The host has one address space of small page numbers (Hva). Every page is mapped and writable
// until a call changes that. A frame number consists of the page's number and a generation, which
// grows with every change of the mapping. So no frame number is ever used twice, and a frame that
// is gone is known to be gone. Frames of a large block are contiguous and aligned by construction.
//
// Contents belong to the page, not to the frame: moving a page copies it. Merge does the work of
// KSM. It puts a page onto the frame of an equal page that was merged before. Merged pages are
// read-only, so their contents stay equal until one is moved (the copy on write). A store into a
// shared frame is a fault of the MMU, and shows in all pages on the frame. Nothing here calls a
// notifier. The caller that changes a mapping calls them, before and after, as ShadowMmu::MovePage
// and its neighbours do.
// Not covered: swap delays. KSM's scan, which finds two equal pages by itself: a program merges
// them one after the other.
#ifndef RMAPDIFF_MMU_SHADOW_HOST_H_
#define RMAPDIFF_MMU_SHADOW_HOST_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "mmu/base/types.h"

namespace rmapdiff {

using Hva = uint32_t;  // a host virtual page number

// A store that changed a word of a page.
struct HostStore {
  Hva hva = 0;
  unsigned word = 0;
  uint64_t old_value = 0;
  uint64_t new_value = 0;
};

class Host {
 public:
  static constexpr unsigned kHvaBits = 22;

  // Pages of `words` 8-byte words; a large block of level l has 2^(level_bits * (l - 1)) pages.
  // `first_generation`, 1 or more, is the one of all frames at first.
  Host(unsigned words, unsigned level_bits, uint64_t first_generation = 1)
      : words_(words),
        level_bits_(level_bits),
        first_generation_(first_generation),
        clock_(first_generation) {}

  // ---- Questions ----
  unsigned words() const { return words_; }
  bool Mapped(Hva hva) const { return unmapped_.count(hva) == 0; }
  bool Writable(Hva hva) const { return read_only_.count(hva) == 0; }
  // The frame behind a page. REQUIRES: it is mapped.
  Pfn Frame(Hva hva) const;
  // A page that is on this frame now; if there are several, any of them. Nothing if the frame is
  // gone.
  std::optional<Hva> PageOn(Pfn pfn) const;
  // host_mapping_level: 1..3, the size of the block that the page is mapped in.
  int BackingLevel(Hva hva) const;
  // The first page of the block of `level` that the page is in.
  Hva BlockOf(Hva hva, int level) const { return hva >> Shift(level) << Shift(level); }
  Hva BlockPages(int level) const { return Hva{1} << Shift(level); }

  // ---- Contents ----
  // Words of a page by their numbers. BUGs: kBeyondPage, a number that the page does not have.
  uint64_t Read(Hva hva, unsigned word) const;
  void Write(Hva hva, unsigned word, uint64_t value);
  const std::set<Hva>& unmapped() const { return unmapped_; }
  // The words of all pages that were ever written to.
  const std::map<Hva, std::vector<uint64_t>>& contents() const { return contents_; }
  // From now on appends every store that changes a word to `log`; null: to none. Only stores change
  // contents.
  void LogTo(std::vector<HostStore>* log) { log_ = log; }

  // ---- Changes ----
  // Each function splits the large block that the page is in, and moves the page to a new frame.

  // Maps the page writable. Callers use it to move a page, to break a copy on write, or to map a
  // page again.
  void Move(Hva hva);
  // Maps the page read-only.
  void Protect(Hva hva);
  // Maps the page read-only, on the frame of the first other read-only page that has the same
  // contents. If there is none, on a frame of its own.
  void Merge(Hva hva);
  void Unmap(Hva hva);
  // Moves the block of `level` around the page to contiguous frames, all mapped and writable. Level
  // 1 only splits the block that the page is in.
  void SetBacking(Hva hva, int level);

 private:
  unsigned Shift(int level) const { return level_bits_ * static_cast<unsigned>(level - 1); }
  void CheckWord(unsigned word) const;
  void Split(Hva hva);
  bool SameContents(Hva one, Hva other) const;
  void Store(Hva hva, unsigned word, uint64_t value);

  const unsigned words_;
  const unsigned level_bits_;
  const uint64_t first_generation_;
  uint64_t clock_;
  std::map<Hva, uint64_t> generations_[3];  // by level, of the blocks that changed as a whole
  std::set<Hva> large_[2];                  // blocks of levels 2 and 3
  std::set<Hva> unmapped_;
  std::set<Hva> read_only_;
  std::map<Hva, Pfn> merged_;  // read-only pages on a frame that another page brought
  std::map<Hva, std::vector<uint64_t>> contents_;
  std::vector<HostStore>* log_ = nullptr;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_SHADOW_HOST_H_
