#include "tools/cli/findings/state_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "mmu/base/spte.h"

namespace rmapdiff {
namespace {

constexpr size_t kMaxLists = 10;
constexpr size_t kMaxPages = 12;
constexpr size_t kMaxRows = 20;     // of a page
constexpr size_t kMaxObjects = 12;  // of a list

constexpr const char* kRed = "#c62828";
constexpr const char* kPaleRed = "#ffd9d6";
constexpr const char* kGrey = "#9aa0a6";
constexpr const char* kEngineColours[] = {"#b35c00", "#1a5fb4", "#2e7d32", "#6a1b9a"};

std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

// Edges leave a slot on the right and arrive on the left.
std::string OutOf(const SpteRef& ref) { return fmt::format("p{}:s{}:e", ref.page, ref.index); }
std::string Into(const SpteRef& ref) { return fmt::format("p{}:i{}:w", ref.page, ref.index); }

bool Has(const std::vector<SpteRef>& refs, const SpteRef& ref) {
  return std::find(refs.begin(), refs.end(), ref) != refs.end();
}

std::vector<SpteRef> EntriesIn(const Observation& state, const ListId& list) {
  for (const RmapObservation& rmap : state.rmaps) {
    if (list.rmap && rmap.id == *list.rmap) return rmap.entries;
  }
  for (const PageObservation& page : state.pages) {
    if (!list.rmap && page.id == list.parents_of) return page.parents;
  }
  return {};
}

// The list as the engine has it.
DrawnList ListIn(const DrawnEngine& engine, const ListId& list) {
  DrawnList drawn;
  for (const RawRmap& rmap : engine.raw.rmaps) {
    if (list.rmap && rmap.id == *list.rmap) drawn.entries = rmap.entries;
  }
  for (const RawPage& page : engine.raw.pages) {
    if (!list.rmap && page.id == list.parents_of) drawn.entries = page.parents;
  }
  for (const auto& [id, sizes] : engine.shapes.rmaps) {
    if (list.rmap && id == *list.rmap) drawn.sizes = sizes;
  }
  for (const auto& [id, sizes] : engine.shapes.parents) {
    if (!list.rmap && id == list.parents_of) drawn.sizes = sizes;
  }
  return drawn;
}

class Picture {
 public:
  explicit Picture(const DrawnState& state) : state_(state), layout_(state.header.layout()) {}

  std::string Draw() {
    ChooseLists();
    ChoosePages();
    FindFaults();
    for (size_t i = 0; i < rmaps_.size(); ++i) DrawHead(i);
    for (const PageObservation& page : Base().pages) {
      if (pages_.count(page.id) != 0) DrawPage(page);
    }
    for (size_t i = 0; i < rmaps_.size(); ++i) DrawList({rmaps_[i], 0}, fmt::format("r{}", i));
    for (const PageId id : pages_) DrawList({std::nullopt, id}, fmt::format("p{}", id));
    return fmt::format(
               "digraph state {{\n"
               "  graph [rankdir=LR, nodesep=0.35, ranksep=1.1, fontname=\"Helvetica\", "
               "labelloc=t, labeljust=l, label=<{}>]\n"
               "  node [shape=plaintext, fontname=\"Helvetica\", fontsize=11, margin=0]\n"
               "  edge [fontname=\"Helvetica\", fontsize=10, arrowsize=0.7]\n",
               Title()) +
           nodes_ + edges_ + "}\n";
  }

 private:
  // Whose pages and slots are drawn: those that are as they should be.
  const Observation& Base() const { return state_.expected; }

  const char* ColourOf(size_t engine) const {
    return kEngineColours[std::min<size_t>(engine, std::size(kEngineColours) - 1)];
  }

  void ChooseLists() {
    std::vector<RmapId> all;
    const auto add = [&](const RmapId& id) {
      if (std::find(all.begin(), all.end(), id) == all.end()) all.push_back(id);
    };
    for (const DrawnEngine& engine : state_.engines) {
      if (!engine.why_not.empty()) continue;
      for (const FieldDifference& one :
           CompareAll(state_.expected, engine.state, Comparison::kModel, layout_, kMaxLists)) {
        if (one.list && one.list->rmap) add(*one.list->rmap);
        if (one.list && !one.list->rmap) pages_.insert(one.list->parents_of);
      }
    }
    for (const RmapId& id : state_.touched.rmaps) add(id);
    for (const RmapObservation& rmap : state_.expected.rmaps) add(rmap.id);
    left_out_lists_ = all.size() - std::min(all.size(), kMaxLists);
    all.resize(all.size() - left_out_lists_);
    rmaps_ = std::move(all);
  }

  // Pages with entries on the lists, then what they hang on, as long as there is room.
  void ChoosePages() {
    const auto add = [this](PageId id) {
      if (pages_.size() < kMaxPages) pages_.insert(id);
    };
    for (const RmapId& id : rmaps_) {
      for (const SpteRef& ref : EntriesIn(state_.expected, {id, 0})) add(ref.page);
    }
    for (const PageId id : state_.touched.pages) add(id);
    for (const PageObservation& page : Base().pages) add(page.id);
    std::set<PageId> there;
    for (const PageObservation& page : Base().pages) there.insert(page.id);
    std::erase_if(pages_, [&](PageId id) { return there.count(id) == 0; });
    left_out_pages_ = there.size() - pages_.size();
  }

  // What is wrong with a slot, in words.
  void FindFaults() {
    const auto say = [this](const SpteRef& ref, const std::string& what) {
      std::string& fault = faults_[ref];
      if (fault.find(what) == fault.npos) fault += (fault.empty() ? "" : "; ") + what;
    };
    std::vector<ListId> lists;
    for (const RmapId& id : rmaps_) lists.push_back({id, 0});
    for (const PageId id : pages_) lists.push_back({std::nullopt, id});
    for (const DrawnEngine& engine : state_.engines) {
      if (!engine.why_not.empty()) continue;
      for (const ListId& list : lists) {
        const std::vector<SpteRef> expected = EntriesIn(state_.expected, list);
        const std::vector<SpteRef> actual = ListIn(engine, list).entries;
        for (const SpteRef& ref : expected) {
          if (!Has(actual, ref)) say(ref, "not on the list of " + engine.name);
        }
        for (const SpteRef& ref : actual) {
          if (!Has(expected, ref)) say(ref, "still on the list of " + engine.name);
        }
      }
      std::map<SpteRef, SlotValue> expected;
      for (const SlotObservation& slot : state_.expected.slots) expected[slot.ref] = slot.value;
      std::map<SpteRef, SlotValue> actual;
      for (const SlotObservation& slot : engine.state.slots) actual[slot.ref] = slot.value;
      for (const auto& [ref, value] : expected) {
        const auto other = actual.find(ref);
        if (other != actual.end() && other->second == value) continue;
        say(ref,
            engine.name + " has " + (other == actual.end() ? "nothing" : ToString(other->second)));
      }
      for (const auto& [ref, value] : actual) {
        if (expected.count(ref) == 0) say(ref, engine.name + " has " + ToString(value));
      }
    }
  }

  std::string Title() const {
    std::string title = "<B>" + Escaped(state_.title) + "</B><BR ALIGN=\"LEFT\"/>";
    for (size_t i = 0; i < state_.engines.size(); ++i) {
      const DrawnEngine& engine = state_.engines[i];
      const bool boxes = engine.shapes.rmap_capacity > 0;
      const std::string how = !engine.why_not.empty() ? engine.why_not
                              : boxes                 ? "lists in boxes, a single entry by an arrow"
                                                      : "lists as a thread from slot to slot";
      title += fmt::format("<FONT COLOR=\"{}\">{}: {}</FONT>   ", ColourOf(i), Escaped(engine.name),
                           Escaped(how));
    }
    title += fmt::format("<FONT COLOR=\"{}\">grey: what an spte points at</FONT>", kGrey);
    if (left_out_lists_ + left_out_pages_ > 0) {
      title += fmt::format("   ({} reverse maps and {} pages are left out)", left_out_lists_,
                           left_out_pages_);
    }
    return title + "<BR ALIGN=\"LEFT\"/>";
  }

  bool Differs(const DrawnEngine& engine, const ListId& list) const {
    if (!engine.why_not.empty()) return true;
    std::vector<SpteRef> actual = ListIn(engine, list).entries;
    std::sort(actual.begin(), actual.end());
    return actual != EntriesIn(state_.expected, list);
  }

  // A row of a table for each engine, from which its list begins.
  std::string EngineRows(const ListId& list, int columns) const {
    std::string rows;
    for (size_t i = 0; i < state_.engines.size(); ++i) {
      const DrawnEngine& engine = state_.engines[i];
      const bool wrong = Differs(engine, list);
      rows += fmt::format(
          "<TR><TD PORT=\"e{}\" COLSPAN=\"{}\" ALIGN=\"RIGHT\"{}><FONT COLOR=\"{}\">{}</FONT></TD>"
          "</TR>",
          i, columns, wrong ? fmt::format(" BGCOLOR=\"{}\"", kPaleRed) : "", ColourOf(i),
          Escaped(engine.name) +
              (engine.why_not.empty()
                   ? (ListIn(engine, list).entries.empty() ? " (empty)" : " &#9679;")
                   : " ?"));
    }
    return rows;
  }

  void DrawHead(size_t index) {
    const std::string name = ToString(rmaps_[index], layout_);
    nodes_ += fmt::format(
        "  r{} [label=<<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\" CELLPADDING=\"4\">"
        "<TR><TD BGCOLOR=\"#eceff1\"><B>{}</B></TD></TR>{}</TABLE>>]\n",
        index, Escaped(name), EngineRows({rmaps_[index], 0}, 1));
  }

  std::string Content(const SlotObservation& slot) const {
    const SlotValue& value = slot.value;
    if (value.kind == SlotValue::Kind::kLink) return fmt::format("link to page {}", value.child);
    if (value.kind != SlotValue::Kind::kLeaf) return ToString(value);
    std::string text =
        fmt::format("pfn {:#x}{}", PfnOf(value.word), IsWritable(value.word) ? " writable" : "");
    for (const RmapObservation& rmap : state_.expected.rmaps) {
      if (!Has(rmap.entries, slot.ref)) continue;
      return FrameName(rmap.id, layout_) + ", " + text;
    }
    return text;
  }

  void DrawPage(const PageObservation& page) {
    std::string rows;
    size_t shown = 0;
    size_t left_out = 0;
    const auto row = [&](const SpteRef& ref, const std::string& content) {
      const auto fault = faults_.find(ref);
      const bool red = fault != faults_.end();
      if (shown >= kMaxRows && !red) {
        ++left_out;
        return;
      }
      ++shown;
      const std::string background = red ? fmt::format(" BGCOLOR=\"{}\"", kPaleRed) : "";
      const std::string remark =
          red ? fmt::format("<BR/><FONT COLOR=\"{}\">{}</FONT>", kRed, Escaped(fault->second)) : "";
      rows += fmt::format(
          "<TR><TD PORT=\"i{0}\"{1}>{0}</TD><TD PORT=\"s{0}\" ALIGN=\"LEFT\"{1}>{2}{3}</TD></TR>",
          ref.index, background, Escaped(content), remark);
    };
    std::set<SpteRef> seen;
    for (const SlotObservation& slot : state_.expected.slots) {
      if (slot.ref.page != page.id) continue;
      seen.insert(slot.ref);
      row(slot.ref, Content(slot));
      if (slot.value.kind == SlotValue::Kind::kLink && pages_.count(slot.value.child) != 0) {
        Edge(OutOf(slot.ref), fmt::format("p{}:head:w", slot.value.child), kGrey, "");
      }
    }
    for (const auto& [ref, fault] : faults_) {
      if (ref.page == page.id && seen.count(ref) == 0) row(ref, "empty");
    }
    if (left_out > 0) rows += fmt::format("<TR><TD COLSPAN=\"2\">{} more</TD></TR>", left_out);
    const bool has_parents = !ParentsNowhere(page.id);
    nodes_ += fmt::format(
        "  p{} [label=<<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\" CELLPADDING=\"4\">"
        "<TR><TD PORT=\"head\" COLSPAN=\"2\" BGCOLOR=\"#e3f2fd\"><B>page {}</B><BR/>level {}, gfn "
        "{:#x}{}{}{}</TD></TR>{}{}</TABLE>>]\n",
        page.id, page.id, static_cast<uint32_t>(page.role.level), page.gfn,
        page.role.direct != 0 ? ", direct" : "", page.unsync ? ", unsync" : "",
        has_parents ? "<BR/>parents:" : "",
        has_parents ? EngineRows({std::nullopt, page.id}, 2) : "", rows);
  }

  bool ParentsNowhere(PageId id) const {
    bool none = EntriesIn(state_.expected, {std::nullopt, id}).empty();
    for (const DrawnEngine& engine : state_.engines) {
      none = none && ListIn(engine, {std::nullopt, id}).entries.empty();
    }
    return none;
  }

  void DrawList(const ListId& list, const std::string& node) {
    for (size_t i = 0; i < state_.engines.size(); ++i) {
      const DrawnEngine& engine = state_.engines[i];
      if (!engine.why_not.empty()) continue;
      const DrawnList drawn = ListIn(engine, list);
      const std::string from = fmt::format("{}:e{}:{}", node, i, list.rmap ? "e" : "w");
      const std::string style = list.rmap ? "penwidth=1.6" : "style=dashed, constraint=false";
      if (drawn.sizes.empty()) {
        Thread(drawn.entries, from, ColourOf(i), style, list.rmap.has_value());
      } else {
        Boxes(drawn, from, fmt::format("b{}_{}", node, i), i, list.rmap.has_value(), style);
      }
    }
  }

  void Thread(const std::vector<SpteRef>& entries, std::string from, const char* colour,
              const std::string& style, bool rmap) {
    for (size_t i = 0; i < entries.size(); ++i) {
      const SpteRef& ref = entries[i];
      if (pages_.count(ref.page) == 0) return;  // what is left out cannot be pointed at
      // Within a page the thread stays on its right; a page's parents are to the left of it.
      const bool within = !rmap || (i > 0 && entries[i - 1].page == ref.page);
      Edge(from, within ? OutOf(ref) : Into(ref), colour,
           i == 0 ? style : style + ", constraint=false");
      from = OutOf(ref);
    }
  }

  void Boxes(const DrawnList& list, std::string from, const std::string& name, size_t engine,
             bool rmap, const std::string& style) {
    const ListShapes& shapes = state_.engines[engine].shapes;
    const uint32_t capacity = rmap ? shapes.rmap_capacity : shapes.parent_capacity;
    size_t at = 0;
    for (size_t box = 0; box < std::min(list.sizes.size(), kMaxObjects); ++box) {
      std::string cells;
      for (uint32_t i = 0; i < capacity; ++i) {
        const bool used = i < list.sizes[box] && at < list.entries.size();
        cells += "<TD>" + (used ? ToString(list.entries[at++]) : std::string("&#8211;")) + "</TD>";
      }
      const std::string node = fmt::format("{}_{}", name, box);
      nodes_ += fmt::format(
          "  {} [label=<<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\" CELLPADDING=\"4\" "
          "COLOR=\"{}\"><TR><TD PORT=\"in\" COLSPAN=\"{}\"><FONT COLOR=\"{}\">{}</FONT></TD></TR>"
          "<TR>{}</TR></TABLE>>]\n",
          node, ColourOf(engine), capacity, ColourOf(engine), rmap ? "descriptor" : "chain", cells);
      Edge(from, node + (rmap ? ":in:w" : ":in:e"), ColourOf(engine), style);
      from = node;
    }
  }

  void Edge(const std::string& from, const std::string& to, const std::string& colour,
            const std::string& style) {
    edges_ += fmt::format("  {} -> {} [color=\"{}\"{}{}]\n", from, to, colour,
                          style.empty() ? "" : ", ", style);
  }

  const DrawnState& state_;
  const GuestLayout& layout_;
  std::vector<RmapId> rmaps_;
  std::set<PageId> pages_;
  std::map<SpteRef, std::string> faults_;
  size_t left_out_lists_ = 0;
  size_t left_out_pages_ = 0;
  std::string nodes_;
  std::string edges_;
};

}  // namespace

std::string StateGraph(const DrawnState& state) { return Picture(state).Draw(); }

}  // namespace rmapdiff
