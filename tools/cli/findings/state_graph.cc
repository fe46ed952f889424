#include "tools/cli/findings/state_graph.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

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
  constexpr std::pair<char, const char*> kEntities[] = {
      {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}};
  std::string escaped;
  for (const char c : text) {
    const auto* entity = std::find_if(std::begin(kEntities), std::end(kEntities),
                                      [c](const auto& one) { return one.first == c; });
    escaped += entity != std::end(kEntities) ? entity->second : std::string(1, c);
  }
  return escaped;
}

std::string Font(const char* colour, const std::string& content) {
  return fmt::format("<FONT COLOR=\"{}\">{}</FONT>", colour, content);
}

// A cell of a table; `attributes` have a space before each.
std::string Cell(const std::string& attributes, const std::string& content) {
  return fmt::format("<TD{}>{}</TD>", attributes, content);
}
std::string Row(const std::string& cells) { return "<TR>" + cells + "</TR>"; }
std::string Background(const char* colour) { return fmt::format(" BGCOLOR=\"{}\"", colour); }

// Edges leave a slot on the right and arrive on the left.
std::string OutOf(const SpteRef& ref) { return fmt::format("p{}:s{}:e", ref.page, ref.index); }
std::string Into(const SpteRef& ref) { return fmt::format("p{}:i{}:w", ref.page, ref.index); }

bool Has(const std::vector<SpteRef>& refs, const SpteRef& ref) {
  return std::find(refs.begin(), refs.end(), ref) != refs.end();
}

// The list in a state: of an observation sorted, of a raw state in its MMU's own order.
template <typename State>
std::vector<SpteRef> EntriesIn(const State& state, const ListId& list) {
  for (const auto& rmap : state.rmaps) {
    if (list.rmap && rmap.id == *list.rmap) return rmap.entries;
  }
  for (const auto& page : state.pages) {
    if (!list.rmap && page.id == list.parents_of) return page.parents;
  }
  return {};
}

// The sizes of the objects that hold the list; empty if there are none.
std::vector<uint32_t> SizesIn(const ListShapes& shapes, const ListId& list) {
  for (const auto& [id, sizes] : shapes.rmaps) {
    if (list.rmap && id == *list.rmap) return sizes;
  }
  for (const auto& [id, sizes] : shapes.parents) {
    if (!list.rmap && id == list.parents_of) return sizes;
  }
  return {};
}

std::map<SpteRef, SlotValue> SlotsIn(const Observation& state) {
  std::map<SpteRef, SlotValue> slots;
  for (const SlotObservation& slot : state.slots) slots[slot.ref] = slot.value;
  return slots;
}

class Picture {
 public:
  explicit Picture(const DrawnState& state) : state_(state), layout_(state.header.layout()) {}

  std::string Draw() {
    ChooseLists();
    ChoosePages();
    FindFaults();
    for (size_t i = 0; i < rmaps_.size(); ++i) DrawHead(i);
    for (const PageObservation& page : state_.expected.pages) {
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

  // Pages with entries on the lists, then all others, as long as there is room.
  void ChoosePages() {
    const auto add = [this](PageId id) {
      if (pages_.size() < kMaxPages) pages_.insert(id);
    };
    for (const RmapId& id : rmaps_) {
      for (const SpteRef& ref : EntriesIn(state_.expected, {id, 0})) add(ref.page);
    }
    for (const PageId id : state_.touched.pages) add(id);
    std::set<PageId> there;
    for (const PageObservation& page : state_.expected.pages) {
      there.insert(page.id);
      add(page.id);
    }
    std::erase_if(pages_, [&](PageId id) { return there.count(id) == 0; });
    left_out_pages_ = there.size() - pages_.size();
  }

  // The faults of each slot, in words.
  void FindFaults() {
    std::vector<ListId> lists;
    for (const RmapId& id : rmaps_) lists.push_back({id, 0});
    for (const PageId id : pages_) lists.push_back({std::nullopt, id});
    for (const DrawnEngine& engine : state_.engines) {
      if (!engine.why_not.empty()) continue;
      for (const ListId& list : lists) {
        const std::vector<SpteRef> expected = EntriesIn(state_.expected, list);
        const std::vector<SpteRef> actual = EntriesIn(engine.raw, list);
        for (const SpteRef& ref : expected) {
          if (!Has(actual, ref)) AddFault(ref, "not on the list of " + engine.name);
        }
        for (const SpteRef& ref : actual) {
          if (!Has(expected, ref)) AddFault(ref, "still on the list of " + engine.name);
        }
      }
      const std::map<SpteRef, SlotValue> expected = SlotsIn(state_.expected);
      std::map<SpteRef, SlotValue> actual = SlotsIn(engine.state);
      for (const auto& [ref, value] : expected) {
        if (actual.count(ref) == 0) AddFault(ref, engine.name + " has nothing");
      }
      for (const auto& [ref, value] : actual) {
        const auto right = expected.find(ref);
        if (right != expected.end() && right->second == value) continue;
        AddFault(ref, engine.name + " has " + ToString(value));
      }
    }
  }

  void AddFault(const SpteRef& ref, const std::string& what) {
    std::string& fault = faults_[ref];
    if (fault.find(what) == fault.npos) fault += (fault.empty() ? "" : "; ") + what;
  }

  std::string Title() const {
    std::string title = "<B>" + Escaped(state_.title) + "</B><BR ALIGN=\"LEFT\"/>";
    for (size_t i = 0; i < state_.engines.size(); ++i) {
      const DrawnEngine& engine = state_.engines[i];
      const bool boxes = engine.shapes.rmap_capacity > 0;
      const std::string how = !engine.why_not.empty() ? engine.why_not
                              : boxes                 ? "lists in boxes, a single entry by an arrow"
                                                      : "lists as a thread from slot to slot";
      title += Font(ColourOf(i), Escaped(engine.name + ": " + how)) + "   ";
    }
    title += Font(kGrey, "grey: what an spte points at");
    if (left_out_lists_ + left_out_pages_ > 0) {
      title += fmt::format("   ({} reverse maps and {} pages are left out)", left_out_lists_,
                           left_out_pages_);
    }
    return title + "<BR ALIGN=\"LEFT\"/>";
  }

  // A row of a table for each engine, from which its list begins.
  std::string EngineRows(const ListId& list, int columns) const {
    std::string rows;
    for (size_t i = 0; i < state_.engines.size(); ++i) {
      const DrawnEngine& engine = state_.engines[i];
      const bool drawn = engine.why_not.empty();
      std::vector<SpteRef> actual = EntriesIn(engine.raw, list);
      const char* how = !drawn ? " ?" : actual.empty() ? " (empty)" : " &#9679;";
      std::sort(actual.begin(), actual.end());
      const bool wrong = !drawn || actual != EntriesIn(state_.expected, list);
      rows += Row(Cell(fmt::format(" PORT=\"e{}\" COLSPAN=\"{}\" ALIGN=\"RIGHT\"{}", i, columns,
                                   wrong ? Background(kPaleRed) : ""),
                       Font(ColourOf(i), Escaped(engine.name) + how)));
    }
    return rows;
  }

  void Node(const std::string& name, const std::string& rows, const std::string& attributes = "") {
    nodes_ += fmt::format(
        "  {} [label=<<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\" CELLPADDING=\"4\"{}>"
        "{}</TABLE>>]\n",
        name, attributes, rows);
  }

  void DrawHead(size_t index) {
    const std::string name = ToString(rmaps_[index], layout_);
    Node(fmt::format("r{}", index),
         Row(Cell(Background("#eceff1"), "<B>" + Escaped(name) + "</B>")) +
             EngineRows({rmaps_[index], 0}, 1));
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
      const std::string background = red ? Background(kPaleRed) : "";
      const std::string remark = red ? "<BR/>" + Font(kRed, Escaped(fault->second)) : "";
      rows += Row(Cell(fmt::format(" PORT=\"i{}\"{}", ref.index, background),
                       fmt::format("{}", ref.index)) +
                  Cell(fmt::format(" PORT=\"s{}\" ALIGN=\"LEFT\"{}", ref.index, background),
                       Escaped(content) + remark));
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
    if (left_out > 0) rows += Row(Cell(" COLSPAN=\"2\"", fmt::format("{} more", left_out)));
    const bool has_parents = HasParents(page.id);
    const std::string head = fmt::format(
        "<B>page {}</B><BR/>level {}, gfn {:#x}{}{}{}", page.id,
        static_cast<uint32_t>(page.role.level), page.gfn, page.role.direct != 0 ? ", direct" : "",
        page.unsync ? ", unsync" : "", has_parents ? "<BR/>parents:" : "");
    Node(fmt::format("p{}", page.id),
         Row(Cell(" PORT=\"head\" COLSPAN=\"2\"" + Background("#e3f2fd"), head)) +
             (has_parents ? EngineRows({std::nullopt, page.id}, 2) : "") + rows);
  }

  // In any state.
  bool HasParents(PageId id) const {
    const ListId list = {std::nullopt, id};
    return !EntriesIn(state_.expected, list).empty() ||
           std::any_of(state_.engines.begin(), state_.engines.end(),
                       [&](const auto& one) { return !EntriesIn(one.raw, list).empty(); });
  }

  void DrawList(const ListId& list, const std::string& node) {
    for (size_t i = 0; i < state_.engines.size(); ++i) {
      const DrawnEngine& engine = state_.engines[i];
      if (!engine.why_not.empty()) continue;
      const std::vector<SpteRef> entries = EntriesIn(engine.raw, list);
      const std::vector<uint32_t> sizes = SizesIn(engine.shapes, list);
      const std::string from = fmt::format("{}:e{}:{}", node, i, list.rmap ? "e" : "w");
      const std::string style = list.rmap ? "penwidth=1.6" : "style=dashed, constraint=false";
      if (sizes.empty()) {
        Thread(entries, from, ColourOf(i), style, list.rmap.has_value());
      } else {
        Boxes(entries, sizes, from, fmt::format("b{}_{}", node, i), i, list.rmap.has_value(),
              style);
      }
    }
  }

  void Thread(const std::vector<SpteRef>& entries, std::string from, const char* colour,
              const std::string& style, bool rmap) {
    for (size_t i = 0; i < entries.size(); ++i) {
      const SpteRef& ref = entries[i];
      if (pages_.count(ref.page) == 0) return;  // an edge cannot point at a page that is left out
      // Within a page the thread stays on its right; a page's parents are to the left of it.
      const bool within = !rmap || (i > 0 && entries[i - 1].page == ref.page);
      Edge(from, within ? OutOf(ref) : Into(ref), colour,
           i == 0 ? style : style + ", constraint=false");
      from = OutOf(ref);
    }
  }

  void Boxes(const std::vector<SpteRef>& entries, const std::vector<uint32_t>& sizes,
             std::string from, const std::string& name, size_t engine, bool rmap,
             const std::string& style) {
    const ListShapes& shapes = state_.engines[engine].shapes;
    const uint32_t capacity = rmap ? shapes.rmap_capacity : shapes.parent_capacity;
    const char* colour = ColourOf(engine);
    size_t at = 0;
    for (size_t box = 0; box < std::min(sizes.size(), kMaxObjects); ++box) {
      std::string cells;
      for (uint32_t i = 0; i < capacity; ++i) {
        const bool used = i < sizes[box] && at < entries.size();
        cells += Cell("", used ? ToString(entries[at++]) : "&#8211;");
      }
      const std::string node = fmt::format("{}_{}", name, box);
      const std::string head = Cell(fmt::format(" PORT=\"in\" COLSPAN=\"{}\"", capacity),
                                    Font(colour, rmap ? "descriptor" : "chain"));
      Node(node, Row(head) + Row(cells), fmt::format(" COLOR=\"{}\"", colour));
      Edge(from, node + (rmap ? ":in:w" : ":in:e"), colour, style);
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
