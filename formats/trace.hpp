// The trace of a training run: a chain of hashes, one link a step. docs/formats/trace.md is its
// specification.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "toolkit/base/result.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::formats {

/// What a run starts from; the first line of the text form.
struct TraceHead {
  Digest recipe;                  ///< SHA-256 of the recipe's canonical text
  std::optional<Digest> program;  ///< SHA-256 of the program's bytes; nothing for a baseline
  Digest data;                    ///< of what the task reads: docs/formats/trace.md
  Digest root;                    ///< state root before the first step

  bool operator==(const TraceHead&) const = default;
  /// H0 = SHA-256("assay-trace-v1" 0x00 || recipe || program or 32 zeros || data || root)
  Digest chain() const;
  std::string line() const;  ///< canonical JSON, without line feed
  static Result<TraceHead> parse(std::string_view line);
};

/// One step's results, before they are chained. Loss and gradient norm are the bits of fp32 numbers.
struct StepResult {
  std::uint64_t step = 0;  ///< from 1
  std::uint32_t loss = 0, grad_norm = 0;
  std::optional<Digest> root;  ///< state root after the step, where the recipe asks for one

  bool operator==(const StepResult&) const = default;
};

/// Hi = SHA-256(Hi-1 || step u64 || loss u32 || gradient norm u32 || root or 32 zeros), numbers
/// little-endian.
Digest next_chain(const Digest& before, const StepResult& result);

struct TraceRow : StepResult {
  Digest chain;

  bool operator==(const TraceRow&) const = default;
  std::string line() const;  ///< canonical JSON, without line feed
  static Result<TraceRow> parse(std::string_view line);
};

/// The bits of an fp32 number as the texts have them: 1.1 is "3f8ccccd".
std::string bits_text(std::uint32_t bits);
std::optional<std::uint32_t> parse_bits(std::string_view text);
float float_of(std::uint32_t bits);

struct Trace {
  TraceHead head;
  std::vector<TraceRow> rows;  ///< steps 1, 2, 3, ...

  /// The chain after `step` steps; of step 0, H0. Nothing beyond the end.
  std::optional<Digest> chain_at(std::uint64_t step) const;
  Digest last_chain() const { return rows.empty() ? head.chain() : rows.back().chain; }
  void append(const StepResult& result);  ///< chains it on; result.step must be the next one

  std::string text() const;
  /// Checks form, order and every link. Errors (Fault::damaged) name line and step, what was expected and
  /// what was found. At most kMaxSteps rows.
  static Result<Trace> parse(std::string_view text);
  /// The same for a file whose writer may have been killed: a last line without its line feed is passed over,
  /// and so are links after the first that does not hold. Only the head must be whole.
  static Result<Trace> parse_unfinished(std::string_view text);

  static constexpr std::uint64_t kMaxSteps = 100'000'000;
};

}  // namespace assay::formats
