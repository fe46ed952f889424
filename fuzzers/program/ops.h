// The operations: one struct each, and this is the one table of them.
//
// A struct names the operation (kName), its group, its weight in random programs, says in one
// sentence what it does (kHelp), and lists its arguments (Fields). Decode, encode, print, parse,
// random generation, statistics and `rmapdiff ops` are all derived from that; to add an operation
// is to add a struct to graph_ops.h or mmu_ops.h, append it to `Op`, and write its handlers: in the
// model and in GraphVoice for one on a page graph, in MmuVoice for one on a whole MMU.
//
// Invariants: the order in `Op` is append-only within each kind of program. A meaning never depends
// on state or on other operations. A record is at most 7 argument bytes.
#ifndef RMAPDIFF_FUZZERS_PROGRAM_OPS_H_
#define RMAPDIFF_FUZZERS_PROGRAM_OPS_H_

#include <variant>

#include "fuzzers/program/graph_ops.h"
#include "fuzzers/program/mmu_ops.h"

namespace rmapdiff {

// The opcode of an operation is its position here among those of its kind of program: on a page
// graph, or on a whole MMU (IsMmuGroup). Append only.
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
    ops::UnprotectGfn, ops::WriteGuest, ops::FailAlloc, ops::Race, ops::Reset>;

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_PROGRAM_OPS_H_
