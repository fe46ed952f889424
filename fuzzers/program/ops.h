// The operations: one table, of which each entry (operation.h) declares one struct.
//
// Decode, encode, print, parse, random generation, statistics and `rmapdiff ops` are all derived
// from the table. A new operation is an entry in graph_ops.h or mmu_ops.h, appended to `Op`, and
// its handlers. On a page graph those are in the model and in GraphVoice, on a whole MMU in
// MmuVoice.
//
// Invariants: the order in `Op` is append-only within each kind of program. The meaning of a record
// never depends on state or on other operations. A record has at most 7 argument bytes.
#ifndef RMAPDIFF_FUZZERS_PROGRAM_OPS_H_
#define RMAPDIFF_FUZZERS_PROGRAM_OPS_H_

#include <variant>

#include "fuzzers/program/graph_ops.h"
#include "fuzzers/program/mmu_ops.h"

namespace rmapdiff {

// The opcode of an operation is its position here among those of its kind of program (IsMmuGroup).
// Append only.
using Op = std::variant<
    ops::AllocPage, ops::Map, ops::Drop, ops::Link, ops::Unlink, ops::WriteProtect, ops::MapMany,
    ops::Touch, ops::Unmap, ops::SetPte, ops::Age, ops::Recycle, ops::RmapCount, ops::ParentWalk,
    ops::UnlinkParents, ops::UnlinkChildren, ops::Unsync, ops::Sync, ops::SyncChildren, ops::Pin,
    ops::Unpin, ops::Zap, ops::Commit, ops::Shrink, ops::MisuseRemove, ops::MisuseRemoveParent,
    ops::MisuseAddTwice, ops::MisuseWrongGfn, ops::MisuseSetGfn, ops::Access, ops::SetGpte,
    ops::Invlpg, ops::LoadCr3, ops::SetMode, ops::EnterGuest, ops::Unload, ops::UnprotectVirt,
    ops::RepStore, ops::Fork, ops::ClearTable, ops::Burst, ops::Share, ops::SelfMap, ops::Memslot,
    ops::DeleteMemslot, ops::MoveMemslot, ops::LogDirty, ops::GetDirtyLog, ops::MovePage,
    ops::MergePage, ops::UnmapPage, ops::MapPage, ops::SetBacking, ops::AgePage, ops::TestYoung,
    ops::RangeStart, ops::RangeEnd, ops::InvalidatePage, ops::Quota, ops::MmuShrink, ops::ZapAll,
    ops::UnprotectGfn, ops::WriteGuest, ops::FailAlloc, ops::Race, ops::Reset, ops::PlaceMemslot,
    ops::SetPlace, ops::TouchPlace, ops::Notify, ops::ChangeRange, ops::ManualProtect,
    ops::ClearDirtyLog, ops::ReadOnlySlot, ops::ReplaceVcpu, ops::PageReady, ops::WriteCr4>;

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_PROGRAM_OPS_H_
