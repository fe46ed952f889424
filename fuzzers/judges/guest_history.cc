// GuestTruth: time, the stores of operations, and the former values of words.
#include <algorithm>

#include "fuzzers/judges/guest_truth.h"

namespace rmapdiff {

// `unnoticed`: the MMU does not know of these stores.
void GuestTruth::Drain(bool unnoticed) {
  for (const HostStore& store : log_) {
    Remember(store, unnoticed);
    stores_.push_back({store, true});
  }
  log_.clear();
}

void GuestTruth::Remember(const HostStore& store, bool unnoticed) {
  ++clock_;
  // In a window the tables of the access around it are not in tables_ yet.
  const bool may_be_table = !outer_.empty() || tables_.count(store.hva) != 0;
  const bool for_ever = (unnoticed && may_be_table) || IsAliased(store.hva);
  const uint64_t until = for_ever ? kForever : clock_;
  std::vector<Former>& formers = history_[uint64_t{store.hva} * host_.words() + store.word];
  for (Former& former : formers) {
    if (former.value != store.old_value) continue;
    former.until = std::max(former.until, until);
    return;
  }
  const uint64_t oldest = Oldest();
  std::erase_if(formers, [&](const Former& former) { return former.until <= oldest; });
  formers.push_back({store.old_value, until});
}

void GuestTruth::EndEvent() {
  ++event_;
  begin_ = clock_;
  interleaved_ = false;
  if (outer_.empty()) {
    stores_.clear();
    first_store_ = 0;
    return;
  }
  for (size_t i = first_store_; i < stores_.size(); ++i) stores_[i].own = false;
  first_store_ = stores_.size();
}

// No vcpu can reach a value that was replaced before.
uint64_t GuestTruth::Oldest() const {
  uint64_t oldest = kForever;
  for (const Processor& vcpu : vcpus_) oldest = std::min(oldest, vcpu.flushed);
  return std::min(oldest, Begin());
}

// When the operation began that is under way, with others in its windows. Until it ends the MMU may
// not know what it has stored.
uint64_t GuestTruth::Begin() const { return outer_.empty() ? begin_ : outer_.front().begin; }

// Whether the word has had the value at some time of this operation; without a window only the end
// of it counts.
bool GuestTruth::HeldSince(Hva hva, unsigned word, uint64_t value) const {
  if (host_.Read(hva, word) == value) return true;
  if (!interleaved_) return false;
  for (size_t i = first_store_; i < stores_.size(); ++i) {
    const HostStore& store = stores_[i].store;
    if (store.hva != hva || store.word != word) continue;
    if (store.old_value == value || store.new_value == value) return true;
  }
  return false;
}

uint64_t GuestTruth::ValueAtBegin(Hva hva, unsigned word) const {
  for (size_t i = first_store_; i < stores_.size(); ++i) {
    const HostStore& store = stores_[i].store;
    if (store.hva == hva && store.word == word) return store.old_value;
  }
  return host_.Read(hva, word);
}

void GuestTruth::BeginInterleaved() {
  Drain(false);
  outer_.push_back({begin_, first_store_, event_});
  begin_ = clock_;
  first_store_ = stores_.size();
  interleaved_ = false;
}

void GuestTruth::EndInterleaved() {
  Drain(true);
  for (size_t i = first_store_; i < stores_.size(); ++i) stores_[i].own = false;
  const Outer outer = outer_.back();
  outer_.pop_back();
  begin_ = outer.begin;
  first_store_ = outer.first_store;
  interleaved_ = true;
  interleaved_from_ = outer.event;
}

}  // namespace rmapdiff
