#include "replay/tasks/task.hpp"

#include <algorithm>

#include "kernels/random/draws.hpp"
#include "toolkit/base/files.hpp"

namespace assay::replay {

namespace {

constexpr TaskRow kTasks[] = {
    {"copy", make_copy}, {"parity", make_parity}, {"modular", make_modular},
    {"mqar", make_mqar}, {"bytes", make_bytes},   {"tokens", make_tokens},
};

Status check_files(const formats::Recipe& recipe, const DataFiles& files) {
  for (const auto& [name, expected] : recipe.task.files) {
    const auto given = files.find(name);
    if (given == files.end())
      return Error{Fault::missing, "the recipe's task reads a file \"" + name + "\", and none was given", "",
                   "--data " + name + "=FILE"};
    const Fd fd = ASSAY_TRY(open_read(given->second));
    const std::uint64_t size = ASSAY_TRY(file_size(fd.get()));
    Sha256 hash;
    constexpr std::uint64_t kPiece = 1u << 20;
    for (std::uint64_t at = 0; at < size; at += kPiece)
      hash.update(ASSAY_TRY(read_at(fd.get(), at, std::min(kPiece, size - at))));
    const Digest found = hash.finish();
    if (found != expected)
      return Error{Fault::damaged, "SHA-256: expected " + expected.hex() + ", found " + found.hex(),
                   given->second.string(), "the recipe names another file than this one"};
  }
  return {};
}

void add(Sha256& hash, const std::vector<std::int64_t>& numbers) {
  hash.update({reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(std::int64_t)});
}

}  // namespace

std::pair<std::size_t, std::size_t> Examples::labels_of(std::int64_t first, std::int64_t last) const {
  const auto at = [&](std::int64_t row) {
    return static_cast<std::size_t>(std::lower_bound(positions.begin(), positions.end(), row * length) -
                                    positions.begin());
  };
  return {at(first), at(last)};
}

void Examples::label(std::int64_t row, std::int64_t column, std::int64_t token) {
  positions.push_back(row * length + column);
  labels.push_back(token);
}

std::uint32_t Stream::word() {
  if (next_ % 4 == 0) words_ = kernels::block_of(key_, next_ / 4);
  return words_.w[next_++ % 4];
}

std::int64_t Stream::below(std::int64_t n) {
  const std::uint32_t low = word(), high = word();
  return static_cast<std::int64_t>(kernels::integer_below(low, high, static_cast<std::uint64_t>(n)));
}

RowTask::RowTask(const formats::Recipe& recipe, std::int64_t evaluation_length)
    : seed_(static_cast<std::uint64_t>(recipe.task.seed)),
      rows_(recipe.batch.rows),
      length_(recipe.batch.length),
      vocabulary_(recipe.shell.vocabulary),
      evaluation_rows_(recipe.evaluation.rows),
      evaluation_length_(evaluation_length) {}

Examples RowTask::make(std::uint64_t step, bool evaluation, std::int64_t first, std::int64_t rows) const {
  Examples out;
  out.rows = rows;
  out.length = evaluation ? evaluation_length_ : length_;
  out.tokens.assign(static_cast<std::size_t>(rows * out.length), 0);
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto number = static_cast<std::uint64_t>(first + row);
    Stream stream(seed_, step, number | (evaluation ? std::uint64_t{1} << 31 : 0));
    fill(stream, evaluation, row, out);
  }
  return out;
}

Examples RowTask::training(std::int64_t step) const {
  return make(static_cast<std::uint64_t>(step), false, 0, rows_);
}
std::int64_t RowTask::evaluation_batches() const { return (evaluation_rows_ + rows_ - 1) / rows_; }
Examples RowTask::evaluation(std::int64_t batch) const {
  const std::int64_t first = batch * rows_;
  return make(0, true, first, std::min(rows_, evaluation_rows_ - first));
}

std::span<const TaskRow> task_table() { return kTasks; }

Result<std::unique_ptr<Task>> make_task(const formats::Recipe& recipe, const DataFiles& files) {
  std::string names;
  for (const TaskRow& row : kTasks) {
    if (recipe.task.name == row.name) {
      ASSAY_TRY(check_files(recipe, files));
      return row.make(recipe, files);
    }
    names += (names.empty() ? "" : ", ") + std::string(row.name);
  }
  return Error{Fault::malformed, "expected " + names + "; found " + recipe.task.name, "field \"task.name\"",
               ""};
}

Digest data_digest(const formats::Recipe& recipe, const Task& task) {
  const Examples first = task.training(1);
  Sha256 hash;
  hash.update(std::string_view("assay-data-v1\0", 14)).update(recipe.to_json()["task"].dump_canonical());
  add(hash, first.tokens);
  add(hash, first.positions);
  add(hash, first.labels);
  return hash.finish();
}

}  // namespace assay::replay
