// What a model learns: rows of tokens with labels at some positions. Generated from seeds by Philox (R6 of
// docs/determinism.md) in integers, so a row depends on the recipe, the step and its own number alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "formats/recipe.hpp"
#include "kernels/random/philox.hpp"
#include "toolkit/base/result.hpp"

namespace assay::replay {

/// A batch. Labels are sorted by position; what the model says at flat position p (row * length + column)
/// should be the label.
struct Examples {
  std::int64_t rows = 0, length = 0;
  std::vector<std::int64_t> tokens;  ///< rows * length
  std::vector<std::int64_t> positions, labels;

  /// The labels of rows [first, last): indices into positions and labels.
  std::pair<std::size_t, std::size_t> labels_of(std::int64_t first, std::int64_t last) const;
  void label(std::int64_t row, std::int64_t column, std::int64_t token);
};

/// Random integers of one row.
class Stream {
 public:
  Stream(std::uint64_t seed, std::uint64_t step, std::uint64_t call) : key_{seed, step, call} {}
  std::uint32_t word();
  std::int64_t below(
      std::int64_t n);  ///< [0, n): floor(W * n / 2^64), W of two words, the first the low half
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + below(high - low + 1);
  }  ///< both ends

 private:
  kernels::StreamKey key_;
  kernels::Words words_{};
  std::uint64_t next_ = 0;
};

class Task {
 public:
  virtual ~Task() = default;
  virtual Examples training(std::int64_t step) const = 0;  ///< step from 1
  virtual std::int64_t evaluation_batches() const = 0;
  virtual Examples evaluation(std::int64_t batch) const = 0;
};

/// A task of independent rows.
class RowTask : public Task {
 public:
  explicit RowTask(const formats::Recipe& recipe) : RowTask(recipe, recipe.batch.length) {}
  /// Training rows have the recipe's length, those of an evaluation their own.
  RowTask(const formats::Recipe& recipe, std::int64_t evaluation_length);
  Examples training(std::int64_t step) const override;
  std::int64_t evaluation_batches() const override;
  Examples evaluation(std::int64_t batch) const override;

 protected:
  /// Writes row `row` of `out`, out.length tokens that are 0, and its labels.
  virtual void fill(Stream& stream, bool evaluation, std::int64_t row, Examples& out) const = 0;
  std::int64_t length() const { return length_; }
  std::int64_t vocabulary() const { return vocabulary_; }

 private:
  Examples make(std::uint64_t seed_step, bool evaluation, std::int64_t first, std::int64_t rows) const;
  std::uint64_t seed_;
  std::int64_t rows_, length_, vocabulary_, evaluation_rows_, evaluation_length_;
};

/// Files that the task reads, by the recipe's names; checked against the recipe's SHA-256 when the task is
/// made.
using DataFiles = std::map<std::string, std::filesystem::path>;

struct TaskRow {
  const char* name;
  Result<std::unique_ptr<Task>> (*make)(const formats::Recipe& recipe, const DataFiles& files);
};
/// The tasks there are: a new one is a file and a row.
std::span<const TaskRow> task_table();

/// Errors name the option, what was expected and what was found (Fault::malformed), or the file (missing,
/// damaged).
Result<std::unique_ptr<Task>> make_task(const formats::Recipe& recipe, const DataFiles& files);

/// SHA-256 of "assay-data-v1", a zero byte, the recipe's task as canonical JSON, then the first batch:
/// tokens, positions and labels as little-endian 64-bit integers. Files are in it by their SHA-256.
Digest data_digest(const formats::Recipe& recipe, const Task& task);

// One a file; docs/replay.md says what each generates.
Result<std::unique_ptr<Task>> make_copy(const formats::Recipe& recipe, const DataFiles& files);
Result<std::unique_ptr<Task>> make_parity(const formats::Recipe& recipe, const DataFiles& files);
Result<std::unique_ptr<Task>> make_modular(const formats::Recipe& recipe, const DataFiles& files);
Result<std::unique_ptr<Task>> make_mqar(const formats::Recipe& recipe, const DataFiles& files);
Result<std::unique_ptr<Task>> make_bytes(const formats::Recipe& recipe, const DataFiles& files);
Result<std::unique_ptr<Task>> make_tokens(const formats::Recipe& recipe, const DataFiles& files);

}  // namespace assay::replay
