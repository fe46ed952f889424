// GraphVoice: what can be seen of the MMU, and its end. Included by graph_voice.h, not on its own.
#ifndef RMAPDIFF_FUZZERS_VOICES_GRAPH_VOICE_OBSERVE_H_
#define RMAPDIFF_FUZZERS_VOICES_GRAPH_VOICE_OBSERVE_H_

#include "fuzzers/voices/graph_voice.h"

namespace rmapdiff {

// Neither watched by UBSan nor counted, see graph_reader.h.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("coverage", "undefined"))), \
                             apply_to = function)
#endif

template <ReverseMap R>
void GraphVoice<R>::ObserveTouched(const Touched& touched, Observation* out) {
  reader_.ObserveCommon(outcome_, out);
  out->rmaps.resize(touched.rmaps.size());
  for (size_t i = 0; i < touched.rmaps.size(); ++i) {
    const RmapId& id = touched.rmaps[i];
    RmapObservation& rmap = out->rmaps[i];
    rmap.id = id;
    const auto& slot = graph_.slots().all()[id.slot];
    reader_.ListEntries(slot.rmap(id.index, static_cast<int>(id.level)), &rmap.entries);
    Sort(&rmap.entries);
  }
  size_t pages = 0;
  out->pages.resize(touched.pages.size());
  for (const PageId id : touched.pages) {
    if (pages_[id] != nullptr) reader_.ObservePage(*pages_[id], &out->pages[pages++]);
  }
  out->pages.resize(pages);
  for (const SpteRef& ref : touched.slots) {
    if (pages_[ref.page] == nullptr) continue;
    out->slots.push_back({ref, reader_.SlotAt(*pages_[ref.page], ref.index)});
  }
}

template <ReverseMap R>
void GraphVoice<R>::ObserveAll(Observation* out) {
  reader_.ObserveCommon(outcome_, out);
  reader_.Observe(pages_, Raw(), out);
}

template <ReverseMap R>
const RawState& GraphVoice<R>::Raw() {
  if (!raw_) raw_.emplace();
  RawState& raw = **raw_;
  if (raw_is_current_) return raw;
  raw.header = header_;
  reader_.Read(pages_, &raw);
  raw_is_current_ = true;
  return raw;
}

#if defined(__clang__)
#pragma clang attribute pop
#endif

template <ReverseMap R>
std::string GraphVoice<R>::Teardown() {
  try {
    graph_.CommitZap(zapped_);
    while (!graph_.active_pages().empty()) {
      Page& page = static_cast<Page&>(*graph_.active_pages().back());
      page.root_count = 0;
      graph_.PrepareZap(page, zapped_);
    }
    graph_.CommitZap(zapped_);
    graph_.Drain(caches_);
    return reader_.Leaks();
  } catch (const BugError& error) {
    return fmt::format("BUG {}: {}", BugName(error.bug()), error.what());
  }
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_GRAPH_VOICE_OBSERVE_H_
