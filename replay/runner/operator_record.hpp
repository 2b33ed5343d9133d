// The operators of one step, as torch's dispatcher calls them: what a difference between two runs is bisected
// by. Watched from outside (RecordFunction), so no operator takes another way and no bit of the run changes.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/operator_name.h>
#include <cstdint>
#include <string>
#include <vector>

#include "toolkit/base/json.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::replay {

/// Watches from construction to destruction; one at a time. Counted are calls that call no other operator and
/// give or change a tensor, in the order in which they end, from 1: not views, and not those whose result is
/// not there yet (empty).
class OperatorRecord {
 public:
  /// `call` 0: a digest of every call. Else: the results of this call alone.
  explicit OperatorRecord(std::int64_t call);
  ~OperatorRecord();
  OperatorRecord(const OperatorRecord&) = delete;
  OperatorRecord& operator=(const OperatorRecord&) = delete;

  struct Row {
    std::string name;  ///< "aten::mul.Tensor"
    Digest digest;     ///< of its results: types, sizes, bytes
  };
  const std::vector<Row>& rows() const { return rows_; }
  /// A line a row: ["aten::mul.Tensor","HEX"].
  std::string text() const;

  struct Call {
    std::string name;
    std::string where;  ///< "program.py:12", "backward of program.py:12"; empty: no program's line
    std::vector<std::string> types;  ///< of its results: "f32[4,64]"
    std::string bytes;               ///< of all of them, each row-major, one after the other
  };
  const Call& call() const { return call_; }

 private:
  struct Watcher;
  friend struct Watcher;
  void take(const c10::OperatorName& name, const std::string& backward,
            const std::vector<at::Tensor>& results);
  std::int64_t wanted_, seen_ = 0;
  std::uint64_t handle_ = 0;
  std::vector<Row> rows_;
  Call call_;
};

}  // namespace assay::replay
