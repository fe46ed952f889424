// The record of memslots: it demands and refuses what __kvm_set_memory_region does.
#include "fuzzers/judges/guest_slots.h"

#include <gtest/gtest.h>

#include <limits>

namespace rmapdiff {
namespace {

using Slot = GuestSlots::Slot;

constexpr Slot kFirst{.id = 0, .base = 0x10, .npages = 0x10, .hva = 0x100};

class GuestSlotsTest : public testing::Test {
 protected:
  GuestSlotsTest() { EXPECT_EQ(slots.Answered(kFirst, true), std::nullopt); }
  void Demands(const Slot& request) { EXPECT_STREQ(slots.Refusal(request), nullptr); }
  void Refuses(const Slot& request, const char* why) { EXPECT_STREQ(slots.Refusal(request), why); }
  GuestSlots slots;
};

TEST_F(GuestSlotsTest, SlotsMayTouchAndNotOverlap) {
  Demands({.id = 1, .base = 0x20, .npages = 1});
  Demands({.id = 1, .base = 0xf, .npages = 1});
  Refuses({.id = 1, .base = 0x1f, .npages = 1}, "another slot has its frames");
  Refuses({.id = 1, .base = 0xf, .npages = 2}, "another slot has its frames");
  Refuses({.id = 1, .base = 0, .npages = 0x100}, "another slot has its frames");
  Demands({.id = 1, .base = 0x20, .npages = 1, .hva = 0x100});  // an alias
}

TEST_F(GuestSlotsTest, ASlotMovesAndKeepsItsSizeAndHostPages) {
  Slot request = kFirst;
  request.base = 0x18;  // over its own old place
  Demands(request);
  request.logged = true;
  Demands(request);
  request.npages = 0x11;
  Refuses(request, "a slot keeps its size");
  request.npages = 0x10;
  request.hva = 0x101;
  Refuses(request, "a slot keeps its host pages");
}

TEST_F(GuestSlotsTest, ASlotStaysReadOnlyOrWritable) {
  Slot request = kFirst;
  request.read_only = true;
  Refuses(request, "a slot stays read-only or writable");
  EXPECT_EQ(slots.Answered({.id = 0}, true), std::nullopt);
  EXPECT_EQ(slots.Answered(request, true), std::nullopt);
  request.base = 0x30;
  Demands(request);
  Refuses(kFirst, "a slot stays read-only or writable");
}

TEST_F(GuestSlotsTest, AClearNamesWordsOfALog) {
  const auto wrong = [&](Gfn first, Gfn npages, bool done) {
    return slots.ClearAnswered(0, first, npages, 8, done).has_value();
  };
  EXPECT_TRUE(wrong(0, 8, true)) << "it has no log";
  Slot request = kFirst;
  request.logged = true;
  EXPECT_EQ(slots.Answered(request, true), std::nullopt);
  EXPECT_FALSE(wrong(0, 0x10, true));
  EXPECT_TRUE(wrong(0, 0x10, false));
  EXPECT_FALSE(wrong(8, 8, true));
  EXPECT_TRUE(wrong(8, 7, true)) << "a part of a word within the slot";
  EXPECT_TRUE(wrong(1, 8, true));
  EXPECT_TRUE(wrong(8, 16, true)) << "beyond the slot";
  EXPECT_FALSE(wrong(0x18, 8, false));
  // The end of a slot may be in the middle of a word.
  EXPECT_EQ(slots.Answered({.id = 1, .base = 0x20, .npages = 0xa, .logged = true}, true),
            std::nullopt);
  EXPECT_EQ(slots.ClearAnswered(1, 8, 2, 8, true), std::nullopt);
  EXPECT_NE(slots.ClearAnswered(1, 8, 2, 8, false), std::nullopt);
}

TEST_F(GuestSlotsTest, TheQuotaFollowsTheFrames) {
  EXPECT_EQ(slots.QuotaFollowed(500, 4, 8), std::nullopt);
  EXPECT_NE(slots.QuotaFollowed(500, 4, 9), std::nullopt);
  EXPECT_EQ(slots.QuotaFollowed(500, 24, 24), std::nullopt) << "the least number";
  EXPECT_EQ(slots.Answered({.id = 1, .base = 0x20, .npages = 0x10}, true), std::nullopt);
  EXPECT_EQ(slots.QuotaFollowed(500, 4, 16), std::nullopt);
  EXPECT_EQ(slots.Answered({.id = 1}, true), std::nullopt);
  EXPECT_NE(slots.QuotaFollowed(500, 4, 16), std::nullopt);
}

TEST_F(GuestSlotsTest, OnlyASlotThatExistsIsDeleted) {
  Demands({.id = 0});
  Refuses({.id = 1}, "there is no such slot");
  EXPECT_EQ(slots.Answered({.id = 0}, true), std::nullopt);
  EXPECT_EQ(slots.Of(0), nullptr);
  EXPECT_EQ(slots.With(0x10), nullptr);
  Refuses({.id = 0}, "there is no such slot");
}

TEST_F(GuestSlotsTest, IdsFramesAndHostPagesHaveTheirEnds) {
  constexpr Gfn kLast = std::numeric_limits<Gfn>::max();
  Demands({.id = 31, .base = kLast - 1, .npages = 1});
  Refuses({.id = 32, .base = 0x40, .npages = 1}, "there is no such id");
  Refuses({.id = 1, .base = kLast, .npages = 1}, "its frames do not exist");
  constexpr Hva kHostPages = Hva{1} << Host::kHvaBits;
  Demands({.id = 1, .base = 0x40, .npages = 1, .hva = kHostPages - 2});
  Refuses({.id = 1, .base = 0x40, .npages = 1, .hva = kHostPages - 1},
          "its host pages do not exist");
}

TEST_F(GuestSlotsTest, AWrongAnswerIsWrongAndTheRecordFollowsTheRequest) {
  EXPECT_NE(slots.Answered({.id = 1, .base = 0x1f, .npages = 1}, true), std::nullopt);
  EXPECT_EQ(slots.Of(1), nullptr);
  EXPECT_EQ(slots.Answered({.id = 1, .base = 0x1f, .npages = 1}, false), std::nullopt);
  EXPECT_NE(slots.Answered({.id = 1, .base = 0x20, .npages = 1, .hva = 7}, false), std::nullopt);
  ASSERT_NE(slots.With(0x20), nullptr);
  EXPECT_EQ(slots.With(0x20)->PageOf(0x20), Hva{7});
}

TEST_F(GuestSlotsTest, OnlyALoggedSlotHasALog) {
  EXPECT_EQ(slots.FetchAnswered(0, false), std::nullopt);
  EXPECT_NE(slots.FetchAnswered(0, true), std::nullopt);
  EXPECT_EQ(slots.FetchAnswered(1, false), std::nullopt);
  EXPECT_NE(slots.FetchAnswered(1, true), std::nullopt);
  Slot logged = kFirst;
  logged.logged = true;
  EXPECT_EQ(slots.Answered(logged, true), std::nullopt);
  EXPECT_EQ(slots.FetchAnswered(0, true), std::nullopt);
  EXPECT_NE(slots.FetchAnswered(0, false), std::nullopt);
}

}  // namespace
}  // namespace rmapdiff
