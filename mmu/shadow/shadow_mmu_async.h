// ShadowMmu: async page faults. Included by shadow_mmu_functions.h.
//
// The host page behind an access is away. The vcpu goes on, and the host brings the page back in
// the meantime. Then KVM maps it for the vcpu, before the vcpu asks again: a prefault. By that time
// the vcpu may have another mode or another cr3, where the address means something else.
//
// Source: kvm_arch_setup_async_pf, kvm_arch_async_page_ready of Linux 2.6.38.
// Not covered: events for a paravirtual guest, and their tokens. Nested guests. More than one such
// fault of a vcpu.
#ifndef RMAPDIFF_MMU_SHADOW_SHADOW_MMU_ASYNC_H_
#define RMAPDIFF_MMU_SHADOW_SHADOW_MMU_ASYNC_H_

#include <utility>

#include "mmu/shadow/shadow_mmu.h"

namespace rmapdiff {

// kvm_arch_setup_async_pf: the host page of the frame is away. The last fault counts.
template <ReverseMap R>
typename ShadowMmu<R>::FaultResult ShadowMmu<R>::SetupAsyncFault(Processor& vcpu, Gva gva, Gfn gfn,
                                                                 bool prefault) {
  if (!prefault) vcpu.async_fault = {true, gva, gfn, vcpu.cr3, IsDirect(vcpu)};
  return FaultResult::kHostFault;
}

template <ReverseMap R>
bool ShadowMmu<R>::AsyncPageReady(int vcpu_index) {
  Processor& vcpu = vcpus_[static_cast<size_t>(vcpu_index)];
  const AsyncFault fault = std::exchange(vcpu.async_fault, AsyncFault{});
  if (!fault.pending || fault.direct != IsDirect(vcpu)) return false;
  if (EnterGuest(vcpu_index) != MmuCode::kOk) return false;
  if (!fault.direct && fault.cr3 != vcpu.cr3) return false;
  AccessRequest request;
  request.gva = PageNumber(vcpu, fault.gva) << kPageShift;
  uint32_t error_code = 0;
  PageFault(vcpu, request, &error_code, /*prefault=*/true);
  return true;
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_SHADOW_SHADOW_MMU_ASYNC_H_
