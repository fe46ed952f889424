#include "fuzzers/judges/reclaim_truth.h"

#include <algorithm>

#include "fmt/format.h"

namespace rmapdiff::reclaim_truth {
namespace {

size_t CountUnsync(const MmuWords& words) {
  return static_cast<size_t>(std::count_if(words.pages.begin(), words.pages.end(),
                                           [](const PageWords& page) { return page.unsync; }));
}

size_t CountPinned(const MmuWords& words) {
  return static_cast<size_t>(
      std::count_if(words.pages.begin(), words.pages.end(),
                    [](const PageWords& page) { return page.root_count != 0; }));
}

const PageWords* Find(const MmuWords& words, PageId id) {
  const auto found = std::find_if(words.pages.begin(), words.pages.end(),
                                  [id](const PageWords& page) { return page.id == id; });
  return found == words.pages.end() ? nullptr : &*found;
}

}  // namespace

bool IsShadowed(const MmuWords& words, Gfn gfn) {
  return std::any_of(words.pages.begin(), words.pages.end(),
                     [gfn](const PageWords& page) { return page.gfn == gfn && page.shadows(); });
}

Wrong QuotaSet(const MmuWords& before, const MmuWords& now, size_t wanted, size_t allocated) {
  const size_t had = before.pages.size();
  const size_t has = now.pages.size();
  const auto wrong = [&](const char* what) {
    return fmt::format("quota of {} pages, {} before, {} now, {} allowed: {}", wanted, had, has,
                       allocated, what);
  };
  if (had <= wanted && has != had) return wrong("there was room for all of them");
  if (has > wanted && CountPinned(now) != has) return wrong("too many are left");
  if (had > wanted && has + CountUnsync(before) < wanted) return wrong("too many are gone");
  if (allocated != (had <= wanted ? wanted : has)) return wrong("that is not what is allowed");
  return std::nullopt;
}

Wrong Shrunk(const MmuWords& before, const MmuWords& now, uint64_t answer) {
  const size_t had = before.pages.size();
  const size_t has = now.pages.size();
  const auto wrong = [&](const char* what) {
    return fmt::format("mmu_shrink: {} pages before, {} now, answer {}: {}", had, has, answer,
                       what);
  };
  if (answer != had) return wrong("the answer is not the number before");
  if (had == 0) return has == 0 ? Wrong() : wrong("there was none");
  const PageWords& tail = before.pages.back();
  const PageWords* left = Find(now, tail.id);
  if (tail.root_count == 0 && left != nullptr) return wrong("the page at the tail is left");
  if (tail.root_count != 0 && (left == nullptr || left->role.invalid == 0)) {
    return wrong("the page at the tail is a root in use, and was to become invalid");
  }
  if (has + 1 + CountUnsync(before) < had) return wrong("more than one page is gone");
  return std::nullopt;
}

Wrong ZappedAll(const MmuWords& now, Spte trap, uint32_t words) {
  for (const PageWords& page : now.pages) {
    const char* what = page.root_count == 0                         ? "left"
                       : page.role.invalid == 0                     ? "still valid"
                       : NextWord(page.spt, 0, words, trap) < words ? "not empty"
                                                                    : nullptr;
    if (what != nullptr)
      return fmt::format("all pages were zapped, and page {} is {}", page.id, what);
  }
  for (const RawTranslation& entry : now.tlb) {
    return fmt::format("all pages were zapped, and the TLB of vcpu {} has page {:#x}", entry.vcpu,
                       entry.page);
  }
  return std::nullopt;
}

Wrong Unprotected(const MmuWords& before, const MmuWords& now, Gfn gfn, bool answer) {
  const bool was = IsShadowed(before, gfn);
  if (answer != was) {
    return fmt::format("gfn {:#x} was {}, and the answer to unprotect is {}", gfn,
                       was ? "shadowed" : "not shadowed", answer ? "yes" : "no");
  }
  if (!IsShadowed(now, gfn)) return std::nullopt;
  return fmt::format("gfn {:#x} was unprotected, and is still shadowed", gfn);
}

Wrong Numbers(const MmuWords& now, size_t live, size_t allocated) {
  const size_t pages = now.pages.size();
  if (live != pages) return fmt::format("the MMU counts {} pages, and has {}", live, pages);
  if (pages <= std::max(allocated, kMostPinned)) return std::nullopt;
  return fmt::format("the MMU has {} pages, and a quota of {}", pages, allocated);
}

Wrong VcpuGone(const MmuWords& before, const MmuWords& now) {
  for (const PageWords& page : before.pages) {
    if (page.role.invalid != 0) continue;
    const bool left = std::any_of(now.pages.begin(), now.pages.end(), [&](const PageWords& other) {
      return other.id == page.id && other.role.invalid == 0;
    });
    if (!left) return fmt::format("page {} is gone or invalid with a vcpu", page.id);
  }
  return std::nullopt;
}

}  // namespace rmapdiff::reclaim_truth
