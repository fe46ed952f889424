// A RapidCheck state machine over the same operations and the same RunProgram.
//
// A command is one operation. RapidCheck generates commands from a state, and checks them against
// it. The state is what a user would write: the pages that exist and their levels, and the guest
// tables that an entry was written to. Every precondition is the first guard of the operation
// itself. The arguments are drawn from the domains of args.h. It stops at the first finding, before
// RapidCheck shrinks anything.
//
//   NAME -seed=N -max_len=BYTES      the flags of a fuzz target that it knows; others are ignored
#include <rapidcheck.h>
#include <rapidcheck/state.h>

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzzers/fuzz_target.h"
#include "fuzzers/program/fields.h"
#include "fuzzers/search/op_drawer.h"
#include "fuzzers/search/random_program.h"

namespace rmapdiff {
namespace {

// The model: the levels of the pages of a page graph, 0 for none. A whole MMU always applies.
struct Pages {
  std::array<uint8_t, PageArg::kCount> levels{};
};
struct Nothing {};

class OpCommand final : public rc::state::Command<Pages, Nothing> {
 public:
  OpCommand(const Header& header, Op op) : header_(header), op_(std::move(op)) {}

  void checkPreconditions(const Pages& pages) const override {
    std::visit([&](const auto& op) { Check(pages, op); }, op_);
  }
  void apply(Pages& pages) const override {
    if (const auto* alloc = std::get_if<ops::AllocPage>(&op_)) {
      pages.levels[alloc->page.value] = alloc->level.value;
    }
    if (const auto* zap = std::get_if<ops::Zap>(&op_)) pages.levels[zap->page.value] = 0;
  }
  void run(const Pages&, Nothing&) const override {}
  void show(std::ostream& out) const override { out << PrintOp(header_, op_); }

  const Op& op() const { return op_; }

 private:
  template <typename AnyOp>
  static void Check(const Pages& pages, const AnyOp& op) {
    if constexpr (requires { op.page; }) RC_PRE(pages.levels[op.page.value] != 0);
  }
  static void Check(const Pages& pages, const ops::AllocPage& op) {
    RC_PRE(pages.levels[op.page.value] == 0);
    if (!op.parent.none()) RC_PRE(pages.levels[op.parent.value] == op.level.value + 1);
  }

  Header header_;
  Op op_;
};

using CommandPtr = std::shared_ptr<const rc::state::Command<Pages, Nothing>>;

// The pages that exist, for a generator: those of `level`, or of any level if it is 0.
std::vector<uint8_t> LivePages(const Pages& pages, int level = 0) {
  std::vector<uint8_t> ids;
  for (uint8_t id = 0; id < PageArg::kCount; ++id) {
    const int its_level = pages.levels[id];
    if (its_level != 0 && (level == 0 || its_level == level)) ids.push_back(id);
  }
  return ids;
}

// Turns the page names in arbitrary bytes into names of pages that exist, so that preconditions
// mostly hold.
struct Aim {
  const Pages& pages;

  template <typename AnyOp>
  void operator()(AnyOp& op) const {
    const std::vector<uint8_t> live = LivePages(pages);
    if (live.empty()) return;
    if constexpr (requires { op.page; }) op.page.value = live[op.page.value % live.size()];
    if constexpr (requires { op.parent; }) op.parent.value = live[op.parent.value % live.size()];
  }
  void operator()(ops::AllocPage& op) const {
    while (pages.levels[op.page.value] != 0 && LivePages(pages).size() < PageArg::kCount) {
      op.page.value = static_cast<uint8_t>((op.page.value + 1) % PageArg::kCount);
    }
    const std::vector<uint8_t> above = LivePages(pages, op.level.value + 1);
    if (above.empty()) op.parent = {};
    if (!op.parent.none()) op.parent.value = above[op.parent.value % above.size()];
  }
};

// RapidCheck's own source of randomness, in bytes that decode to one operation.
rc::Gen<Op> AnyOp(const Header& header, const Pages& pages) {
  const rc::Gen<std::vector<uint8_t>> record =
      rc::gen::container<std::vector<uint8_t>>(kRecordBytes, rc::gen::arbitrary<uint8_t>());
  return rc::gen::map(record, [header, pages](const std::vector<uint8_t>& bytes) {
    std::vector<uint8_t> program = Encode({header, {}});
    program.insert(program.end(), bytes.begin(), bytes.end());
    Op op = Decode(program).ops[0];
    if (header.whole_mmu()) return op;
    // Without any page, the only possible operation makes one.
    if (LivePages(pages).empty()) op = Op(ops::AllocPage{});
    std::visit(Aim{pages}, op);
    return op;
  });
}

std::vector<Op> DrawOps(const Header& header) {
  const auto next = [header](const Pages& pages) {
    return rc::gen::map(AnyOp(header, pages), [header](const Op& op) -> CommandPtr {
      return std::make_shared<const OpCommand>(header, op);
    });
  };
  std::vector<Op> ops;
  const auto commands = *rc::state::gen::commands(Pages{}, next);
  for (const auto& command : commands) {
    ops.push_back(static_cast<const OpCommand&>(*command).op());
  }
  return ops;
}

std::string FlagOf(int argc, char** argv, std::string_view name, const std::string& otherwise) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word.substr(0, name.size()) == name) return std::string(word.substr(name.size()));
  }
  return otherwise;
}

void CheckOne(size_t max_ops) {
  Random random(*rc::gen::arbitrary<uint64_t>());
  const Header header = DrawHeader(ThisTarget(), random);
  Program program{header, DrawOps(header)};
  if (program.ops.size() > max_ops) program.ops.resize(max_ops);
  const std::vector<uint8_t> bytes = Encode(program);
  FuzzOne(bytes.data(), bytes.size(), ThisTarget());
}

}  // namespace
}  // namespace rmapdiff

int main(int argc, char** argv) {
  const std::string seed = rmapdiff::FlagOf(argc, argv, "-seed=", "1");
  const std::string max_len = rmapdiff::FlagOf(argc, argv, "-max_len=", "1032");
  const size_t max_ops = (std::stoul(max_len) - rmapdiff::kHeaderBytes) / rmapdiff::kRecordBytes;
  // Sizes grow to as many operations as the fuzz targets allow.
  const std::string parameters = "seed=" + seed +
                                 " max_success=1000000000 max_size=" + std::to_string(max_ops) +
                                 " max_discard_ratio=1000";
  setenv("RC_PARAMS", parameters.c_str(), 1);
  return rc::check([max_ops] { rmapdiff::CheckOne(max_ops); }) ? 0 : 1;
}
