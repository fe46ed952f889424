// ShadowMmu: pending requests of a vcpu, and windows. Included by shadow_mmu_functions.h.
#ifndef RMAPDIFF_MMU_SHADOW_SHADOW_MMU_REQUESTS_H_
#define RMAPDIFF_MMU_SHADOW_SHADOW_MMU_REQUESTS_H_

#include "mmu/shadow/shadow_mmu.h"

namespace rmapdiff {

template <ReverseMap R>
const typename ShadowMmu<R>::Processor& ShadowMmu<R>::vcpu(int vcpu) {
  Processor& processor = vcpus_[static_cast<size_t>(vcpu)];
  Refresh(processor);
  return processor;
}

// Acts upon all that the graph has done to all vcpus since the last call: kvm_flush_remote_tlbs,
// kvm_reload_remote_mmus, kvm_mmu_reset_last_pte_updated. A vcpu that has to flush before it enters
// the guest has an empty TLB.
template <ReverseMap R>
void ShadowMmu<R>::Refresh(Processor& vcpu) {
  if (vcpu.seen_reloads != graph_.stats().reloads) vcpu.requests.reload = true;
  if (vcpu.seen_zaps != graph_.stats().zapped) vcpu.last_pte_updated = nullptr;
  const bool flushed = vcpu.seen_flushes != graph_.flushes();
  if (flushed || vcpu.requests.flush || vcpu.requests.reload) vcpu.tlb.Clear();
  vcpu.seen_reloads = graph_.stats().reloads;
  vcpu.seen_zaps = graph_.stats().zapped;
  vcpu.seen_flushes = graph_.flushes();
}

// kvm_mmu_flush_tlb.
template <ReverseMap R>
void ShadowMmu<R>::FlushTlb(Processor& vcpu) {
  ++stats_.tlb_flush;
  vcpu.requests.flush = true;
}

template <ReverseMap R>
void ShadowMmu<R>::Window() {
  if (interleaved_ == nullptr) return;
  const std::function<void()> action = std::move(interleaved_);
  interleaved_ = nullptr;
  action();
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_SHADOW_SHADOW_MMU_REQUESTS_H_
