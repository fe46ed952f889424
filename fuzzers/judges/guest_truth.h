// The judge of everything that a guest may see: accesses, TLBs, shadow tables and dirty logs.
//
// Its caller reports each event right after it. GuestTruth answers with a line on the fault, if
// there is one. It has its own record of memslots, registers and the past of guest memory. It has
// its own walk of the guest's tables, after Intel SDM volume 3A, chapter 4. With the MMU it shares
// Host's frames and contents and the names of modes and bits, but no code.
//
// Time. Until an invalidation, a processor may use any value that an entry has had since the last
// one. Entries of different levels may be of different ages. So each word of guest memory keeps its
// former values, each with the time of its end. A vcpu may walk by all values held since its last
// LoadCr3, SetMode, or invlpg of the page. A processor never caches an entry that is not present or
// has a reserved bit. Such an entry makes a fault only if it is there now. Memslots and the places
// of host pages are never old: the notifiers flush.
//
// The MMU does not hear of the stores of userspace and of kvm_write_guest. Nor does it hear of a
// guest's stores through another memslot with the same user page. They never reach the shadow of a
// synchronised table. The values that they replace in a page that has served as a table stay
// allowed for ever.
//
// Operations. Each ends with exactly one of the calls under Events. The stores between two events
// belong to the second. The MMU also acts in windows in the midst of another operation
// (Interleave). Those operations stand between BeginInterleaved and EndInterleaved.
//
// One class in five files. Events and verdicts are in guest_truth.cc, refusals in guest_answers.cc,
// the dirty log in guest_dirty_log.cc. Time and stores are in guest_history.cc, the walk in
// guest_walk.cc.
//
// Invariants: every stored word is in history_ once its event is over. A value that allows more is
// never forgotten as long as a vcpu may use it.
//
// Not covered: the order of two stores. If one address has more than kMaxWays different walks,
// everything is allowed. A host page that is unmapped while a table is in it keeps its contents.
#ifndef RMAPDIFF_FUZZERS_JUDGES_GUEST_TRUTH_H_
#define RMAPDIFF_FUZZERS_JUDGES_GUEST_TRUTH_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "mmu/base/types.h"
#include "mmu/shadow/guest.h"  // modes, and the names of bits
#include "mmu/shadow/host.h"

namespace rmapdiff {

struct TruthConfig {
  unsigned level_bits = 9;  // a page has 2^level_bits words
  int vcpus = 1;
  bool tdp = false;
  int tdp_level = 4;  // 3 or 4: how many bits of a guest physical address exist
};

// One access that a guest asked for.
struct TruthAccess {
  enum class Type : uint8_t { kRead, kWrite, kFetch };
  Gva gva = 0;
  Type type = Type::kRead;
  bool user = false;
  uint64_t value = 0;     // to write
  int bytes = 8;          // to write: 1, 2, 4 or 8
  bool ac = false;        // EFLAGS.AC is set
  bool implicit = false;  // the processor's own, to a system structure: always the supervisor's

  bool IsWrite() const { return type == Type::kWrite; }
};

// ... and what came of it.
struct TruthResult {
  enum class Kind : uint8_t {
    kDone,       // by the processor, or the emulator
    kFault,      // #PF with error_code
    kMmio,       // there is no memslot
    kHostFault,  // the host has nothing mapped there
    kOther,      // KVM gave up, or shut the guest down: nothing is claimed
  };
  Kind kind = Kind::kOther;
  uint64_t value = 0;  // kDone: the whole word after the access
  uint32_t error_code = 0;
  Pfn pfn = 0;  // kDone: the frame reached; 0: by the emulator
};

// The rights that a translation gives the guest besides supervisor reads.
struct TruthRights {
  bool writable = false;
  bool user = false;
  bool executable = false;
};

class GuestTruth {
 public:
  using Wrong = std::optional<std::string>;

  static constexpr size_t kMaxWays = 64;

  // Attaches itself to the host's log of stores.
  GuestTruth(Host& host, const TruthConfig& config);
  ~GuestTruth() { host_.LogTo(nullptr); }
  GuestTruth(const GuestTruth&) = delete;
  GuestTruth& operator=(const GuestTruth&) = delete;

  // ---- Events: each is the end of an operation ----
  // A load of cr3 or a change of mode that succeeded.
  // `others`: the bits of the value beside those of the frame's number.
  void LoadedCr3(int vcpu, Gfn cr3, uint64_t others = 0);
  void SetMode(int vcpu, const GuestMode& mode, Gfn cr3);
  // A write to CR4 with these SMEP and SMAP bits that succeeded.
  void WroteCr4(int vcpu, bool smep, bool smap);
  void Invlpg(int vcpu, Gva gva);
  // The slot is this now; npages 0: it is gone. `logged`: its dirty log is on.
  // `read_only`: the guest's stores to it are MMIO.
  void SlotChanged(uint32_t id, Gfn base, Gfn npages, Hva hva, bool logged, bool read_only = false);
  // The dirty log was fetched: these frames, in order. All frames that were written have to be
  // there. If it was fetched just before, and nothing has happened since, it has to be empty.
  Wrong LogFetched(uint32_t id, const std::vector<Gfn>& dirty);
  // The same without an end of anything: the frames stay dirty until they are cleared.
  Wrong LogShown(uint32_t id, const std::vector<Gfn>& dirty);
  // Userspace has cleared these frames of the slot, counted from its first one. They are clean, and
  // the next write to them is logged again.
  void LogCleared(uint32_t id, const std::vector<Gfn>& frames);
  Wrong Accessed(int vcpu, const TruthAccess& access, const TruthResult& result);
  // One instruction with many stores; the result is that of the last that was tried. REQUIRES: at
  // least one.
  Wrong StoredMany(int vcpu, const std::vector<TruthAccess>& stores, const TruthResult& last);
  // KVM stored into a word of the guest: kvm_write_guest, or with mmu_told kvm_pv_mmu_write.
  Wrong WroteGuest(Gfn gfn, unsigned word, bool mmu_told);
  // An operation that stores nothing; `logs_nothing`: and makes nothing writable.
  Wrong StoredNothing(bool logs_nothing);
  // Userspace stored into a word of guest memory, if it has the frame.
  Wrong UserspaceStored(Gfn gfn, unsigned word);
  // KVM has walked the guest's tables for itself.
  Wrong LookedUp(int vcpu, Gva gva);
  // An access of the vcpu to `gva` had to wait for a host page, and the page is back. KVM may map
  // it for the vcpu only if cr3 and paging are those of the access. `mapped`: it has done so.
  Wrong PageReady(int vcpu, Gva gva, bool mapped);
  // Everything else.
  void Absorb();

  // ---- Around the operations in a window of another one ----
  void BeginInterleaved();
  void EndInterleaved();

  // ---- Questions; no operation ends ----
  // A translation of guest page number `page` from the vcpu's TLB or its shadow tables. Each 4 KiB
  // page of a large one is a question of its own.
  Wrong Reachable(int vcpu, Gva page, int level, const TruthRights& rights, Pfn pfn);
  // Before the event: cr3, or mode and cr3, were loaded or refused.
  Wrong Cr3Answered(int vcpu, Gfn cr3, bool done, uint64_t others = 0) const;
  Wrong ModeAnswered(int vcpu, const GuestMode& mode, Gfn cr3, bool done) const;
  Wrong Cr4Answered(int vcpu, bool smep, bool done) const;
  // The guest was shut down when it was entered.
  Wrong ShutDown(int vcpu) const;
  // Before the event: KVM's or userspace's store by a guest physical address. kOther: it was
  // refused without a reason.
  Wrong StoreAnswered(const TruthAccess& store, TruthResult::Kind answer,
                      bool by_userspace = false) const;
  // Of the last access or look-up: whether an allowed walk leads to the frame; whether all do.
  bool MayHaveMet(Gfn gfn) const;
  bool MustHaveMet(Gfn gfn) const;
  // Whether an allowed walk leads into the host's block that the frame is in.
  bool MayHaveMetBlockOf(Gfn gfn) const;
  // The largest level, `most` or less, at which KVM may map the page of the last access. The host,
  // the guest, the memslot and the frames in `tables` limit it. 1: there may be several walks.
  int LargestLevel(int vcpu, int most, const std::vector<Gfn>& tables) const;
  // Whether the access may be a store of the supervisor to a read-only user page, without CR0.WP.
  // SMAP must still protect that page from other accesses.
  bool IsLetPastSmap(int vcpu, const TruthAccess& access) const;

  // The frames that accesses may have led to, since the last call. Nothing in the place of a frame:
  // any.
  std::vector<std::optional<Pfn>> TakeReached() { return std::exchange(reached_, {}); }

 private:
  static constexpr uint64_t kForever = ~uint64_t{0};
  static constexpr size_t kMaxValues = 32;
  static constexpr int kMaxSteps = 1024;

  struct Former {
    uint64_t value;
    uint64_t until;
  };
  struct Slot {
    uint32_t id;
    Gfn base;
    Gfn npages;
    Hva hva;
    bool logged;
    bool read_only = false;
    bool Contains(Gfn gfn) const { return gfn >= base && gfn - base < npages; }
  };
  // An access that the host could not serve, and where it was.
  struct Awaited {
    Gva gva;
    Gfn cr3;
    bool direct;
    friend bool operator==(const Awaited&, const Awaited&) = default;
  };
  struct Processor {
    GuestMode mode;
    Gfn cr3 = 0;
    std::array<uint64_t, 4> pdptrs{};
    std::vector<Awaited> awaited;  // since the last PageReady; at most kMaxWays
    uint64_t flushed = 0;
    std::unordered_map<Gva, uint64_t> invalidated;  // since `flushed`
  };
  // A store of the current operations; `own`: not by an interleaved one.
  struct Stored {
    HostStore store;
    bool own = true;
  };
  struct Entry {
    Gfn table;
    Hva hva;
    unsigned word;
    unsigned shift;  // 32: the upper half of the word
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  // One walk that is allowed, to its end.
  struct Way {
    bool fault = false;
    bool denied = false;  // a right was missing above
    uint32_t error = 0;
    Gfn gfn = 0;
    std::optional<Hva> hva;
    bool read_only = false;  // its memslot is
    bool writable = true;
    bool user = true;
    bool executable = true;
    bool accessed = true;  // A was set in every entry
    bool dirty = true;     // D in the last one
    int depth = 0;         // entries that KVM used
    std::array<Entry, kRootLevel> entries{};
  };
  // The last log that was shown, less what was cleared since, if nothing else has happened.
  struct Shown {
    uint32_t id;
    uint64_t event;
    std::vector<Gfn> dirty;
  };
  // The accesses that account for a store of the operation.
  struct Explanation {
    bool found = false;
    bool any_frame = false;   // too many walks, or the store of another operation
    std::vector<Gfn> frames;  // the store wrote one of these; a frame may stand there twice
  };
  // A value that an entry may have.
  struct Value {
    uint64_t gpte;  // without what does not matter, A and D
    bool accessed;
    bool dirty;
    bool fresh;
  };
  struct ValueList {
    std::array<Value, kMaxValues> values;
    size_t count = 0;
  };
  // An access while it is being judged.
  struct Judged {
    const Processor& vcpu;
    TruthAccess access;
    Gva page;
    unsigned word;
    uint64_t mask;   // of the bytes to write
    uint64_t bytes;  // and what they become
  };
  struct Written {
    std::vector<Gfn> candidates;
    uint64_t event;
  };
  struct Outer {
    uint64_t begin;
    size_t first_store;
    uint64_t event;
  };

  // ---- Time and stores ----
  void Drain(bool unnoticed);
  void Remember(const HostStore& store, bool unnoticed);
  void EndEvent();
  uint64_t Oldest() const;
  uint64_t Begin() const;
  bool HeldSince(Hva hva, unsigned word, uint64_t value) const;
  uint64_t ValueAtBegin(Hva hva, unsigned word) const;

  // ---- The guest ----
  const Slot* SlotOf(Gfn gfn) const;
  const Slot* SlotWithId(uint32_t id) const;
  bool IsReadOnly(Gfn gfn) const;
  std::optional<Hva> HvaOf(Gfn gfn) const;
  bool IsAliased(Hva hva) const;
  void Flush(Processor& vcpu);
  void ReadPdptrs(Processor& vcpu);
  void MarkRoots(const Processor& vcpu);
  bool HasPdptrs(Gfn cr3) const;
  Awaited At(const Processor& vcpu, Gva gva) const;
  bool IsDirect(const Processor& vcpu) const;
  Gva PageOf(const Processor& vcpu, Gva page) const;
  unsigned IndexBits(const Processor& vcpu) const;
  uint64_t Reserved(const Processor& vcpu, uint64_t gpte, int level) const;
  bool IsLast(const Processor& vcpu, uint64_t gpte, int level) const;
  static bool KeepsOffUserPages(const Processor& vcpu, const TruthAccess& access);

  // ---- The walk: fills ways_, or sets anything_ ----
  void Walk(const Processor& vcpu, Gva page, const TruthAccess* access);
  void Descend(const Processor& vcpu, Gva page, const TruthAccess* access, int level, Gfn table,
               const Way& above);
  void Step(const Processor& vcpu, Gva page, const TruthAccess* access, int level,
            const Value& value, const Entry& entry, const Way& above);
  void AddFault(const Processor& vcpu, const Way& above, const TruthAccess* access, uint32_t error);
  void AddLeaf(Way way, Gfn gfn);
  void NoteWays();
  void NoteReached(const std::optional<Hva>& hva);
  bool ValuesOf(const Entry& entry, bool narrow, uint64_t since, ValueList* list) const;
  bool AddValue(const Entry& entry, bool narrow, uint64_t word, bool fresh, ValueList* list) const;

  // ---- Verdicts ----
  Judged Prepare(const Processor& vcpu, TruthAccess access) const;
  template <class Predicate>
  bool Keep(Predicate&& predicate);
  const char* WhatIsWrong(const Judged& judged, const TruthResult& result);
  const char* WrongPlace(const Judged& judged, const TruthResult& result);
  const char* WrongContents(const Judged& judged, const TruthResult& result);
  void ExplainStores(const Judged& judged, bool data, std::vector<Explanation>* explained);
  void PendStores(const std::vector<Explanation>& explained);
  bool SetsUsedBits(const HostStore& store, bool write, std::vector<Gfn>* tables) const;
  bool IsData(const Judged& judged, const HostStore& store, std::vector<Gfn>* gfns) const;
  Wrong Unexplained(int vcpu, const TruthAccess& access,
                    const std::vector<Explanation>& explained) const;
  Wrong Answered(int vcpu, Gfn cr3, const char* refusal, bool done) const;
  static Gfn FrameInCr3(const Processor& vcpu, Gfn cr3, uint64_t others);
  Wrong StrayStore(std::optional<Hva> hva, unsigned word) const;
  void WriteDone();
  void Pend(std::vector<Gfn> candidates);
  bool SlotHas(const Slot& slot, const Written& written) const;
  static Wrong StrangeFrame(const Slot& slot, const std::vector<Gfn>& dirty);
  bool NothingSinceFetch() const;  // that a log could show
  bool MayBeLater(uint64_t event) const;
  std::optional<Gfn> MissingFrame(const Slot& slot, const std::vector<Gfn>& dirty) const;
  Wrong WrongLog(uint32_t id, const std::vector<Gfn>& dirty) const;

  Host& host_;
  const TruthConfig config_;
  std::vector<HostStore> log_;
  std::vector<Processor> vcpus_;
  std::vector<Slot> slots_;
  std::unordered_map<uint64_t, std::vector<Former>> history_;  // by hva and word
  std::unordered_set<Hva> tables_;                             // pages that have served as tables
  std::unordered_map<Gfn, uint64_t> written_;                  // logged frames, when first written
  std::vector<Written> written_one_of_;
  bool any_logged_ = false;
  std::optional<uint64_t> last_fetch_;    // the event of the last fetch of a log
  std::optional<uint32_t> last_fetched_;  // its slot, if nothing was going on beside it
  uint64_t quiet_events_ = 0;             // since then, without a gap

  std::optional<Shown> shown_;

  uint64_t clock_ = 0;             // stores so far
  uint64_t event_ = 0;             // events so far
  uint64_t begin_ = 0;             // clock_ when the operation began
  size_t first_store_ = 0;         // of the operation, in stores_
  std::vector<Stored> stores_;     // of the operation and those around it
  std::vector<Outer> outer_;       // the operations around this one
  bool interleaved_ = false;       // others have run within this one
  uint64_t interleaved_from_ = 0;  // the first event of these

  std::vector<std::optional<Pfn>> reached_;

  // The walk under way.
  std::vector<Way> ways_;
  bool anything_ = false;
  int steps_ = 0;
  uint64_t since_ = 0;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_JUDGES_GUEST_TRUTH_H_
