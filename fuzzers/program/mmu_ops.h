// The operations on a whole MMU: what guests and hosts do to it. Part of ops.h, which says how the
// table works.
//
// How to read the descriptions
//   window    where the boot tables (guest_boot.h) map the guest's own tables; a table that is no
//             longer mapped there cannot be written, and the store faults.
//   outcome   of an operation that is one access of the guest: what came of it (emulated,
//             guest_fault, mmio ...). Its value is exits | error code << 8 | the low 32 bits of the
//             word read or written << 32.
// Effects are those of the function of ShadowMmu (mmu/shadow/shadow_mmu.h) that is named, or that
// has the operation's name.
#ifndef RMAPDIFF_FUZZERS_PROGRAM_MMU_OPS_H_
#define RMAPDIFF_FUZZERS_PROGRAM_MMU_OPS_H_

#include <cstdint>

#include "fuzzers/program/args.h"

namespace rmapdiff {

namespace ops {

// ---- Guest ----

// Effect: Access of one 8-byte word (`word` modulo the words of a page); a write stores `value` in
// each of its bytes.
struct Access {
  static constexpr const char* kName = "access";
  static constexpr OpGroup kGroup = OpGroup::kGuest;
  static constexpr int kWeight = 45;
  static constexpr const char* kHelp = "let the guest read, write or execute a word";
  VcpuArg vcpu;
  VaArg va;
  AccessArg type;
  FlagArg user;
  HostArg word;
  HostArg value;
  static constexpr void Fields(auto& op, auto&& field) {
    field("vcpu", op.vcpu);
    field("va", op.va);
    field("type", op.type);
    field("user", op.user);
    field("word", op.word);
    field("value", op.value);
  }
  friend bool operator==(const Access&, const Access&) = default;
};

// Effect: the entry becomes gfn | flags in the format of the vcpu's paging mode. via=guest, halves
// and bytes are supervisor stores through the window (guest_boot.h), which end with the first that
// fails; via=hypercall is PvMmuWrite, via=host is HostWrite of the word. Outcome: of the last
// store.
struct SetGpte {
  static constexpr const char* kName = "set_gpte";
  static constexpr OpGroup kGroup = OpGroup::kGuest;
  static constexpr int kWeight = 22;
  static constexpr const char* kHelp = "write one entry of a guest's table";
  VcpuArg vcpu;
  TableArg table;
  EntryArg entry;
  GfnArg gfn;
  GpteFlagsArg flags;
  ViaArg via;
  static constexpr void Fields(auto& op, auto&& field) {
    field("vcpu", op.vcpu);
    field("table", op.table);
    field("entry", op.entry);
    field("gfn", op.gfn);
    field("flags", op.flags);
    field("via", op.via);
  }
  friend bool operator==(const SetGpte&, const SetGpte&) = default;
};

// Effect: kvm_mmu_invlpg.
struct Invlpg {
  static constexpr const char* kName = "invlpg";
  static constexpr OpGroup kGroup = OpGroup::kGuest;
  static constexpr int kWeight = 8;
  static constexpr const char* kHelp = "invalidate the translation of one page";
  VcpuArg vcpu;
  VaArg va;
  static constexpr void Fields(auto& op, auto&& field) {
    field("vcpu", op.vcpu);
    field("va", op.va);
  }
  friend bool operator==(const Invlpg&, const Invlpg&) = default;
};

// Effect: kvm_set_cr3.
struct LoadCr3 {
  static constexpr const char* kName = "load_cr3";
  static constexpr OpGroup kGroup = OpGroup::kGuest;
  static constexpr int kWeight = 6;
  static constexpr const char* kHelp = "switch to another root table, or flush by loading the same";
  VcpuArg vcpu;
  TableArg table;
  static constexpr void Fields(auto& op, auto&& field) {
    field("vcpu", op.vcpu);
    field("table", op.table);
  }
  friend bool operator==(const LoadCr3&, const LoadCr3&) = default;
};

// Effect: kvm_mmu_reset_context. paging=on is the header's mode, off is none; the tables stay what
// they are, in whatever format they were written.
struct SetMode {
  static constexpr const char* kName = "set_mode";
  static constexpr OpGroup kGroup = OpGroup::kGuest;
  static constexpr int kWeight = 2;
  static constexpr const char* kHelp = "change paging, CR0.WP, EFER.NX and CR4.PSE, with cr3";
  VcpuArg vcpu;
  PagingArg paging;
  FlagArg wp;
  FlagArg nx;
  FlagArg pse;
  TableArg table;
  static constexpr void Fields(auto& op, auto&& field) {
    field("vcpu", op.vcpu);
    field("paging", op.paging);
    field("wp", op.wp);
    field("nx", op.nx);
    field("pse", op.pse);
    field("table", op.table);
  }
  friend bool operator==(const SetMode&, const SetMode&) = default;
};

// Effect: what vcpu_enter_guest does before the guest runs.
struct EnterGuest {
  static constexpr const char* kName = "enter_guest";
  static constexpr OpGroup kGroup = OpGroup::kGuest;
  static constexpr int kWeight = 1;
  static constexpr const char* kHelp = "enter the guest: requests, then roots";
  VcpuArg vcpu;
  static constexpr void Fields(auto& op, auto&& field) { field("vcpu", op.vcpu); }
  friend bool operator==(const EnterGuest&, const EnterGuest&) = default;
};

// Effect: kvm_mmu_unload.
struct Unload {
  static constexpr const char* kName = "unload";
  static constexpr OpGroup kGroup = OpGroup::kGuest;
  static constexpr int kWeight = 2;
  static constexpr const char* kHelp = "let the vcpu go of its roots";
  VcpuArg vcpu;
  static constexpr void Fields(auto& op, auto&& field) { field("vcpu", op.vcpu); }
  friend bool operator==(const Unload&, const Unload&) = default;
};

// Effect: kvm_mmu_unprotect_page_virt. Value: 1 if pages were zapped.
struct UnprotectVirt {
  static constexpr const char* kName = "unprotect_virt";
  static constexpr OpGroup kGroup = OpGroup::kGuest;
  static constexpr int kWeight = 1;
  static constexpr const char* kHelp =
      "zap the tables that a page holds, so that it can be written";
  VcpuArg vcpu;
  VaArg va;
  static constexpr void Fields(auto& op, auto&& field) {
    field("vcpu", op.vcpu);
    field("va", op.va);
  }
  friend bool operator==(const UnprotectVirt&, const UnprotectVirt&) = default;
};

// Effect: StoreMany through the window from table[entry] on: no caches are topped up in between
// (L1). Outcome: of the last store.
struct RepStore {
  static constexpr const char* kName = "rep_store";
  static constexpr OpGroup kGroup = OpGroup::kGuest;
  static constexpr int kWeight = 2;
  static constexpr const char* kHelp =
      "store one entry count times in a row by one emulated instruction";
  VcpuArg vcpu;
  TableArg table;
  EntryArg entry;
  GfnArg gfn;
  GpteFlagsArg flags;
  CountArg count;
  static constexpr void Fields(auto& op, auto&& field) {
    field("vcpu", op.vcpu);
    field("table", op.table);
    field("entry", op.entry);
    field("gfn", op.gfn);
    field("flags", op.flags);
    field("count", op.count);
  }
  friend bool operator==(const RepStore&, const RepStore&) = default;
};

// Effect: for each of the first `count` entries (of a table, at most): it is read, loses W, and is
// stored into both tables through the window. Outcome: of the last access that was made.
struct Fork {
  static constexpr const char* kName = "fork";
  static constexpr OpGroup kGroup = OpGroup::kGuest;
  static constexpr int kWeight = 4;
  static constexpr const char* kHelp =
      "copy entries to another table, read-only in both, as fork does";
  VcpuArg vcpu;
  TableArg from;
  TableArg to;
  CountArg count;
  static constexpr void Fields(auto& op, auto&& field) {
    field("vcpu", op.vcpu);
    field("from", op.from);
    field("to", op.to);
    field("count", op.count);
  }
  friend bool operator==(const Fork&, const Fork&) = default;
};

// Effect: stores of zero through the window. Outcome: of the last one.
struct ClearTable {
  static constexpr const char* kName = "clear_table";
  static constexpr OpGroup kGroup = OpGroup::kGuest;
  static constexpr int kWeight = 4;
  static constexpr const char* kHelp = "zero the first count entries of a table, as exit does";
  VcpuArg vcpu;
  TableArg table;
  CountArg count;
  static constexpr void Fields(auto& op, auto&& field) {
    field("vcpu", op.vcpu);
    field("table", op.table);
    field("count", op.count);
  }
  friend bool operator==(const ClearTable&, const ClearTable&) = default;
};

// Effect: `count` stores through the window, every other one with D toggled, so that each changes
// the entry (flood detection). Outcome: of the last one.
struct Burst {
  static constexpr const char* kName = "burst";
  static constexpr OpGroup kGroup = OpGroup::kGuest;
  static constexpr int kWeight = 3;
  static constexpr const char* kHelp = "write one entry again and again";
  VcpuArg vcpu;
  TableArg table;
  EntryArg entry;
  GfnArg gfn;
  GpteFlagsArg flags;
  CountArg count;
  static constexpr void Fields(auto& op, auto&& field) {
    field("vcpu", op.vcpu);
    field("table", op.table);
    field("entry", op.entry);
    field("gfn", op.gfn);
    field("flags", op.flags);
    field("count", op.count);
  }
  friend bool operator==(const Burst&, const Burst&) = default;
};

// Effect: the first 16 * `count` entries of the table (all, at most) are stored through the window,
// then the page of each below the directory entry of `va` is read. Value: the number of reads that
// the hardware or the emulator did.
struct Share {
  static constexpr const char* kName = "share";
  static constexpr OpGroup kGroup = OpGroup::kGuest;
  static constexpr int kWeight = 3;
  static constexpr const char* kHelp =
      "map one gfn by many entries of a table and read each of them";
  VcpuArg vcpu;
  TableArg table;
  VaArg va;
  GfnArg gfn;
  GpteFlagsArg flags;
  CountArg count;
  static constexpr void Fields(auto& op, auto&& field) {
    field("vcpu", op.vcpu);
    field("table", op.table);
    field("va", op.va);
    field("gfn", op.gfn);
    field("flags", op.flags);
    field("count", op.count);
  }
  friend bool operator==(const Share&, const Share&) = default;
};

// Effect: the entry becomes table | pwu through the window, then `va` is read. Outcome: of the
// read.
struct SelfMap {
  static constexpr const char* kName = "self_map";
  static constexpr OpGroup kGroup = OpGroup::kGuest;
  static constexpr int kWeight = 2;
  static constexpr const char* kHelp =
      "let a table's entry point at the table, and read through it";
  VcpuArg vcpu;
  TableArg table;
  EntryArg entry;
  VaArg va;
  static constexpr void Fields(auto& op, auto&& field) {
    field("vcpu", op.vcpu);
    field("table", op.table);
    field("entry", op.entry);
    field("va", op.va);
  }
  friend bool operator==(const SelfMap&, const SelfMap&) = default;
};

// ---- Host ----

// Effect: __kvm_set_memory_region; `hva` is the host page of the first frame (host page n is behind
// gfn n when a program begins). An overlap, or other pages than an existing slot has -> invalid.
struct Memslot {
  static constexpr const char* kName = "memslot";
  static constexpr OpGroup kGroup = OpGroup::kHost;
  static constexpr int kWeight = 2;
  static constexpr const char* kHelp = "create a memslot, or give an existing one this place";
  SlotArg slot;
  GfnArg gfn;
  CountArg pages;
  GfnArg hva;
  FlagArg log;
  static constexpr void Fields(auto& op, auto&& field) {
    field("slot", op.slot);
    field("gfn", op.gfn);
    field("pages", op.pages);
    field("hva", op.hva);
    field("log", op.log);
  }
  friend bool operator==(const Memslot&, const Memslot&) = default;
};

// Effect: __kvm_set_memory_region with npages 0. No such slot -> invalid.
struct DeleteMemslot {
  static constexpr const char* kName = "delete_memslot";
  static constexpr OpGroup kGroup = OpGroup::kHost;
  static constexpr int kWeight = 1;
  static constexpr const char* kHelp = "delete a memslot";
  SlotArg slot;
  static constexpr void Fields(auto& op, auto&& field) { field("slot", op.slot); }
  friend bool operator==(const DeleteMemslot&, const DeleteMemslot&) = default;
};

// Effect: __kvm_set_memory_region with another base_gfn. No such slot, an overlap -> invalid.
struct MoveMemslot {
  static constexpr const char* kName = "move_memslot";
  static constexpr OpGroup kGroup = OpGroup::kHost;
  static constexpr int kWeight = 1;
  static constexpr const char* kHelp = "move a memslot to another gfn";
  SlotArg slot;
  GfnArg gfn;
  static constexpr void Fields(auto& op, auto&& field) {
    field("slot", op.slot);
    field("gfn", op.gfn);
  }
  friend bool operator==(const MoveMemslot&, const MoveMemslot&) = default;
};

// Effect: __kvm_set_memory_region with other flags. No such slot -> invalid.
struct LogDirty {
  static constexpr const char* kName = "log_dirty";
  static constexpr OpGroup kGroup = OpGroup::kHost;
  static constexpr int kWeight = 2;
  static constexpr const char* kHelp = "switch a memslot's dirty log on or off";
  SlotArg slot;
  FlagArg on;
  static constexpr void Fields(auto& op, auto&& field) {
    field("slot", op.slot);
    field("on", op.on);
  }
  friend bool operator==(const LogDirty&, const LogDirty&) = default;
};

// Effect: kvm_vm_ioctl_get_dirty_log. Not logged -> invalid. Value: a hash of the gfns.
struct GetDirtyLog {
  static constexpr const char* kName = "get_dirty_log";
  static constexpr OpGroup kGroup = OpGroup::kHost;
  static constexpr int kWeight = 4;
  static constexpr const char* kHelp = "fetch a memslot's dirty log";
  SlotArg slot;
  static constexpr void Fields(auto& op, auto&& field) { field("slot", op.slot); }
  friend bool operator==(const GetDirtyLog&, const GetDirtyLog&) = default;
};

// Effect: the notifiers around it unmap the old frame.
struct MovePage {
  static constexpr const char* kName = "move_page";
  static constexpr OpGroup kGroup = OpGroup::kHost;
  static constexpr int kWeight = 3;
  static constexpr const char* kHelp = "the host moves a page to another frame";
  GfnArg hva;
  static constexpr void Fields(auto& op, auto&& field) { field("hva", op.hva); }
  friend bool operator==(const MovePage&, const MovePage&) = default;
};

// Effect: change_pte. The page goes onto the frame of the first other page that was merged and has
// the same contents, as long as that one stays merged; else onto a frame of its own.
struct MergePage {
  static constexpr const char* kName = "merge_page";
  static constexpr OpGroup kGroup = OpGroup::kHost;
  static constexpr int kWeight = 3;
  static constexpr const char* kHelp =
      "the host makes a page read-only on another frame, which equal merged pages share (KSM)";
  GfnArg hva;
  static constexpr void Fields(auto& op, auto&& field) { field("hva", op.hva); }
  friend bool operator==(const MergePage&, const MergePage&) = default;
};

// Effect: the notifiers around it; accesses end in host_fault until map_page.
struct UnmapPage {
  static constexpr const char* kName = "unmap_page";
  static constexpr OpGroup kGroup = OpGroup::kHost;
  static constexpr int kWeight = 2;
  static constexpr const char* kHelp = "the host takes a page away";
  GfnArg hva;
  static constexpr void Fields(auto& op, auto&& field) { field("hva", op.hva); }
  friend bool operator==(const UnmapPage&, const UnmapPage&) = default;
};

// Effect: none if it is there.
struct MapPage {
  static constexpr const char* kName = "map_page";
  static constexpr OpGroup kGroup = OpGroup::kHost;
  static constexpr int kWeight = 3;
  static constexpr const char* kHelp = "the host brings a page back";
  GfnArg hva;
  static constexpr void Fields(auto& op, auto&& field) { field("hva", op.hva); }
  friend bool operator==(const MapPage&, const MapPage&) = default;
};

// Effect: the notifiers around it; level 1 only splits.
struct SetBacking {
  static constexpr const char* kName = "set_backing";
  static constexpr OpGroup kGroup = OpGroup::kHost;
  static constexpr int kWeight = 3;
  static constexpr const char* kHelp =
      "the host maps a block of pages as one large page, or in small ones";
  GfnArg hva;
  RmapLevelArg level;
  static constexpr void Fields(auto& op, auto&& field) {
    field("hva", op.hva);
    field("level", op.level);
  }
  friend bool operator==(const SetBacking&, const SetBacking&) = default;
};

// Value: 1 if it was young.
struct AgePage {
  static constexpr const char* kName = "age_page";
  static constexpr OpGroup kGroup = OpGroup::kHost;
  static constexpr int kWeight = 2;
  static constexpr const char* kHelp = "clear_flush_young of a page";
  GfnArg hva;
  static constexpr void Fields(auto& op, auto&& field) { field("hva", op.hva); }
  friend bool operator==(const AgePage&, const AgePage&) = default;
};

// Value: 1 if it is young.
struct TestYoung {
  static constexpr const char* kName = "test_young";
  static constexpr OpGroup kGroup = OpGroup::kHost;
  static constexpr int kWeight = 1;
  static constexpr const char* kHelp = "test_young of a page";
  GfnArg hva;
  static constexpr void Fields(auto& op, auto&& field) { field("hva", op.hva); }
  friend bool operator==(const TestYoung&, const TestYoung&) = default;
};

// Effect: invalidate_range_start, if none is open. Value: 1 if it was begun.
struct RangeStart {
  static constexpr const char* kName = "range_start";
  static constexpr OpGroup kGroup = OpGroup::kHost;
  static constexpr int kWeight = 1;
  static constexpr const char* kHelp =
      "begin to invalidate a range; nothing can be mapped until range_end";
  GfnArg hva;
  CountArg count;
  static constexpr void Fields(auto& op, auto&& field) {
    field("hva", op.hva);
    field("count", op.count);
  }
  friend bool operator==(const RangeStart&, const RangeStart&) = default;
};

// Effect: invalidate_range_end, if one is open. Value: 1 if it ended.
struct RangeEnd {
  static constexpr const char* kName = "range_end";
  static constexpr OpGroup kGroup = OpGroup::kHost;
  static constexpr int kWeight = 2;
  static constexpr const char* kHelp = "the range that is being invalidated ends";
  static constexpr void Fields(auto&, auto&&) {}
  friend bool operator==(const RangeEnd&, const RangeEnd&) = default;
};

// Effect: mmu_notifier_invalidate_page.
struct InvalidatePage {
  static constexpr const char* kName = "invalidate_page";
  static constexpr OpGroup kGroup = OpGroup::kHost;
  static constexpr int kWeight = 1;
  static constexpr const char* kHelp = "invalidate_page of a page that stays where it is";
  GfnArg hva;
  static constexpr void Fields(auto& op, auto&& field) { field("hva", op.hva); }
  friend bool operator==(const InvalidatePage&, const InvalidatePage&) = default;
};

// Effect: kvm_vm_ioctl_set_nr_mmu_pages with the least number there may be, plus count - 1.
struct Quota {
  static constexpr const char* kName = "quota";
  static constexpr OpGroup kGroup = OpGroup::kHost;
  static constexpr int kWeight = 1;
  static constexpr const char* kHelp = "set the number of shadow pages";
  CountArg count;
  static constexpr void Fields(auto& op, auto&& field) { field("count", op.count); }
  friend bool operator==(const Quota&, const Quota&) = default;
};

// Effect: mmu_shrink, modulo 8 times. Value: the pages before the last call.
struct MmuShrink {
  static constexpr const char* kName = "mmu_shrink";
  static constexpr OpGroup kGroup = OpGroup::kHost;
  static constexpr int kWeight = 2;
  static constexpr const char* kHelp = "memory pressure: count calls of the shrinker";
  CountArg count;
  static constexpr void Fields(auto& op, auto&& field) { field("count", op.count); }
  friend bool operator==(const MmuShrink&, const MmuShrink&) = default;
};

// Effect: kvm_arch_flush_shadow.
struct ZapAll {
  static constexpr const char* kName = "zap_all";
  static constexpr OpGroup kGroup = OpGroup::kHost;
  static constexpr int kWeight = 1;
  static constexpr const char* kHelp = "zap every shadow page and reload all vcpus";
  static constexpr void Fields(auto&, auto&&) {}
  friend bool operator==(const ZapAll&, const ZapAll&) = default;
};

// Effect: kvm_mmu_unprotect_page. Value: 1 if there were any.
struct UnprotectGfn {
  static constexpr const char* kName = "unprotect_gfn";
  static constexpr OpGroup kGroup = OpGroup::kHost;
  static constexpr int kWeight = 1;
  static constexpr const char* kHelp = "zap the shadow pages of a gfn";
  GfnArg gfn;
  static constexpr void Fields(auto& op, auto&& field) { field("gfn", op.gfn); }
  friend bool operator==(const UnprotectGfn&, const UnprotectGfn&) = default;
};

// Effect: a range that is open ends, all memslots are set up anew, all host pages are mapped, the
// boot tables are stored from userspace, every vcpu begins in the header's mode, all is zapped.
struct Reset {
  static constexpr const char* kName = "reset";
  static constexpr OpGroup kGroup = OpGroup::kHost;
  static constexpr int kWeight = 2;
  static constexpr const char* kHelp =
      "userspace resets the machine to what the program began with";
  static constexpr void Fields(auto&, auto&&) {}
  friend bool operator==(const Reset&, const Reset&) = default;
};

// Effect: kvm_write_guest; the MMU is not told. No slot, or no host page -> host_fault.
struct WriteGuest {
  static constexpr const char* kName = "write_guest";
  static constexpr OpGroup kGroup = OpGroup::kHost;
  static constexpr int kWeight = 1;
  static constexpr const char* kHelp = "a device stores into guest memory";
  GfnArg gfn;
  HostArg word;
  HostArg value;
  static constexpr void Fields(auto& op, auto&& field) {
    field("gfn", op.gfn);
    field("word", op.word);
    field("value", op.value);
  }
  friend bool operator==(const WriteGuest&, const WriteGuest&) = default;
};

// ---- Faults ----

// Effect: the step of the next operation that runs out of memory there must leave an MMU that
// passes its audit; it is then repeated with memory.
struct FailAlloc {
  static constexpr const char* kName = "fail_alloc";
  static constexpr OpGroup kGroup = OpGroup::kFault;
  static constexpr int kWeight = 2;
  static constexpr const char* kHelp =
      "let the nth top-up of the caches in the next operation fail";
  CountArg nth;
  static constexpr void Fields(auto& op, auto&& field) { field("nth", op.nth); }
  friend bool operator==(const FailAlloc&, const FailAlloc&) = default;
};

// Effect: of the next two operations, A and B: B is carried out in the first window of A, where the
// kernel does not hold the MMU lock (Interleave); or after A, if A had none. B by itself, after A,
// if it uses A's vcpu or changes memslots, or is no operation of the groups guest and host.
struct Race {
  static constexpr const char* kName = "race";
  static constexpr OpGroup kGroup = OpGroup::kFault;
  static constexpr int kWeight = 3;
  static constexpr const char* kHelp =
      "the operation after the next one happens in the middle of the next one";
  static constexpr void Fields(auto&, auto&&) {}
  friend bool operator==(const Race&, const Race&) = default;
};

}  // namespace ops

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_PROGRAM_MMU_OPS_H_
