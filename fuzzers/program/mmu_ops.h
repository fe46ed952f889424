// The operations on a whole MMU: all that guests and hosts do to it. Part of ops.h, which explains
// the table.
//
// How to read the descriptions
//   window    the addresses at which the boot tables (guest_boot.h) map the guest's own tables. A
//             table that is no longer mapped there cannot be written, and the store faults.
//   outcome   of an operation that is one access of the guest: emulated, guest_fault, mmio ... Its
//             value is exits | error code << 8 | the low 32 bits of the word read or written << 32.
// Effects are those of the named function of ShadowMmu (mmu/shadow/shadow_mmu.h). If none is named,
// it has the operation's name.
#ifndef RMAPDIFF_FUZZERS_PROGRAM_MMU_OPS_H_
#define RMAPDIFF_FUZZERS_PROGRAM_MMU_OPS_H_

#include "fuzzers/program/operation.h"

namespace rmapdiff {

namespace ops {

// ---- Guest ----

// Effect: Access of one 8-byte word: `word` modulo the words of a page. A write stores `value` in
// each of its bytes.
RMAPDIFF_OPERATION(Access, "access", kGuest, 45, "let the guest read, write or execute a word",
                   (VcpuArg, vcpu), (VaArg, va), (AccessArg, type), (FlagArg, user),
                   (HostArg, word), (HostArg, value), (AccessKindArg, kind));

// Effect: the entry becomes gfn | flags in the format of the vcpu's paging mode. With via=guest,
// halves or bytes, the supervisor stores through the window; the first store that fails is the
// last. With via=hypercall it is PvMmuWrite, with via=host it is HostWrite of the word. Outcome: of
// the last store.
RMAPDIFF_OPERATION(SetGpte, "set_gpte", kGuest, 22, "write one entry of a guest's table",
                   (VcpuArg, vcpu), (TableArg, table), (EntryArg, entry), (GfnArg, gfn),
                   (GpteFlagsArg, flags), (ViaArg, via));

// Effect: kvm_mmu_invlpg.
RMAPDIFF_OPERATION(Invlpg, "invlpg", kGuest, 8, "invalidate the translation of one page",
                   (VcpuArg, vcpu), (VaArg, va));

// Effect: kvm_set_cr3 with those other bits in the value. In long mode h and t are reserved, and u
// is part of the address. Otherwise u, h and t do not count.
RMAPDIFF_OPERATION(LoadCr3, "load_cr3", kGuest, 6,
                   "switch to another root table, or flush by loading the same", (VcpuArg, vcpu),
                   (TableArg, table), (Cr3Arg, bits));

// Effect: kvm_mmu_reset_context. CR4.SMEP and CR4.SMAP become cr4. paging=on is the header's mode,
// off is none. The tables keep their contents, in the format in which they were written.
RMAPDIFF_OPERATION(SetMode, "set_mode", kGuest, 2,
                   "change paging, CR0.WP, EFER.NX and CR4.PSE, with cr3", (VcpuArg, vcpu),
                   (PagingArg, paging), (FlagArg, wp), (FlagArg, nx), (FlagArg, pse),
                   (TableArg, table), (Cr4Arg, cr4));

// Effect: that of vcpu_enter_guest before the guest runs.
RMAPDIFF_OPERATION(EnterGuest, "enter_guest", kGuest, 1, "enter the guest: requests, then roots",
                   (VcpuArg, vcpu));

// Effect: kvm_mmu_unload.
RMAPDIFF_OPERATION(Unload, "unload", kGuest, 2, "let the vcpu go of its roots", (VcpuArg, vcpu));

// Effect: kvm_mmu_unprotect_page_virt. Value: 1 if pages were zapped.
RMAPDIFF_OPERATION(UnprotectVirt, "unprotect_virt", kGuest, 1,
                   "zap the tables that a page holds, so that it can be written", (VcpuArg, vcpu),
                   (VaArg, va));

// Effect: StoreMany through the window from table[entry] on: no caches are topped up in between
// (L1). Outcome: of the last store.
RMAPDIFF_OPERATION(RepStore, "rep_store", kGuest, 2,
                   "store one entry count times in a row by one emulated instruction",
                   (VcpuArg, vcpu), (TableArg, table), (EntryArg, entry), (GfnArg, gfn),
                   (GpteFlagsArg, flags), (CountArg, count));

// Effect: for each of the first `count` entries (of a table, at most): it is read and loses W. Then
// it is stored into both tables through the window. Outcome: of the last access that was made.
RMAPDIFF_OPERATION(Fork, "fork", kGuest, 4,
                   "copy entries to another table, read-only in both, as fork does",
                   (VcpuArg, vcpu), (TableArg, from), (TableArg, to), (CountArg, count));

// Effect: stores of zero through the window. Outcome: of the last one.
RMAPDIFF_OPERATION(ClearTable, "clear_table", kGuest, 4,
                   "zero the first count entries of a table, as exit does", (VcpuArg, vcpu),
                   (TableArg, table), (CountArg, count));

// Effect: `count` stores through the window. Every other one has D toggled, so that each changes
// the entry (flood detection). Outcome: of the last one.
RMAPDIFF_OPERATION(Burst, "burst", kGuest, 3, "write one entry again and again", (VcpuArg, vcpu),
                   (TableArg, table), (EntryArg, entry), (GfnArg, gfn), (GpteFlagsArg, flags),
                   (CountArg, count));

// Effect: the first 16 * `count` entries of the table (all, at most) are stored through the window.
// Then the page of each below the directory entry of `va` is read. Value: the number of reads that
// the hardware or the emulator did.
RMAPDIFF_OPERATION(Share, "share", kGuest, 3,
                   "map one gfn by many entries of a table and read each of them", (VcpuArg, vcpu),
                   (TableArg, table), (VaArg, va), (GfnArg, gfn), (GpteFlagsArg, flags),
                   (CountArg, count));

// Effect: the entry becomes table | pwu through the window, then `va` is read. Outcome: of the
// read.
RMAPDIFF_OPERATION(SelfMap, "self_map", kGuest, 2,
                   "let a table's entry point at the table, and read through it", (VcpuArg, vcpu),
                   (TableArg, table), (EntryArg, entry), (VaArg, va));

// ---- Host ----

// Effect: __kvm_set_memory_region. `hva` is the host page of the first frame. (Host page n is
// behind gfn n when a program begins.) An overlap, or a number of pages that differs from an
// existing slot's -> invalid.
RMAPDIFF_OPERATION(Memslot, "memslot", kHost, 2,
                   "create a memslot, or give an existing one this place", (SlotArg, slot),
                   (GfnArg, gfn), (CountArg, pages), (GfnArg, hva), (FlagArg, log));

// Effect: __kvm_set_memory_region with npages 0. No such slot -> invalid.
RMAPDIFF_OPERATION(DeleteMemslot, "delete_memslot", kHost, 1, "delete a memslot", (SlotArg, slot));

// Effect: __kvm_set_memory_region with another base_gfn. No such slot, an overlap -> invalid.
RMAPDIFF_OPERATION(MoveMemslot, "move_memslot", kHost, 1, "move a memslot to another gfn",
                   (SlotArg, slot), (GfnArg, gfn));

// Effect: __kvm_set_memory_region with other flags. No such slot -> invalid.
RMAPDIFF_OPERATION(LogDirty, "log_dirty", kHost, 2, "switch a memslot's dirty log on or off",
                   (SlotArg, slot), (FlagArg, on));

// Effect: kvm_vm_ioctl_get_dirty_log. Not logged -> invalid. Value: a hash of the gfns.
RMAPDIFF_OPERATION(GetDirtyLog, "get_dirty_log", kHost, 4, "fetch a memslot's dirty log",
                   (SlotArg, slot));

// Effect: the notifiers around it unmap the old frame.
RMAPDIFF_OPERATION(MovePage, "move_page", kHost, 3, "the host moves a page to another frame",
                   (GfnArg, hva));

// Effect: change_pte. The page goes onto the frame of the first other page that is still merged and
// has the same contents. If there is none, it goes onto a frame of its own.
RMAPDIFF_OPERATION(
    MergePage, "merge_page", kHost, 3,
    "the host makes a page read-only on another frame, which equal merged pages share (KSM)",
    (GfnArg, hva));

// Effect: the notifiers around it; accesses end in host_fault until map_page.
RMAPDIFF_OPERATION(UnmapPage, "unmap_page", kHost, 2, "the host takes a page away", (GfnArg, hva));

// Effect: none if it is there.
RMAPDIFF_OPERATION(MapPage, "map_page", kHost, 3, "the host brings a page back", (GfnArg, hva));

// Effect: the notifiers around it; level 1 only splits.
RMAPDIFF_OPERATION(SetBacking, "set_backing", kHost, 3,
                   "the host maps a block of pages as one large page, or in small ones",
                   (GfnArg, hva), (RmapLevelArg, level));

// Value: 1 if it was young.
RMAPDIFF_OPERATION(AgePage, "age_page", kHost, 2, "clear_flush_young of a page", (GfnArg, hva));

// Value: 1 if it is young.
RMAPDIFF_OPERATION(TestYoung, "test_young", kHost, 1, "test_young of a page", (GfnArg, hva));

// Effect: invalidate_range_start, if none is open. Value: 1 if it was begun.
RMAPDIFF_OPERATION(RangeStart, "range_start", kHost, 1,
                   "begin to invalidate a range; nothing can be mapped until range_end",
                   (GfnArg, hva), (CountArg, count));

// Effect: invalidate_range_end, if one is open. Value: 1 if it ended.
RMAPDIFF_OPERATION(RangeEnd, "range_end", kHost, 2, "the range that is being invalidated ends");

// Effect: mmu_notifier_invalidate_page.
RMAPDIFF_OPERATION(InvalidatePage, "invalidate_page", kHost, 1,
                   "invalidate_page of a page that stays where it is", (GfnArg, hva));

// Effect: kvm_vm_ioctl_set_nr_mmu_pages with the least number there may be, plus count - 1.
RMAPDIFF_OPERATION(Quota, "quota", kHost, 1, "set the number of shadow pages", (CountArg, count));

// Effect: mmu_shrink, modulo 8 times. Value: the pages before the last call.
RMAPDIFF_OPERATION(MmuShrink, "mmu_shrink", kHost, 2,
                   "memory pressure: count calls of the shrinker", (CountArg, count));

// Effect: kvm_arch_flush_shadow.
RMAPDIFF_OPERATION(ZapAll, "zap_all", kHost, 1, "zap every shadow page and reload all vcpus");

// Effect: kvm_mmu_unprotect_page. Value: 1 if there were any.
RMAPDIFF_OPERATION(UnprotectGfn, "unprotect_gfn", kHost, 1, "zap the shadow pages of a gfn",
                   (GfnArg, gfn));

// Effect: a range that is open ends. All memslots are set up anew, all host pages are mapped, and
// userspace stores the boot tables. Every vcpu begins in the header's mode, and all is zapped.
RMAPDIFF_OPERATION(Reset, "reset", kHost, 2,
                   "userspace resets the machine to what the program began with");

// Effect: kvm_write_guest; the MMU is not told. No slot, or no host page -> host_fault.
RMAPDIFF_OPERATION(WriteGuest, "write_guest", kHost, 1, "a device stores into guest memory",
                   (GfnArg, gfn), (HostArg, word), (HostArg, value));

// Effect: __kvm_set_memory_region. It creates the slot or, as the request and the slot have it,
// moves, deletes (no pages) or logs it. An overlap, another size or host page of an existing slot,
// a slot or pages that there cannot be -> invalid.
RMAPDIFF_OPERATION(PlaceMemslot, "place_memslot", kHost, 3,
                   "ask for a memslot whose ends lie beside boundaries", (AnySlotArg, slot),
                   (PlaceArg, gfn), (SizeArg, pages), (PlaceArg, hva), (FlagArg, log));

// Effect: that of set_gpte.
RMAPDIFF_OPERATION(SetPlace, "set_place", kGuest, 4,
                   "write an entry that maps a gfn beside a boundary", (VcpuArg, vcpu),
                   (TableArg, table), (EntryArg, entry), (PlaceArg, gfn), (GpteFlagsArg, flags),
                   (ViaArg, via));

// Effect: Access of a word of the guest's page number `page`. Without tables that is a gfn.
RMAPDIFF_OPERATION(TouchPlace, "touch_place", kGuest, 4,
                   "let the guest access an address beside a boundary", (VcpuArg, vcpu),
                   (PlaceArg, page), (AccessArg, type), (FlagArg, user), (HostArg, word),
                   (HostArg, value));

// Effect: ChangePage: the change of the page with that notifier, or with change=stay the notifier
// alone. No notifier but range can tell of a large page, and change_pte cannot tell of one that
// goes. Nothing if the page is not mapped, unless it is beyond the host -> invalid.
RMAPDIFF_OPERATION(Notify, "notify", kHost, 5, "the host changes a page, and the notifier tells",
                   (PlaceArg, hva), (ChangeArg, change), (NotifierArg, by));

// Effect: ChangeInRange of each page of the open range, of which the MMU has been told. There a
// block does not become large. Value: the number of pages.
RMAPDIFF_OPERATION(ChangeRange, "change_range", kHost, 2,
                   "the host changes the pages of the range that is being invalidated",
                   (ChangeArg, change));

// Effect: KVM_ENABLE_CAP of KVM_CAP_MANUAL_DIRTY_LOG_PROTECT.
RMAPDIFF_OPERATION(ManualProtect, "manual_protect", kHost, 1,
                   "leave it to clear_dirty_log to clear and protect frames, or to each fetch",
                   (FlagArg, on));

// Effect: kvm_clear_dirty_log_protect. Frame n of the range is cleared if bit n % 8 of `bits` is
// set. Not logged, a range that is not in the slot or does not consist of whole words -> invalid.
RMAPDIFF_OPERATION(ClearDirtyLog, "clear_dirty_log", kHost, 3,
                   "frames of a memslot's dirty log are clean again", (SlotArg, slot),
                   (LogRangeArg, range), (HostArg, bits));

// Effect: __kvm_set_memory_region of the slot as it is, with or without KVM_MEM_READONLY. anew=yes:
// after the slot was deleted. Else the request must not change the flag -> invalid.
RMAPDIFF_OPERATION(ReadOnlySlot, "read_only_slot", kHost, 2,
                   "make a memslot read-only for the guest, or writable", (SlotArg, slot),
                   (FlagArg, read_only), (FlagArg, anew));

// Effect: map_page of the page of the vcpu's last access that ended in host_fault. Then
// kvm_arch_async_page_ready maps it for the vcpu, if that still has the same cr3. Value: 1 if so.
RMAPDIFF_OPERATION(PageReady, "page_ready", kHost, 2,
                   "a page that a vcpu waits for is back, and KVM maps it (async page fault)",
                   (VcpuArg, vcpu));

// Effect: kvm_mmu_destroy, then a new vcpu that begins in the header's mode, as after reset.
RMAPDIFF_OPERATION(ReplaceVcpu, "replace_vcpu", kHost, 1,
                   "userspace unplugs a vcpu and plugs another one in", (VcpuArg, vcpu));

// Effect: kvm_set_cr4 with these SMEP and SMAP bits. With PAE paging, pdptrs that are loaded and
// malformed -> general_protection.
RMAPDIFF_OPERATION(WriteCr4, "write_cr4", kGuest, 2, "switch CR4.SMEP and CR4.SMAP",
                   (VcpuArg, vcpu), (Cr4Arg, cr4));

// ---- Faults ----

// Effect: a step of the next operation may run out of memory there. It must leave an MMU that
// passes its audit, and is then repeated with memory.
RMAPDIFF_OPERATION(FailAlloc, "fail_alloc", kFault, 2,
                   "let the nth top-up of the caches in the next operation fail", (CountArg, nth));

// Effect: A and B are the next two operations. B is carried out in the first window of A, where the
// kernel does not hold the MMU lock (Interleave). B comes after A instead if A has no window, if B
// uses A's vcpu, or if B changes memslots. So it does if it is in neither of the groups guest and
// host.
RMAPDIFF_OPERATION(Race, "race", kFault, 3,
                   "the operation after the next one happens in the middle of the next one");

}  // namespace ops

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_PROGRAM_MMU_OPS_H_
