#include "fuzzers/search/op_pairs.h"

namespace rmapdiff {
namespace {

// While the kernel does not hold its lock, the guest's tables or the host may change.
constexpr Choice kInARace[] = {
    {kKind<ops::SetGpte>, 12},       {kKind<ops::Invlpg>, 4},    {kKind<ops::MovePage>, 4},
    {kKind<ops::MergePage>, 3},      {kKind<ops::UnmapPage>, 2}, {kKind<ops::RangeStart>, 4},
    {kKind<ops::InvalidatePage>, 1}, {kKind<ops::Access>, 3},    {kKind<ops::LogDirty>, 1},
    {kKind<ops::GetDirtyLog>, 3},    {kKind<ops::Memslot>, 1},   {kKind<ops::ClearTable>, 1},
    {kKind<ops::SetBacking>, 3},     {kKind<ops::LoadCr3>, 1},   {kKind<ops::Notify>, 4},
};
// The operations that have such moments.
constexpr Choice kAfterRace[] = {
    {kKind<ops::Access>, 12},     {kKind<ops::SetGpte>, 8},       {kKind<ops::Invlpg>, 5},
    {kKind<ops::GetDirtyLog>, 2}, {kKind<ops::ClearDirtyLog>, 1}, {kKind<ops::Notify>, 2},
    {kKind<ops::MovePage>, 1},
};
// While the host changes a page.
constexpr Choice kInAChange[] = {
    {kKind<ops::Access>, 8}, {kKind<ops::SetGpte>, 2}, {kKind<ops::Notify>, 1}};
constexpr Choice kUse[] = {{kKind<ops::Access>, 1}};
constexpr Choice kAfterChange[] = {{kKind<ops::Access>, 6},   {kKind<ops::Invlpg>, 2},
                                   {kKind<ops::LoadCr3>, 2},  {kKind<ops::InvalidatePage>, 1},
                                   {kKind<ops::MovePage>, 1}, {kKind<ops::SetGpte>, 1}};
// Another vcpu may go to the same root, and be the first to use it, or to store without entering.
constexpr Choice kAfterLoadCr3[] = {
    {kKind<ops::Access>, 4}, {kKind<ops::LoadCr3>, 2}, {kKind<ops::SetGpte>, 2}};
constexpr Choice kAfterUnmap[] = {{kKind<ops::Access>, 3}, {kKind<ops::PageReady>, 1}};
constexpr Choice kAfterInvalidate[] = {{kKind<ops::Access>, 2}, {kKind<ops::LoadCr3>, 1}};
constexpr Choice kAfterPlace[] = {
    {kKind<ops::SetPlace>, 3}, {kKind<ops::TouchPlace>, 2}, {kKind<ops::Access>, 1}};
constexpr Choice kInOpenRange[] = {
    {kKind<ops::Access>, 3}, {kKind<ops::ChangeRange>, 2}, {kKind<ops::RangeEnd>, 1}};
constexpr Choice kAfterFetch[] = {
    {kKind<ops::Access>, 3}, {kKind<ops::GetDirtyLog>, 1}, {kKind<ops::ClearDirtyLog>, 1}};
constexpr Choice kAfterClear[] = {{kKind<ops::Access>, 3}, {kKind<ops::GetDirtyLog>, 2}};
constexpr Choice kAfterLogDirty[] = {
    {kKind<ops::Access>, 6}, {kKind<ops::SetBacking>, 3}, {kKind<ops::GetDirtyLog>, 1}};

struct Row {
  size_t kind;
  std::span<const Choice> choices;
};

constexpr Row kRows[] = {
    {kKind<ops::Race>, kAfterRace},
    {kKind<ops::SetGpte>, kAfterChange},
    {kKind<ops::Fork>, kAfterChange},
    {kKind<ops::ClearTable>, kAfterChange},
    {kKind<ops::Invlpg>, kUse},
    {kKind<ops::LoadCr3>, kAfterLoadCr3},
    {kKind<ops::SetMode>, kUse},
    {kKind<ops::WriteCr4>, kUse},
    {kKind<ops::SetBacking>, kUse},
    {kKind<ops::MovePage>, kUse},
    {kKind<ops::MergePage>, kUse},
    {kKind<ops::UnmapPage>, kAfterUnmap},
    {kKind<ops::PageReady>, kUse},
    {kKind<ops::RangeStart>, kInOpenRange},
    {kKind<ops::ChangeRange>, kInOpenRange},
    {kKind<ops::Notify>, kUse},
    {kKind<ops::PlaceMemslot>, kAfterPlace},
    {kKind<ops::SetPlace>, kAfterChange},
    {kKind<ops::InvalidatePage>, kAfterInvalidate},
    {kKind<ops::LogDirty>, kAfterLogDirty},
    {kKind<ops::GetDirtyLog>, kAfterFetch},
    {kKind<ops::ManualProtect>, kAfterFetch},
    {kKind<ops::ClearDirtyLog>, kAfterClear},
    {kKind<ops::ReadOnlySlot>, kUse},
    {kKind<ops::ReplaceVcpu>, kUse},
    {kKind<ops::FailAlloc>, kUse},
};

}  // namespace

std::span<const Choice> ChoicesAfter(size_t kind) {
  for (const Row& row : kRows) {
    if (row.kind == kind) return row.choices;
  }
  return {};
}

std::span<const Choice> ChoicesInARace(size_t kind) {
  if (kind == kKind<ops::GetDirtyLog> || kind == kKind<ops::ClearDirtyLog>) return kUse;
  if (kind == kKind<ops::Notify> || kind == kKind<ops::MovePage>) return kInAChange;
  return kInARace;
}

}  // namespace rmapdiff
