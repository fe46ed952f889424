// The guest-truth oracle, with a test in the place of the MMU: it accepts all that it must, and
// each of its checks fires.
//
// Tables have 8 words. Slot 0 has kFrames frames; frame n is host page kBase + n.
#include "fuzzers/judges/guest_truth.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/fuzzers/judges/wrong.h"

namespace rmapdiff {
namespace {

using Kind = TruthResult::Kind;
using Type = TruthAccess::Type;
using Wrong = GuestTruth::Wrong;

constexpr Gfn kFrames = 256;
constexpr Hva kBase = 0x400;
constexpr Gfn kRoot = 1;   // the tables of Boot: kRoot and the frames behind it
constexpr Gfn kTable = 4;  // ... of level 1
constexpr Gfn kData = 32;

constexpr Gpte kAll = kGptePresent | kGpteWritable | kGpteUser | kGpteAccessed;
constexpr Gpte kClean = kAll;
constexpr Gpte kDirty = kAll | kGpteDirty;

constexpr Gpte To(Gfn gfn, Gpte flags) { return Gpte{gfn} << kPageShift | flags; }
constexpr Gva At(Gva page, Gva word = 0) { return page << kPageShift | word * 8; }

constexpr char kDenied[] = "no walk of the guest's tables permits it";
constexpr char kNoFault[] = "no walk of the guest's tables faults";
constexpr char kOtherCode[] = "faults with that error code";
constexpr char kOtherFrame[] = "leads to that frame";

class World {
 public:
  explicit World(bool tdp = false) : host(8, 3), truth(host, {3, 2, tdp, 4}) {
    truth.SlotChanged(0, 0, kFrames, kBase, false);
  }

  static Hva HvaOf(Gfn gfn) { return kBase + static_cast<Hva>(gfn); }
  Pfn FrameOf(Gfn gfn) const { return host.Frame(HvaOf(gfn)); }
  uint64_t Word(Gfn gfn, unsigned word) const { return host.Read(HvaOf(gfn), word); }

  // A store that the MMU hears of; 4-byte entries by their index.
  void Set(Gfn gfn, unsigned word, uint64_t value) {
    host.Write(HvaOf(gfn), word, value);
    EXPECT_TRUE(Fine(truth.WroteGuest(gfn, word, true)));
  }
  void SetHalf(Gfn gfn, unsigned index, uint64_t value) {
    const unsigned shift = index % 2 * 32;
    const uint64_t others = Word(gfn, index / 2) & ~(uint64_t{0xffffffff} << shift);
    Set(gfn, index / 2, others | value << shift);
  }

  // Four levels, with one table each; page n < 8 of the address space is kTable[n].
  void Boot(bool wp = true, bool nx = false) {
    Set(1, 0, To(2, kAll));
    Set(2, 0, To(3, kAll));
    Set(3, 0, To(kTable, kAll));
    for (int vcpu = 0; vcpu < 2; ++vcpu) {
      truth.SetMode(vcpu, {PagingMode::kLong, wp, nx, true}, kRoot);
    }
  }
  void Map(unsigned page, Gfn gfn, Gpte flags) { Set(kTable, page, To(gfn, flags)); }
  void Flush(int vcpu = 0) { truth.LoadedCr3(vcpu, kRoot); }

  // The MMU lets the access through to a frame: by the processor.
  Wrong Do(const TruthAccess& access, Gfn gfn, int vcpu = 0) {
    return truth.Accessed(vcpu, access, {Kind::kDone, Touch(access, gfn), 0, FrameOf(gfn)});
  }
  Wrong Emulate(const TruthAccess& access, Gfn gfn) {
    return truth.Accessed(0, access, {Kind::kDone, Touch(access, gfn), 0, 0});
  }
  Wrong Read(Gva page, Gfn gfn, bool user = true, int vcpu = 0) {
    return Do({At(page), Type::kRead, user}, gfn, vcpu);
  }
  Wrong Write(Gva page, Gfn gfn, bool user = true, int vcpu = 0) {
    return Do({At(page), Type::kWrite, user, ++last_value_}, gfn, vcpu);
  }
  Wrong Fetch(Gva page, Gfn gfn, bool user = true) {
    return Do({At(page), Type::kFetch, user}, gfn);
  }
  Wrong Fault(const TruthAccess& access, uint32_t error_code, int vcpu = 0) {
    return truth.Accessed(vcpu, access, {Kind::kFault, 0, error_code, 0});
  }
  Wrong Mmio(const TruthAccess& access) {
    return truth.Accessed(0, access, {Kind::kMmio, 0, 0, 0});
  }

  uint64_t Touch(const TruthAccess& access, Gfn gfn) {
    const auto offset = static_cast<unsigned>(access.gva & 63);
    uint64_t value = Word(gfn, offset / 8);
    if (access.type != Type::kWrite) return value;
    const unsigned shift = offset % 8 * 8;
    const uint64_t bytes = access.bytes == 8 ? ~uint64_t{0} : (1ull << access.bytes * 8) - 1;
    value = (value & ~(bytes << shift)) | (access.value & bytes) << shift;
    host.Write(HvaOf(gfn), offset / 8, value);
    return value;
  }

  Host host;
  GuestTruth truth;

 private:
  uint64_t last_value_ = 0x1000;
};

class GuestTruthTest : public testing::Test {
 protected:
  World w;
};

// ---- The walk in each mode ----

TEST_F(GuestTruthTest, WithoutPagingAnAddressIsAFrame) {
  EXPECT_TRUE(Fine(w.Write(kData, kData)));
  EXPECT_TRUE(Says(w.Read(kData, kData + 1), kOtherFrame));
  EXPECT_TRUE(Says(w.Fault({At(kData)}, 0), kNoFault));
  // Eight bits of a page number exist.
  EXPECT_TRUE(Fine(w.Read(0x100 + kData, kData)));
}

TEST_F(GuestTruthTest, WithTdpTheTablesDoNotMatter) {
  World tdp(true);
  tdp.truth.SetMode(0, {PagingMode::kLong, true, true, true}, kRoot);
  EXPECT_TRUE(Fine(tdp.Write(kData, kData)));
  EXPECT_TRUE(Fine(tdp.truth.Reachable(0, kData, 1, {true, true, true}, tdp.FrameOf(kData))));
  EXPECT_TRUE(Says(tdp.Read(kData, kData + 1), kOtherFrame));
  EXPECT_TRUE(Fine(tdp.Mmio({At(kFrames)})));
}

TEST_F(GuestTruthTest, FourLevelsLeadToAFrame) {
  w.Boot();
  w.Map(3, kData, kDirty);
  EXPECT_TRUE(Fine(w.Read(3, kData)));
  EXPECT_TRUE(Fine(w.Write(3, kData)));
  EXPECT_TRUE(Fine(w.Fetch(3, kData)));
  EXPECT_TRUE(Says(w.Read(3, kData + 1), kOtherFrame));
  EXPECT_TRUE(Says(w.Read(4, kData), kDenied));
}

TEST_F(GuestTruthTest, LongModeHasLargePagesAtLevels2And3) {
  w.Boot();
  w.Set(3, 1, To(64, kDirty | kGpteHuge));
  EXPECT_TRUE(Fine(w.Write(8 + 5, 64 + 5)));
  EXPECT_TRUE(Says(w.Read(8 + 5, 64), kOtherFrame));
  w.Set(2, 2, To(128, kDirty | kGpteHuge));
  EXPECT_TRUE(Fine(w.Write(2 * 64 + 3 * 8 + 5, 128 + 3 * 8 + 5)));
  EXPECT_TRUE(Says(w.Read(2 * 64 + 3 * 8 + 5, 128 + 5), kOtherFrame));
}

TEST_F(GuestTruthTest, TwoLevelsOfHalfWords) {
  // Sixteen entries a table, the even ones in the lower halves.
  w.SetHalf(kRoot, 3, To(2, kAll));
  w.SetHalf(2, 4, To(kData, kDirty));
  w.SetHalf(2, 5, To(kData + 1, kDirty));
  w.SetHalf(kRoot, 6, To(64, kDirty | kGpteHuge));
  w.truth.SetMode(0, {PagingMode::k32Bit, true, false, true}, kRoot);
  EXPECT_TRUE(Fine(w.Write(3 * 16 + 4, kData)));
  EXPECT_TRUE(Fine(w.Write(3 * 16 + 5, kData + 1)));
  EXPECT_TRUE(Says(w.Read(3 * 16 + 5, kData), kOtherFrame));
  EXPECT_TRUE(Fine(w.Write(6 * 16 + 15, 64 + 15)));
  // Without CR4.PSE the same entry leads to a table, which is empty.
  w.truth.SetMode(0, {PagingMode::k32Bit, true, false, false}, kRoot);
  EXPECT_TRUE(Says(w.Read(6 * 16 + 15, 64 + 15), kDenied));
  EXPECT_TRUE(Fine(w.Fault({At(6 * 16 + 15)}, 0)));
}

TEST_F(GuestTruthTest, AUsedBitIsSetInTheHalfThatIsMeant) {
  w.SetHalf(kRoot, 0, To(2, kAll));
  w.SetHalf(2, 5, To(kData, kAll & ~kGpteAccessed));
  w.truth.SetMode(0, {PagingMode::k32Bit, true, false, true}, kRoot);
  w.host.Write(w.HvaOf(2), 2, w.Word(2, 2) | kGpteAccessed << 32);
  EXPECT_TRUE(Fine(w.Read(5, kData)));
  w.host.Write(w.HvaOf(2), 2, w.Word(2, 2) | kGpteAccessed);
  EXPECT_TRUE(Says(w.Read(5, kData), "nothing asked for the store"));
}

TEST_F(GuestTruthTest, ThePdptrsAreRegisters) {
  w.Set(kRoot, 2, To(2, kGptePresent));
  w.Set(2, 1, To(3, kAll));
  w.Set(3, 4, To(kData, kDirty));
  w.Set(2, 3, To(64, kDirty | kGpteHuge));
  w.truth.SetMode(0, {PagingMode::kPae, true, false, true}, kRoot);
  const Gva page = 2 * 64 + 1 * 8 + 4;
  EXPECT_TRUE(Fine(w.Write(page, kData)));
  EXPECT_TRUE(Fine(w.Write(2 * 64 + 3 * 8 + 7, 64 + 7)));
  EXPECT_TRUE(Fine(w.Fault({At(page - 64)}, 0)));
  // A walk begins with the memory at the time when cr3 was loaded.
  w.Set(kRoot, 2, 0);
  EXPECT_TRUE(Fine(w.Write(page, kData)));
  EXPECT_TRUE(Says(w.Fault({At(page)}, 0), kNoFault));
  w.truth.Invlpg(0, At(page));
  EXPECT_TRUE(Fine(w.Write(page, kData)));
  w.Flush();
  EXPECT_TRUE(Says(w.Write(page, kData), kDenied));
}

// ---- Rights and error codes ----

TEST_F(GuestTruthTest, AllLevelsTogetherGiveTheRights) {
  w.Boot();
  w.Map(0, kData, kDirty);
  w.Set(2, 0, To(3, kAll & ~kGpteWritable));
  w.Flush();
  EXPECT_TRUE(Fine(w.Read(0, kData)));
  EXPECT_TRUE(Says(w.Write(0, kData, false), kDenied));
  w.Set(2, 0, To(3, kAll & ~kGpteUser));
  w.Flush();
  EXPECT_TRUE(Fine(w.Write(0, kData, false)));
  EXPECT_TRUE(Says(w.Read(0, kData, true), kDenied));
}

TEST_F(GuestTruthTest, WithoutWpTheSupervisorMayWriteAnything) {
  w.Boot(false);
  w.Map(0, kData, kDirty & ~kGpteWritable);
  EXPECT_TRUE(Fine(w.Write(0, kData, false)));
  EXPECT_TRUE(Says(w.Write(0, kData, true), kDenied));
  const Pfn pfn = w.FrameOf(kData);
  EXPECT_TRUE(Fine(w.truth.Reachable(0, 0, 1, {true, false, true}, pfn)));
  EXPECT_TRUE(Says(w.truth.Reachable(0, 0, 1, {true, true, true}, pfn), "does not permit writes"));
}

TEST_F(GuestTruthTest, NxForbidsFetchesIfItIsOn) {
  w.Boot(true, true);
  w.Map(0, kData, kDirty | kGpteNx);
  EXPECT_TRUE(Fine(w.Read(0, kData)));
  EXPECT_TRUE(Says(w.Fetch(0, kData), kDenied));
  const TruthAccess fetch{At(0), Type::kFetch, true};
  EXPECT_TRUE(Fine(w.Fault(fetch, kFaultPresent | kFaultUser | kFaultFetch)));
  // Off, it is a reserved bit.
  w.Boot(true, false);
  EXPECT_TRUE(Says(w.Read(0, kData), kDenied));
  EXPECT_TRUE(Fine(w.Fault({At(0)}, kFaultPresent | kFaultReserved)));
}

TEST_F(GuestTruthTest, ReservedBitsFault) {
  w.Boot();
  const uint32_t code = kFaultPresent | kFaultReserved;
  for (const Gpte bit : {Gpte{1} << 40, Gpte{1} << 51, kGpteNx}) {
    w.Map(0, kData, kDirty | bit);
    w.Flush();
    EXPECT_TRUE(Says(w.Read(0, kData), kDenied)) << bit;
    EXPECT_TRUE(Fine(w.Fault({At(0)}, code))) << bit;
  }
  w.Map(0, kData, kDirty | Gpte{1} << 52);
  EXPECT_TRUE(Fine(w.Read(0, kData)));
  EXPECT_TRUE(Says(w.Fault({At(0)}, code), kNoFault));
  // A large page is aligned, but for bit 12.
  w.Set(3, 1, To(64, kDirty | kGpteHuge) | Gpte{1} << 14);
  EXPECT_TRUE(Fine(w.Fault({At(8)}, code)));
  w.Set(3, 1, To(64, kDirty | kGpteHuge) | Gpte{1} << 12);
  w.Flush();
  EXPECT_TRUE(Fine(w.Read(8, 64)));
  // The root has no large pages. Bit 8 of a link means nothing.
  w.Set(1, 0, To(2, kAll) | kGpteGlobal);
  w.Set(2, 0, To(3, kAll) | kGpteGlobal);
  w.Flush();
  EXPECT_TRUE(Fine(w.Read(8, 64)));
  EXPECT_TRUE(Says(w.Fault({At(8)}, code), kNoFault));
  w.Set(1, 0, To(2, kAll | kGpteHuge));
  EXPECT_TRUE(Fine(w.Fault({At(8)}, code)));
}

TEST_F(GuestTruthTest, WithoutPseTheHugeBitMeansNothing) {
  // As a large page the entry would be misaligned.
  w.SetHalf(kRoot, 0, To(3, kAll | kGpteHuge));
  w.SetHalf(3, 0, To(kData, kDirty));
  w.truth.SetMode(0, {PagingMode::k32Bit, true, false, /*pse=*/false}, kRoot);
  EXPECT_TRUE(Fine(w.Read(0, kData)));
  w.truth.SetMode(0, {PagingMode::k32Bit, true, false, /*pse=*/true}, kRoot);
  EXPECT_TRUE(Says(w.Read(0, kData), kDenied));
}

TEST_F(GuestTruthTest, A32BitLargePageIsAligned) {
  // 16 frames; bit 12 is PAT.
  w.truth.SetMode(0, {PagingMode::k32Bit, true, false, true}, kRoot);
  for (unsigned bit = 12; bit < 16; ++bit) {
    w.SetHalf(kRoot, 0, To(64, kDirty | kGpteHuge) | Gpte{1} << bit);
    w.Flush();
    const uint32_t code = kFaultPresent | kFaultReserved;
    EXPECT_TRUE(bit == 12 ? Fine(w.Read(3, 64 + 3)) : Fine(w.Fault({At(3)}, code))) << bit;
  }
}

TEST_F(GuestTruthTest, PaeHasMoreReservedBits) {
  w.Set(kRoot, 0, To(2, kGptePresent));
  w.Set(2, 0, To(3, kAll));
  w.Set(3, 0, To(kData, kDirty) | Gpte{1} << 52);
  w.truth.SetMode(0, {PagingMode::kPae, true, true, true}, kRoot);
  EXPECT_TRUE(Says(w.Read(0, kData), kDenied));
  EXPECT_TRUE(Fine(w.Fault({At(0)}, kFaultPresent | kFaultReserved)));
}

TEST_F(GuestTruthTest, AnErrorCodeSaysWhatWasDone) {
  w.Boot();
  w.Map(0, kData, kDirty & ~kGpteWritable);
  w.Map(1, kData, kDirty & ~kGpteUser);
  const TruthAccess user_write{At(0), Type::kWrite, true, 1};
  EXPECT_TRUE(Fine(w.Fault(user_write, kFaultPresent | kFaultWrite | kFaultUser)));
  EXPECT_TRUE(Says(w.Fault(user_write, kFaultPresent | kFaultWrite), kOtherCode));
  EXPECT_TRUE(Says(w.Fault(user_write, kFaultWrite | kFaultUser), kOtherCode));
  EXPECT_TRUE(Fine(w.Fault({At(0), Type::kWrite, false, 1}, kFaultPresent | kFaultWrite)));
  EXPECT_TRUE(Fine(w.Fault({At(1), Type::kRead, true}, kFaultPresent | kFaultUser)));
  EXPECT_TRUE(Says(w.Fault({At(1), Type::kRead, false}, kFaultPresent), kNoFault));
}

TEST_F(GuestTruthTest, AFetchIsReportedWhereNxCanForbidIt) {
  const TruthAccess fetch{At(2), Type::kFetch, true};
  for (const bool nx : {true, false}) {
    w.Boot(true, nx);
    const uint32_t expected = kFaultUser | (nx ? kFaultFetch : 0);
    EXPECT_TRUE(Fine(w.Fault(fetch, expected))) << nx;
    EXPECT_TRUE(Says(w.Fault(fetch, expected ^ kFaultFetch), kOtherCode)) << nx;
    // Entries of 4 bytes have no such bit.
    w.truth.SetMode(0, {PagingMode::k32Bit, true, nx, true}, kFrames - 1);
    EXPECT_TRUE(Fine(w.Fault(fetch, kFaultUser))) << nx;
    EXPECT_TRUE(Says(w.Fault(fetch, kFaultUser | kFaultFetch), kOtherCode)) << nx;
  }
}

TEST_F(GuestTruthTest, SmepForbidsTheSupervisorToFetchFromUserPages) {
  w.Boot();
  w.Map(0, kData, kDirty);
  w.Map(1, kData, kDirty & ~kGpteUser);
  const TruthAccess fetch{At(0), Type::kFetch, false};
  EXPECT_TRUE(Fine(w.Do(fetch, kData)));
  w.truth.WroteCr4(0, true, false);
  EXPECT_TRUE(Says(w.Do(fetch, kData), kDenied));
  EXPECT_TRUE(Fine(w.Fault(fetch, kFaultPresent | kFaultFetch)));
  EXPECT_TRUE(Says(w.Fault(fetch, kFaultPresent), kOtherCode));
  EXPECT_TRUE(Fine(w.Fetch(0, kData)));
  EXPECT_TRUE(Fine(w.Read(0, kData, false)));
  EXPECT_TRUE(Fine(w.Do({At(1), Type::kFetch, false}, kData)));
  EXPECT_TRUE(Fine(w.Fault({At(1), Type::kFetch, true}, kFaultPresent | kFaultUser | kFaultFetch)));
}

TEST_F(GuestTruthTest, SmapForbidsTheSupervisorToTouchUserPages) {
  w.Boot();
  w.Map(0, kData, kDirty);
  w.Map(1, kData, kDirty & ~kGpteUser);
  w.truth.WroteCr4(0, false, true);
  const TruthAccess read{At(0), Type::kRead, false};
  EXPECT_TRUE(Says(w.Do(read, kData), kDenied));
  EXPECT_TRUE(Fine(w.Fault(read, kFaultPresent)));
  EXPECT_TRUE(Fine(w.Read(1, kData, false)));
  EXPECT_TRUE(Fine(w.Read(0, kData)));
  EXPECT_TRUE(Fine(w.Do({At(0), Type::kFetch, false}, kData)));

  TruthAccess with_ac = read;
  with_ac.ac = true;
  EXPECT_TRUE(Fine(w.Do(with_ac, kData)));
  EXPECT_TRUE(Says(w.Fault(with_ac, kFaultPresent), kNoFault));
  // The processor's own accesses are the supervisor's, and AC does not help them.
  TruthAccess implicit = with_ac;
  implicit.implicit = true;
  for (const bool user : {true, false}) {
    implicit.user = user;
    EXPECT_TRUE(Says(w.Do(implicit, kData), kDenied)) << user;
    EXPECT_TRUE(Fine(w.Fault(implicit, kFaultPresent))) << user;
  }
}

TEST_F(GuestTruthTest, APageIsTheUsersOnlyIfAllEntriesSaySo) {
  w.Boot();
  w.Map(0, kData, kDirty);
  w.Set(3, 0, To(kTable, kAll & ~kGpteUser));
  w.truth.WroteCr4(0, true, true);
  EXPECT_TRUE(Fine(w.Do({At(0), Type::kFetch, false}, kData)));
  EXPECT_TRUE(Fine(w.Read(0, kData, false)));
}

TEST_F(GuestTruthTest, SmepAndSmapNeedATranslationThatKnowsAUserPage) {
  w.Boot(/*wp=*/false);
  w.Map(0, kData, kDirty & ~kGpteWritable);
  const auto reachable = [&](bool executable) {
    const TruthRights rights{.writable = true, .user = false, .executable = executable};
    return w.truth.Reachable(0, 0, 1, rights, w.FrameOf(kData));
  };
  EXPECT_TRUE(Fine(reachable(true)));
  w.truth.WroteCr4(0, true, false);
  EXPECT_TRUE(Fine(reachable(false)));
  EXPECT_TRUE(Says(reachable(true), "SMEP"));
  w.truth.WroteCr4(0, false, true);
  EXPECT_TRUE(Says(reachable(false), "SMAP"));
}

TEST_F(GuestTruthTest, WithoutPagingSmepAndSmapDoNothing) {
  w.truth.WroteCr4(0, true, true);
  EXPECT_TRUE(Fine(w.Read(kData, kData, false)));
  EXPECT_TRUE(Fine(w.Do({At(kData), Type::kFetch, false}, kData)));
  const TruthRights rights{.writable = true, .user = false, .executable = true};
  EXPECT_TRUE(Fine(w.truth.Reachable(0, kData, 1, rights, w.FrameOf(kData))));
}

TEST_F(GuestTruthTest, PdptrsAreLoadedAgainWhenSmepChangesAndNotWhenSmapDoes) {
  w.Set(1, 0, To(3, kGptePresent));
  w.Set(3, 0, To(kTable, kAll));
  w.Map(0, kData, kDirty);
  w.truth.SetMode(0, {PagingMode::kPae, true, false, true}, kRoot);
  w.Set(1, 0, 0);
  w.truth.WroteCr4(0, false, true);
  EXPECT_TRUE(Fine(w.Read(0, kData)));
  w.truth.WroteCr4(0, true, true);
  EXPECT_TRUE(Says(w.Read(0, kData), kDenied));
}

TEST_F(GuestTruthTest, OnlyLongModeHasReservedBitsInCr3) {
  constexpr uint64_t kLow = 7 | 3 << 3;
  constexpr uint64_t kUpper = 1ull << 33;
  constexpr uint64_t kHigh[] = {1ull << 40, 1ull << 62, 1ull << 63};
  for (const PagingMode paging : {PagingMode::kLong, PagingMode::kPae, PagingMode::k32Bit}) {
    w.truth.SetMode(0, {paging, true, false, true}, kRoot);
    const bool is_long = paging == PagingMode::kLong;
    EXPECT_TRUE(Fine(w.truth.Cr3Answered(0, kRoot + 1, true, kLow)));
    EXPECT_TRUE(Says(w.truth.Cr3Answered(0, kRoot + 1, false, kLow), "had to be loaded"));
    for (const uint64_t bit : kHigh) {
      EXPECT_TRUE(Fine(w.truth.Cr3Answered(0, kRoot + 1, !is_long, bit)));
      EXPECT_TRUE(Says(w.truth.Cr3Answered(0, kRoot + 1, is_long, bit), "cr3"));
    }
    // In long mode the bit belongs to the address, and no memory has that address.
    EXPECT_TRUE(Fine(w.truth.Cr3Answered(0, kRoot + 1, !is_long, kUpper)));
    EXPECT_TRUE(Says(w.truth.Cr3Answered(0, kRoot + 1, is_long, kUpper), "cr3"));
  }
}

TEST_F(GuestTruthTest, AStoreThatSmapMustNotForgetMayBeEmulated) {
  const TruthAccess store{.type = Type::kWrite, .ac = true};
  w.truth.SetMode(0, {.paging = PagingMode::kLong, .wp = false, .smap = true}, kRoot);
  EXPECT_TRUE(w.truth.IsLetPastSmap(0, store));
  EXPECT_FALSE(w.truth.IsLetPastSmap(0, {.type = Type::kWrite}));
  EXPECT_FALSE(w.truth.IsLetPastSmap(0, {.type = Type::kWrite, .user = true, .ac = true}));
  EXPECT_FALSE(w.truth.IsLetPastSmap(0, {.type = Type::kWrite, .ac = true, .implicit = true}));
  w.truth.SetMode(0, {.paging = PagingMode::kLong, .wp = true, .smap = true}, kRoot);
  EXPECT_FALSE(w.truth.IsLetPastSmap(0, store));
}

TEST_F(GuestTruthTest, Cr4IsRefusedOnlyForMalformedPdptrsThatItLoads) {
  for (const bool malformed : {true, false}) {
    w.Set(1, 0, malformed ? 2 | kGptePresent : 0);
    w.truth.SetMode(0, {PagingMode::kPae, true, false, true}, kRoot);
    EXPECT_TRUE(Fine(w.truth.Cr4Answered(0, true, !malformed)));
    EXPECT_TRUE(Says(w.truth.Cr4Answered(0, true, malformed), "cr3"));
    EXPECT_TRUE(Fine(w.truth.Cr4Answered(0, false, true)));
    EXPECT_TRUE(Says(w.truth.Cr4Answered(0, false, false), "had to be loaded"));
  }
}

TEST_F(GuestTruthTest, WhatIsAbsentBelowAMissingRightIsReported) {
  w.Boot();
  const TruthAccess read{At(0), Type::kRead, true};
  w.Set(3, 0, To(kTable, kAll & ~kGpteUser));
  w.Flush();
  EXPECT_TRUE(Fine(w.Fault(read, kFaultUser)));
  EXPECT_TRUE(Says(w.Fault(read, kFaultPresent | kFaultUser), kOtherCode));
  w.Map(0, kData, kDirty | Gpte{1} << 45);
  EXPECT_TRUE(Fine(w.Fault(read, kFaultPresent | kFaultReserved | kFaultUser)));
  EXPECT_TRUE(Says(w.Fault(read, kFaultPresent | kFaultUser), kOtherCode));
  w.Map(0, kData, kDirty);
  EXPECT_TRUE(Fine(w.Fault(read, kFaultPresent | kFaultUser)));
  EXPECT_TRUE(Says(w.Fault(read, kFaultUser), kOtherCode));
  EXPECT_TRUE(Says(w.Read(0, kData), kDenied));
}

TEST_F(GuestTruthTest, ATableWithoutMemoryHasNoEntries) {
  w.Boot();
  w.Set(3, 1, To(kFrames, kAll));
  EXPECT_TRUE(Fine(w.Fault({At(8)}, 0)));
  w.Map(0, kData, kDirty);
  EXPECT_TRUE(Says(w.Fault({At(0)}, 0), kNoFault));
  w.host.Unmap(w.HvaOf(kTable));
  w.truth.Absorb();
  EXPECT_TRUE(Fine(w.Fault({At(0)}, 0)));
  EXPECT_TRUE(Fine(w.Read(0, kData)));
}

// ---- Time ----

TEST_F(GuestTruthTest, AnOldEntryMayBeUsedUntilInvlpg) {
  w.Boot();
  w.Map(0, kData, kDirty);
  w.Flush();
  w.Map(0, kData + 1, kDirty);
  EXPECT_TRUE(Fine(w.Write(0, kData)));
  EXPECT_TRUE(Fine(w.Write(0, kData + 1)));
  w.truth.Invlpg(0, At(1));
  EXPECT_TRUE(Fine(w.Write(0, kData)));
  w.truth.Invlpg(0, At(0, 3));
  EXPECT_TRUE(Says(w.Write(0, kData), kOtherFrame));
  EXPECT_TRUE(Fine(w.Write(0, kData + 1)));
}

TEST_F(GuestTruthTest, EachVcpuInvalidatesForItself) {
  w.Boot();
  w.Map(0, kData, kDirty);
  w.Map(0, 0, 0);
  w.Flush(0);
  EXPECT_TRUE(Says(w.Read(0, kData, true, 0), kDenied));
  EXPECT_TRUE(Fine(w.Read(0, kData, true, 1)));
  w.Flush(1);
  EXPECT_TRUE(Says(w.Read(0, kData, true, 1), kDenied));
}

TEST_F(GuestTruthTest, LevelsMayBeOfDifferentAge) {
  w.Boot();
  w.Map(0, kData, kDirty);
  w.Set(5, 0, To(kData + 1, kDirty));
  w.Flush();
  w.Set(3, 0, To(5, kAll));            // another table ...
  w.Map(0, kData + 2, kDirty);         // ... then the old one changes
  w.Set(5, 0, To(kData + 3, kDirty));  // ... and the new one
  for (Gfn gfn = kData; gfn < kData + 4; ++gfn) EXPECT_TRUE(Fine(w.Read(0, gfn)));
  w.Flush();
  for (Gfn gfn = kData; gfn < kData + 3; ++gfn) EXPECT_TRUE(Says(w.Read(0, gfn), kOtherFrame));
  EXPECT_TRUE(Fine(w.Read(0, kData + 3)));
}

TEST_F(GuestTruthTest, RightsOfDifferentAgeAreNotMixedInOneEntry) {
  w.Boot();
  w.Map(0, kData, kDirty & ~kGpteUser);
  w.Flush();
  w.Map(0, kData + 1, kDirty & ~kGpteWritable);
  const Pfn pfn = w.FrameOf(kData + 1);
  EXPECT_TRUE(Fine(w.truth.Reachable(0, 0, 1, {false, true, true}, pfn)));
  EXPECT_TRUE(Says(w.truth.Reachable(0, 0, 1, {true, false, true}, pfn), "does not permit writes"));
}

TEST_F(GuestTruthTest, AnAbsentEntryIsNotCached) {
  w.Boot();
  w.Flush();
  w.Map(0, kData, kDirty);
  EXPECT_TRUE(Says(w.Fault({At(0)}, 0), kNoFault));
  EXPECT_TRUE(Fine(w.Read(0, kData)));
}

TEST_F(GuestTruthTest, AnOldRightMayStillFault) {
  w.Boot();
  w.Map(0, kData, kDirty & ~kGpteWritable);
  w.Flush();
  w.Map(0, kData, kDirty);
  const TruthAccess write{At(0), Type::kWrite, false, 1};
  EXPECT_TRUE(Fine(w.Fault(write, kFaultPresent | kFaultWrite)));
  w.Flush();
  EXPECT_TRUE(Says(w.Fault(write, kFaultPresent | kFaultWrite), kNoFault));
}

TEST_F(GuestTruthTest, WhatNobodyTellsTheMmuStaysForEver) {
  w.Boot();
  w.Map(0, kData, kDirty);
  EXPECT_TRUE(Fine(w.Read(0, kData)));
  w.host.Write(w.HvaOf(kTable), 0, To(kData + 1, kDirty));
  w.truth.Absorb();
  w.Flush();
  EXPECT_TRUE(Fine(w.Read(0, kData)));
  EXPECT_TRUE(Fine(w.Read(0, kData + 1)));
  // A frame that is not a table yet has no shadow.
  w.Set(3, 1, To(6, kAll));
  w.host.Write(w.HvaOf(6), 0, To(kData, kDirty));
  w.truth.Absorb();
  w.host.Write(w.HvaOf(6), 0, To(kData + 1, kDirty));
  w.truth.Absorb();
  w.Flush();
  EXPECT_TRUE(Says(w.Read(8, kData), kOtherFrame));
}

TEST_F(GuestTruthTest, TooManyWalksAllowAnything) {
  w.Boot();
  for (Gfn gfn = kData; gfn < kData + 40; ++gfn) w.Map(0, gfn, kDirty);
  EXPECT_TRUE(Fine(w.Read(0, kData + 100)));
  w.Flush();
  EXPECT_TRUE(Says(w.Read(0, kData + 100), kOtherFrame));
}

// ---- The host ----

TEST_F(GuestTruthTest, AFrameThatTheHostHasMovedAwayIsWrong) {
  w.Boot();
  w.Map(0, kData, kDirty);
  const Pfn old = w.FrameOf(kData);
  w.host.Move(w.HvaOf(kData));
  w.truth.Absorb();
  EXPECT_TRUE(Says(w.truth.Accessed(0, {At(0)}, {Kind::kDone, 0, 0, old}), "moved that frame"));
  EXPECT_TRUE(Says(w.truth.Reachable(0, 0, 1, {}, old), "moved it away"));
  EXPECT_TRUE(Fine(w.truth.Reachable(0, 0, 1, {}, w.FrameOf(kData))));
  EXPECT_TRUE(Says(w.truth.Reachable(0, 0, 1, {}, w.FrameOf(kData + 1)), "leads to it"));
}

TEST_F(GuestTruthTest, AReadOnlyHostPageIsNotWritten) {
  w.Boot();
  w.Map(0, kData, kDirty);
  w.host.Protect(w.HvaOf(kData));
  w.truth.Absorb();
  EXPECT_TRUE(Fine(w.Read(0, kData)));
  EXPECT_TRUE(Says(w.Write(0, kData), "read-only"));
  const Pfn pfn = w.FrameOf(kData);
  EXPECT_TRUE(Fine(w.truth.Reachable(0, 0, 1, {false, true, true}, pfn)));
  EXPECT_TRUE(Says(w.truth.Reachable(0, 0, 1, {true, true, true}, pfn), "read-only"));
}

// Pages 0 and 1 of the address space, of two frames of the guest that are equal and share one frame
// of the host.
void MapMerged(World& w) {
  w.Boot();
  for (unsigned page = 0; page < 2; ++page) {
    w.Map(page, kData + page, kDirty);
    w.host.Merge(World::HvaOf(kData + page));
    w.truth.Absorb();
  }
  ASSERT_EQ(w.FrameOf(kData), w.FrameOf(kData + 1));
}

TEST_F(GuestTruthTest, NoneOfThePagesThatShareAFrameIsWritten) {
  MapMerged(w);
  const Pfn shared = w.FrameOf(kData);
  for (Gfn page = 0; page < 2; ++page) {
    EXPECT_TRUE(Fine(w.Read(page, kData + page)));
    EXPECT_TRUE(Fine(w.truth.Reachable(0, page, 1, {false, true, true}, shared)));
    EXPECT_TRUE(Says(w.truth.Reachable(0, page, 1, {true, true, true}, shared), "read-only"));
  }
  EXPECT_TRUE(Says(w.Write(1, kData + 1), "read-only"));
}

TEST_F(GuestTruthTest, AStoreIntoASharedFrameIsNotSeenByTheOther) {
  MapMerged(w);
  w.host.Write(World::HvaOf(kData), 2, 0x77);
  EXPECT_EQ(w.Word(kData + 1, 2), 0x77u);
  EXPECT_TRUE(Says(w.truth.WroteGuest(kData, 2, true), "has changed word 2 of host page 0x421"));
}

TEST_F(GuestTruthTest, APageThatWasCopiedIsNotOnTheSharedFrameAnyMore) {
  MapMerged(w);
  const Pfn shared = w.FrameOf(kData);
  w.host.Move(World::HvaOf(kData));
  w.truth.Absorb();
  EXPECT_TRUE(Fine(w.truth.Accessed(0, {At(1)}, {Kind::kDone, 0, 0, shared})));
  EXPECT_TRUE(Says(w.truth.Accessed(0, {At(0)}, {Kind::kDone, 0, 0, shared}), kOtherFrame));
  EXPECT_TRUE(Says(w.truth.Reachable(0, 0, 1, {}, shared), "leads to it"));
  EXPECT_TRUE(Fine(w.Write(0, kData)));
  EXPECT_EQ(w.Word(kData + 1, 0), 0u);
}

TEST_F(GuestTruthTest, AnUnmappedHostPageIsNotReached) {
  w.Boot();
  w.Map(0, kData, kDirty);
  w.host.Unmap(w.HvaOf(kData));
  w.truth.Absorb();
  EXPECT_TRUE(Says(w.Emulate({At(0)}, kData), "nothing mapped"));
  EXPECT_TRUE(Fine(w.truth.Accessed(0, {At(0)}, {Kind::kOther, 0, 0, 0})));
}

TEST_F(GuestTruthTest, MmioIsWhereNoSlotIs) {
  w.Boot();
  w.Map(0, kData, kDirty);
  w.Map(1, kFrames, kDirty);
  EXPECT_TRUE(Says(w.Mmio({At(0)}), "leads out of the memslots"));
  EXPECT_TRUE(Fine(w.Mmio({At(1)})));
  EXPECT_TRUE(Says(w.Emulate({At(1)}, kData), "lead out of the memslots"));
  EXPECT_TRUE(Says(w.truth.Reachable(0, 1, 1, {}, w.FrameOf(0)), "leads to memory"));
  // A slot that is gone is gone at once; one that moves takes its pages along.
  w.truth.SlotChanged(1, kFrames, 8, kBase + 512, false);
  EXPECT_TRUE(Says(w.Mmio({At(1)}), "leads out of the memslots"));
  const Pfn pfn = w.host.Frame(kBase + 512);
  EXPECT_TRUE(Fine(w.truth.Accessed(0, {At(1)}, {Kind::kDone, 0, 0, pfn})));
  w.truth.SlotChanged(1, 0, 0, 0, false);
  EXPECT_TRUE(Fine(w.Mmio({At(1)})));
}

// ---- Contents and used bits ----

TEST_F(GuestTruthTest, AWrongValueIsRefused) {
  w.Boot();
  w.Map(0, kData, kDirty);
  w.Set(kData, 2, 0x1122334455667788);
  const Pfn pfn = w.FrameOf(kData);
  const auto read = [&](uint64_t value) {
    return w.truth.Accessed(0, {At(0, 2)}, {Kind::kDone, value, 0, pfn});
  };
  EXPECT_TRUE(Fine(read(0x1122334455667788)));
  EXPECT_TRUE(Says(read(0x1122334455667789), "another value"));
}

TEST_F(GuestTruthTest, AWriteChangesItsBytes) {
  w.Boot();
  w.Map(0, kData, kDirty);
  w.Set(kData, 2, 0x1122334455667788);
  EXPECT_TRUE(Fine(w.Do({At(0, 2) + 3, Type::kWrite, true, 0xaa, 1}, kData)));
  EXPECT_EQ(w.Word(kData, 2), 0x11223344aa667788u);
  EXPECT_TRUE(Fine(w.Do({At(0, 2) + 4, Type::kWrite, true, 0xdeadbeef, 4}, kData)));
  const TruthAccess write{At(0, 2), Type::kWrite, true, 0x1234, 2};
  const TruthResult lost{Kind::kDone, w.Word(kData, 2), 0, w.FrameOf(kData)};
  EXPECT_TRUE(Says(w.truth.Accessed(0, write, lost), "bytes that were written"));
  // One that comes too far.
  w.host.Write(w.HvaOf(kData), 2, 0x1234);
  const TruthResult wide{Kind::kDone, 0x1234, 0, w.FrameOf(kData)};
  EXPECT_TRUE(Says(w.truth.Accessed(0, write, wide), "nothing asked for the store"));
}

TEST_F(GuestTruthTest, AWordBeyondThePageIsTheOneThatItWrapsTo) {
  w.Boot();
  w.Map(0, kData, kDirty);
  w.Set(kData, 1, 5);
  EXPECT_TRUE(Fine(w.Do({At(0, 8 + 1) + 3, Type::kRead, true}, kData)));
}

TEST_F(GuestTruthTest, TheWalkSetsUsedBits) {
  w.Boot();
  w.Map(0, kData, kAll & ~kGpteAccessed);
  EXPECT_TRUE(Says(w.Read(0, kData), "accessed bit clear"));
  w.host.Write(w.HvaOf(kTable), 0, To(kData, kClean));
  EXPECT_TRUE(Fine(w.Read(0, kData)));
  EXPECT_TRUE(Says(w.Write(0, kData), "dirty bit clear"));
  EXPECT_TRUE(
      Says(w.truth.Reachable(0, 0, 1, {true, true, true}, w.FrameOf(kData)), "dirty bit is clear"));
  EXPECT_TRUE(Fine(w.truth.Reachable(0, 0, 1, {false, true, true}, w.FrameOf(kData))));
  w.host.Write(w.HvaOf(kTable), 0, To(kData, kDirty));
  EXPECT_TRUE(Fine(w.Write(0, kData)));
}

TEST_F(GuestTruthTest, UsedBitsThatNoWalkSetsAreRefused) {
  w.Boot();
  w.Map(0, kData, kClean);
  w.Map(1, kData + 1, kClean & ~kGpteAccessed);
  w.host.Write(w.HvaOf(kTable), 1, To(kData + 1, kClean));
  EXPECT_TRUE(Says(w.Read(0, kData), "nothing asked for the store"));
  w.host.Write(w.HvaOf(kTable), 0, To(kData, kDirty));
  EXPECT_TRUE(Says(w.Read(0, kData), "nothing asked for the store"));
  w.host.Write(w.HvaOf(kTable), 0, To(kData, kClean & ~kGpteAccessed));
  EXPECT_TRUE(Says(w.Read(0, kData), "nothing asked for the store"));
  // A directory has no dirty bit.
  w.host.Write(w.HvaOf(3), 0, To(kTable, kAll | kGpteDirty));
  EXPECT_TRUE(Says(w.Fault({At(2), Type::kWrite, false, 1}, kFaultWrite), "nothing asked"));
}

TEST_F(GuestTruthTest, AFaultMayHaveSetUsedBitsOnTheWayOnly) {
  w.Boot();
  w.Set(3, 0, To(kTable, kAll & ~kGpteAccessed));
  w.Map(0, kData, kClean & ~kGpteAccessed & ~kGpteUser);
  const uint32_t code = kFaultPresent | kFaultUser;
  w.host.Write(w.HvaOf(3), 0, To(kTable, kAll));
  EXPECT_TRUE(Fine(w.Fault({At(0), Type::kRead, true}, code)));
  w.host.Write(w.HvaOf(kTable), 0, To(kData, kClean & ~kGpteUser));
  EXPECT_TRUE(Says(w.Fault({At(0), Type::kRead, true}, code), "nothing asked for the store"));
}

TEST_F(GuestTruthTest, AStoreToAWrongPlaceIsRefused) {
  w.Boot();
  w.Map(0, kData, kDirty);
  const TruthAccess write{At(0, 1), Type::kWrite, true, 7};
  w.host.Write(w.HvaOf(kData), 2, 7);
  EXPECT_TRUE(Says(w.Do(write, kData), "nothing asked for the store"));
  w.host.Write(w.HvaOf(kData + 1), 1, 7);
  EXPECT_TRUE(Says(w.Do(write, kData), "nothing asked for the store"));
  w.host.Write(w.HvaOf(kData), 1, 8);
  EXPECT_TRUE(Says(w.Fault({At(0, 1), Type::kWrite, true, 8}, 0), kNoFault));
  w.host.Write(w.HvaOf(kData), 1, 9);
  EXPECT_TRUE(Says(w.truth.Accessed(0, {At(0, 1), Type::kWrite, true, 9}, {}), "nothing asked"));
}

TEST_F(GuestTruthTest, KvmsOwnStoreStaysInItsWord) {
  w.host.Write(w.HvaOf(kData), 3, 1);
  EXPECT_TRUE(Fine(w.truth.WroteGuest(kData, 3, false)));
  w.host.Write(w.HvaOf(kData), 4, 1);
  EXPECT_TRUE(Says(w.truth.WroteGuest(kData, 3, false), "has changed word 4"));
}

TEST_F(GuestTruthTest, AGuestMayWriteTheEntryThatItWalksBy) {
  w.Boot();
  w.Map(0, kTable, kDirty);
  EXPECT_TRUE(Fine(w.Do({At(0, 0), Type::kWrite, true, 0}, kTable)));
  w.Flush();
  EXPECT_TRUE(Fine(w.Fault({At(0)}, 0)));
}

TEST_F(GuestTruthTest, AnInstructionMayStoreAgainAndAgain) {
  w.Boot();
  w.Map(0, kData, kDirty);
  w.Map(1, kData + 5, kDirty);
  const std::vector<TruthAccess> stores = {{At(0, 6), Type::kWrite, true, 1},
                                           {At(0, 7), Type::kWrite, true, 2},
                                           {At(1, 0), Type::kWrite, true, 3}};
  w.Touch(stores[0], kData);
  w.Touch(stores[1], kData);
  w.Touch(stores[2], kData + 5);
  EXPECT_TRUE(Fine(w.truth.StoredMany(0, stores, {Kind::kDone, 3, 0, 0})));
  w.host.Write(w.HvaOf(kData), 5, 1);
  EXPECT_TRUE(Says(w.truth.StoredMany(0, stores, {Kind::kDone, 3, 0, 0}), "nothing asked"));
  EXPECT_TRUE(Says(w.truth.StoredMany(0, stores, {Kind::kDone, 4, 0, 0}), "bytes"));
  EXPECT_TRUE(Says(w.truth.StoredMany(0, stores, {Kind::kFault, 0, kFaultWrite | kFaultUser, 0}),
                   kNoFault));
  w.Map(1, 0, 0);
  EXPECT_TRUE(Fine(w.truth.StoredMany(0, stores, {Kind::kFault, 0, kFaultWrite | kFaultUser, 0})));
}

// ---- Translations ----

TEST_F(GuestTruthTest, ATranslationOffersNoMoreThanTheGuestPermits) {
  w.Boot(true, true);
  const auto offers = [&](Gpte flags, TruthRights rights) {
    w.Map(0, kData, flags);
    w.Flush();
    return w.truth.Reachable(0, 0, 1, rights, w.FrameOf(kData));
  };
  EXPECT_TRUE(Fine(offers(kDirty, {true, true, true})));
  EXPECT_TRUE(Says(offers(kDirty & ~kGpteUser, {false, true, false}), "user accesses"));
  EXPECT_TRUE(Says(offers(kDirty & ~kGpteWritable, {true, false, false}), "permit writes"));
  EXPECT_TRUE(Says(offers(kDirty | kGpteNx, {false, false, true}), "fetches"));
  EXPECT_TRUE(Says(offers(kDirty & ~kGpteAccessed, {}), "accessed bit clear"));
  EXPECT_TRUE(Says(offers(0, {}), "leads to memory"));
  EXPECT_TRUE(Fine(offers(kDirty & ~kGpteUser & ~kGpteWritable, {false, false, true})));
}

// ---- The dirty log ----

class DirtyLogTest : public GuestTruthTest {
 protected:
  DirtyLogTest() {
    w.Boot();
    w.Map(0, kData, kDirty);
    w.Map(1, kData + 1, kClean);
    w.truth.SlotChanged(0, 0, kFrames, kBase, true);
  }
  static constexpr char kMissing[] = "its dirty log does not have it";
};

TEST_F(DirtyLogTest, AWriteIsInTheNextLog) {
  EXPECT_TRUE(Fine(w.Write(0, kData)));
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {kData})));
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {})));
  EXPECT_TRUE(Fine(w.Write(0, kData)));
  EXPECT_TRUE(Says(w.truth.LogFetched(0, {kData - 1, kData + 1}), kMissing));
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {})));
  EXPECT_TRUE(Fine(w.Read(0, kData)));
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {})));
}

TEST_F(DirtyLogTest, ALogThatHasJustBeenFetchedIsEmpty) {
  EXPECT_TRUE(Fine(w.Write(0, kData)));
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {kData})));
  EXPECT_TRUE(Says(w.truth.LogFetched(0, {kData}), "nothing could write since"));
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {})));
  EXPECT_TRUE(Fine(w.Read(0, kData)));
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {kData}))) << "what may be written is marked on a read";
  w.truth.Absorb();
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {kData}))) << "whatever happened may have marked it";
}

TEST_F(DirtyLogTest, AQuietOperationBetweenTwoFetchesLogsNothing) {
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {})));
  EXPECT_TRUE(Fine(w.truth.StoredNothing(true)));
  EXPECT_TRUE(Fine(w.truth.StoredNothing(true)));
  EXPECT_TRUE(Says(w.truth.LogFetched(0, {kData}), "nothing could write since"));
  EXPECT_TRUE(Fine(w.truth.StoredNothing(false)));
  EXPECT_TRUE(Fine(w.truth.StoredNothing(true)));
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {kData})));
}

TEST_F(DirtyLogTest, ALogBeginsEmptyAndARepeatedRequestKeepsIt) {
  EXPECT_TRUE(Says(w.truth.LogFetched(0, {kData}), "nothing could write since"));
  EXPECT_TRUE(Fine(w.Write(0, kData)));
  w.truth.SlotChanged(0, 0, kFrames, kBase, true);
  EXPECT_TRUE(Says(w.truth.LogFetched(0, {}), kMissing));
  w.truth.SlotChanged(0, 0, kFrames, kBase, false);
  w.truth.SlotChanged(0, 0, kFrames, kBase, true);
  EXPECT_TRUE(Says(w.truth.LogFetched(0, {kData}), "nothing could write since"));
}

TEST_F(DirtyLogTest, AFrameThatIsOnlyShownStaysDirtyUntilItIsCleared) {
  EXPECT_TRUE(Fine(w.Write(0, kData)));
  EXPECT_TRUE(Fine(w.truth.LogShown(0, {kData})));
  EXPECT_TRUE(Says(w.truth.LogShown(0, {}), "frames now instead of 1"));
  EXPECT_TRUE(Fine(w.Read(0, kData)));
  EXPECT_TRUE(Says(w.truth.LogShown(0, {}), kMissing));
  w.truth.LogCleared(0, {kData});
  EXPECT_TRUE(Fine(w.truth.LogShown(0, {})));
  EXPECT_TRUE(Fine(w.Write(0, kData)));
  EXPECT_TRUE(Says(w.truth.LogShown(0, {}), kMissing)) << "a write after the clear counts again";
}

TEST_F(DirtyLogTest, AClearTakesWhatItNamesAndNothingElse) {
  w.Map(1, kData + 1, kDirty);
  w.Flush();
  EXPECT_TRUE(Fine(w.Write(0, kData)));
  EXPECT_TRUE(Fine(w.Write(1, kData + 1)));
  EXPECT_TRUE(Fine(w.truth.LogShown(0, {kTable, kData, kData + 1})));
  w.truth.LogCleared(0, {kData});
  EXPECT_TRUE(Says(w.truth.LogShown(0, {kData}), "frames now instead of"));
}

TEST_F(GuestTruthTest, StoresIntoAReadOnlySlotAreMmio) {
  w.Boot();
  w.truth.SlotChanged(1, kFrames, 8, kBase + 512, false, /*read_only=*/true);
  w.Map(0, kFrames, kDirty);
  const Pfn pfn = w.host.Frame(kBase + 512);
  const TruthAccess write{At(0), Type::kWrite, true, 0};
  EXPECT_TRUE(Fine(w.truth.Accessed(0, {At(0)}, {Kind::kDone, 0, 0, pfn})));
  EXPECT_TRUE(Says(w.truth.Accessed(0, write, {Kind::kDone, 0, 0, pfn}), "memslot is read-only"));
  EXPECT_TRUE(Fine(w.Mmio(write)));
  EXPECT_TRUE(Says(w.Mmio({At(0)}), "leads out of the memslots"));
  EXPECT_TRUE(Fine(w.truth.Reachable(0, 0, 1, {false, true, true}, pfn)));
  EXPECT_TRUE(Says(w.truth.Reachable(0, 0, 1, {true, true, true}, pfn), "memslot is read-only"));
  const TruthAccess store{.gva = Gva{kFrames} << kPageShift, .type = Type::kWrite};
  EXPECT_TRUE(Fine(w.truth.StoreAnswered(store, Kind::kMmio)));
  EXPECT_TRUE(Says(w.truth.StoreAnswered(store, Kind::kDone), "its memslot is read-only"));
  EXPECT_TRUE(Fine(w.truth.StoreAnswered(store, Kind::kDone, /*by_userspace=*/true)));
}

TEST_F(GuestTruthTest, APageThatIsBackIsMappedWhereTheAccessWas) {
  w.Boot();
  w.Map(0, kData, kAll & ~kGpteAccessed);
  const auto wait = [&] {
    w.host.Unmap(w.HvaOf(kData));
    w.truth.Absorb();
    EXPECT_TRUE(Fine(w.truth.Accessed(0, {At(0)}, {Kind::kHostFault})));
    w.host.Move(w.HvaOf(kData));
    w.truth.Absorb();
  };
  EXPECT_TRUE(Says(w.truth.PageReady(0, At(0), true), "another address space"));
  wait();
  w.host.Write(w.HvaOf(kTable), 0, To(kData, kAll));  // the walk of the prefault
  EXPECT_TRUE(Fine(w.truth.PageReady(0, At(0), true)));
  EXPECT_TRUE(Says(w.truth.PageReady(0, At(0), true), "another address space")) << "once";
  wait();
  EXPECT_TRUE(Says(w.truth.PageReady(0, At(1), true), "another address space"));
  wait();
  w.truth.LoadedCr3(0, kRoot + 1);
  EXPECT_TRUE(Fine(w.truth.PageReady(0, At(0), false)));
  w.Flush();
  wait();
  w.truth.SetMode(0, {}, kRoot);
  EXPECT_TRUE(Says(w.truth.PageReady(0, At(0), true), "another address space"));
}

TEST_F(GuestTruthTest, TheLargestLevelIsThatOfTheGuestTheHostAndTheSlot) {
  const auto level = [&](int most, const std::vector<Gfn>& tables) {
    EXPECT_TRUE(Fine(w.Read(kData, kData)));
    return w.truth.LargestLevel(0, most, tables);
  };
  w.host.SetBacking(w.HvaOf(kData), 2);  // eight frames; an address is a frame
  w.truth.Absorb();
  EXPECT_EQ(level(3, {}), 2);
  EXPECT_EQ(level(1, {}), 1);
  EXPECT_EQ(level(3, {kData + 7}), 1) << "a table in the block";
  EXPECT_EQ(level(3, {kData + 8}), 2);
  w.truth.SlotChanged(0, 0, kFrames, kBase, true);
  EXPECT_EQ(level(3, {}), 1) << "a logged slot";
  w.truth.SlotChanged(0, 0, kData + 4, kBase, false);
  EXPECT_EQ(level(3, {}), 1) << "the slot ends in the block";
}

TEST_F(GuestTruthTest, NoUsedBitIsSetInAReadOnlySlot) {
  w.Boot();
  w.truth.SlotChanged(1, kFrames, 8, kBase + 512, false, /*read_only=*/true);
  w.Set(3, 1, To(kFrames, kAll));
  w.host.Write(kBase + 512, 0, To(kData, kGptePresent | kGpteWritable | kGpteUser));
  w.truth.Absorb();
  w.Flush();
  EXPECT_TRUE(Fine(w.Write(8, kData)));
  EXPECT_TRUE(Fine(w.truth.Reachable(0, 8, 1, {true, true, true}, w.FrameOf(kData))));
  w.host.Write(kBase + 512, 0, To(kData, kGptePresent | kGpteWritable | kGpteUser | kGpteAccessed));
  EXPECT_TRUE(Says(w.Read(8, kData), "nothing asked for the store"));
}

TEST_F(DirtyLogTest, ALogHasFramesOfItsSlotInOrder) {
  EXPECT_TRUE(Fine(w.Write(0, kData)));
  EXPECT_TRUE(Says(w.truth.LogFetched(0, {kData, kFrames}), "gfn 0x100 is in the dirty log"));
  EXPECT_TRUE(Fine(w.Write(0, kData)));
  EXPECT_TRUE(Says(w.truth.LogFetched(0, {kData, kData}), "out of place"));
}

TEST_F(DirtyLogTest, AWriteOfTheSameValueIsOneToo) {
  EXPECT_TRUE(Fine(w.Do({At(0), Type::kWrite, true, w.Word(kData, 0)}, kData)));
  EXPECT_TRUE(Says(w.truth.LogFetched(0, {}), kMissing));
}

TEST_F(DirtyLogTest, UsedBitsMarkTheTable) {
  w.host.Write(w.HvaOf(kTable), 1, To(kData + 1, kDirty));
  EXPECT_TRUE(Fine(w.Write(1, kData + 1)));
  EXPECT_TRUE(Says(w.truth.LogFetched(0, {kData + 1}), "gfn 0x4 of slot 0"));
}

TEST_F(DirtyLogTest, KvmMarksItsOwnStoresAndUserspaceDoesNot) {
  w.host.Write(w.HvaOf(kData), 0, 1);
  w.truth.Absorb();
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {})));
  w.Set(kData, 0, 2);
  EXPECT_TRUE(Says(w.truth.LogFetched(0, {}), kMissing));
}

TEST_F(DirtyLogTest, ASlotThatChangesForgets) {
  EXPECT_TRUE(Fine(w.Write(0, kData)));
  w.truth.SlotChanged(0, 0, kFrames, kBase, false);
  w.truth.SlotChanged(0, 0, kFrames, kBase, true);
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {})));
  w.truth.SlotChanged(0, 0, kFrames, kBase, false);
  EXPECT_TRUE(Fine(w.Write(0, kData)));
  EXPECT_TRUE(Says(w.truth.LogFetched(0, {}), "which has none"));
}

TEST_F(DirtyLogTest, OneOfTwoFramesOnOnePageIsEnough) {
  // The guest's entry has led to both of them; they are one host page.
  w.truth.SlotChanged(1, kFrames, 8, w.HvaOf(kData), true);
  w.Map(0, kFrames, kDirty);
  EXPECT_TRUE(Fine(w.Write(0, kData)));
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {kTable})));
  EXPECT_TRUE(Fine(w.truth.LogFetched(1, {})));
  // Two pages of one slot: the emulator does not say which of them.
  w.truth.SlotChanged(1, 0, 0, 0, false);
  w.Map(0, kData, kDirty);
  w.Flush();
  w.Map(0, kData + 2, kDirty);
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {kTable})));
  const auto write_either = [&] { return w.Emulate({At(0), Type::kWrite, true, 0}, kData + 2); };
  w.Set(kData, 0, 0);
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {kData})));
  EXPECT_TRUE(Fine(write_either()));
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {kData + 2})));
  EXPECT_TRUE(Fine(write_either()));
  EXPECT_TRUE(Says(w.truth.LogFetched(0, {kData + 1}), kMissing));
}

TEST_F(DirtyLogTest, OneStoreOfAnInstructionMayBeEitherOfTwo) {
  // Page 0 leads to an alias of kData. Page 1 has led to kData itself, and still may.
  w.truth.SlotChanged(1, kFrames, 8, w.HvaOf(kData), true);
  w.Map(0, kFrames, kDirty);
  w.Map(1, kData, kDirty);
  w.Flush();
  w.Map(1, kData + 5, kDirty);
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {kTable})));
  const std::vector<TruthAccess> stores = {{At(0, 0), Type::kWrite, true, 9},
                                           {At(1, 0), Type::kWrite, true, 9}};
  const auto store_both = [&] {
    w.Touch(stores[0], kData);
    w.Touch(stores[1], kData + 5);
    return w.truth.StoredMany(0, stores, {Kind::kDone, 9, 0, 0});
  };
  EXPECT_TRUE(Fine(store_both()));
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {kData + 5}))) << "the store was one to the alias";
  EXPECT_TRUE(Fine(w.truth.LogFetched(1, {kFrames})));
  w.Flush();  // now page 1 leads to kData + 5 alone
  w.host.Write(w.HvaOf(kData), 0, 0);
  w.truth.Absorb();
  EXPECT_TRUE(Fine(store_both()));
  EXPECT_TRUE(Says(w.truth.LogFetched(1, {}), "gfn 0x100 of slot 1"));
}

TEST_F(GuestTruthTest, AliasedFramesShareContentsButNotTheLog) {
  w.Boot();
  w.truth.SlotChanged(1, kFrames, 8, w.HvaOf(kData), true);
  w.Map(0, kFrames + 1, kDirty);
  EXPECT_TRUE(Fine(w.Write(0, kData + 1)));
  EXPECT_TRUE(Says(w.truth.LogFetched(1, {kFrames}), "gfn 0x101 of slot 1"));
  w.Map(0, kData + 1, kDirty);
  w.Flush();
  EXPECT_TRUE(Fine(w.Write(0, kData + 1)));
  EXPECT_TRUE(Fine(w.truth.LogFetched(1, {})));
}

TEST_F(GuestTruthTest, AStoreThroughAnAliasDoesNotReachTheShadow) {
  w.Boot();
  w.Map(0, kData, kDirty);
  EXPECT_TRUE(Fine(w.Read(0, kData)));
  w.truth.SlotChanged(1, kFrames, 8, w.HvaOf(kTable), false);
  w.Map(1, kFrames, kDirty);
  EXPECT_TRUE(Fine(w.Do({At(1, 0), Type::kWrite, true, To(kData + 1, kDirty)}, kTable)));
  w.Flush();
  EXPECT_TRUE(Fine(w.Read(0, kData)));
  EXPECT_TRUE(Fine(w.Read(0, kData + 1)));
}

// ---- Windows ----

TEST_F(GuestTruthTest, WhatOthersDoInAWindowIsJudgedOnItsOwn) {
  w.Boot();
  w.Map(0, kData, kDirty & ~kGpteAccessed);
  w.Map(1, kData + 1, kDirty);
  w.host.Write(w.HvaOf(kTable), 0, To(kData, kDirty));  // the walk of vcpu 0
  w.truth.BeginInterleaved();
  EXPECT_TRUE(Fine(w.Write(1, kData + 1, true, 1)));
  w.host.Write(w.HvaOf(kData), 0, 77);
  w.truth.Absorb();
  w.truth.EndInterleaved();
  EXPECT_TRUE(Fine(w.Read(0, kData)));
  // The next operation begins anew.
  w.host.Write(w.HvaOf(kData), 0, 78);
  EXPECT_TRUE(Says(w.Read(0, kData), "nothing asked for the store"));
}

TEST_F(GuestTruthTest, AStoreAroundAWindowIsStillJudged) {
  w.Boot();
  w.Map(0, kData, kDirty);
  w.host.Write(w.HvaOf(kData), 5, 1);
  w.truth.BeginInterleaved();
  w.truth.Absorb();
  w.truth.EndInterleaved();
  EXPECT_TRUE(Says(w.Read(0, kData), "nothing asked for the store"));
}

TEST_F(GuestTruthTest, AnEmulatedStoreMayBeOverwrittenInTheWindowBehindIt) {
  w.Boot();
  w.Map(0, kData, kDirty);
  const TruthAccess write{At(0), Type::kWrite, true, 5};
  const auto overwritten = [&](uint64_t value) {
    w.host.Write(w.HvaOf(kData), 0, 5);
    w.truth.BeginInterleaved();
    w.host.Write(w.HvaOf(kData), 0, 6);
    w.host.Unmap(w.HvaOf(kData));
    w.truth.Absorb();
    w.truth.EndInterleaved();
    const Wrong wrong =
        w.truth.Accessed(0, {At(0), Type::kWrite, true, value}, {Kind::kDone, value, 0, 0});
    w.host.Move(w.HvaOf(kData));
    w.truth.Absorb();
    return wrong;
  };
  EXPECT_TRUE(Fine(overwritten(5)));
  EXPECT_TRUE(Says(overwritten(4), "another value"));
  EXPECT_TRUE(Says(w.truth.Accessed(0, write, {Kind::kDone, 5, 0, 0}), "another value"));
}

TEST_F(GuestTruthTest, InAWindowTheStoreAroundItMayNotBeKnownYet) {
  w.Boot();
  w.Flush(1);
  w.host.Write(w.HvaOf(kTable), 0, To(kData, kDirty));
  w.truth.BeginInterleaved();
  w.Flush(1);
  EXPECT_TRUE(Fine(w.Fault({At(0)}, 0, 1)));
  w.truth.EndInterleaved();
  EXPECT_TRUE(Fine(w.truth.WroteGuest(kTable, 0, true)));
  EXPECT_TRUE(Says(w.Fault({At(0)}, 0, 1), kNoFault));
}

TEST_F(GuestTruthTest, PdptrsAreReadBeforeTheWindow) {
  w.Set(kRoot, 0, To(2, kGptePresent));
  w.Set(2, 0, To(3, kAll));
  w.Set(3, 0, To(kData, kDirty));
  w.truth.SetMode(0, {PagingMode::kPae, true, false, true}, kRoot);
  w.truth.BeginInterleaved();
  w.host.Write(w.HvaOf(kRoot), 0, 0);
  w.truth.Absorb();
  w.truth.EndInterleaved();
  w.Flush();
  EXPECT_TRUE(Fine(w.Read(0, kData)));
  w.Flush();
  EXPECT_TRUE(Says(w.Read(0, kData), kDenied));
}

TEST_F(DirtyLogTest, AWriteInTheWindowOfTheFetchIsInThisLogOrTheNext) {
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {})));
  const auto in_window = [&] {
    w.truth.BeginInterleaved();
    EXPECT_TRUE(Fine(w.Write(0, kData, true, 1)));
    w.truth.EndInterleaved();
  };
  in_window();
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {kData})));
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {})));
  in_window();
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {})));
  EXPECT_TRUE(Says(w.truth.LogFetched(0, {}), kMissing));
}

TEST_F(DirtyLogTest, AFetchInTheWindowOfAFetchMayComeTooLate) {
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {})));
  EXPECT_TRUE(Fine(w.Write(0, kData)));
  w.truth.BeginInterleaved();
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {})));
  w.truth.EndInterleaved();
  EXPECT_TRUE(Says(w.truth.LogFetched(0, {}), kMissing));
}

TEST_F(DirtyLogTest, AWriteMayBeInTheLogThatIsFetchedInItsWindow) {
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {})));
  w.host.Write(w.HvaOf(kData), 0, 5);
  w.truth.BeginInterleaved();
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {kData})));
  w.truth.EndInterleaved();
  EXPECT_TRUE(Fine(w.Emulate({At(0), Type::kWrite, true, 5}, kData)));
  EXPECT_TRUE(Fine(w.truth.LogFetched(0, {})));
}

}  // namespace
}  // namespace rmapdiff
