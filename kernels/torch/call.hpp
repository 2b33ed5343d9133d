// One call of an ATen operator that this library stands in for, and the table of what it stands in for. Every
// operator takes the boxed way (its arguments on torch's stack, read by position): so one function serves an
// operator's functional, in-place and out forms, and an operator costs one row and no template.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/core/place.hpp"

namespace assay::kernels::aten {

class Call;

/// What a handler did. `aten`: torch's own kernel gives the certified bits of this call (integers, moves of
/// elements). `parts`: torch's kernel for the CPU, on any device: a composite that asks the dispatcher for
/// each part. `refused`: outside what is certified, for the reason given to Call::refuse.
enum class Answer : std::uint8_t { done, aten, parts, refused };
using Handler = Answer (*)(Call& call);

/// Where a row's functions are registered. `under`: below autograd, for CPU and CUDA. `above`: in autograd's
/// place, as a composite of certified operators, because torch takes another way on each device. `left`:
/// ATen's own, untouched.
enum class Level : std::uint8_t { under, above, left };

struct Row {
  const char* names;  ///< ATen's, with overloads, separated by spaces: "add.Tensor add_.Tensor add.out"
  Level level;
  Handler run;         ///< null when level is `left`
  const char* kernel;  ///< the handler's own: a name in the family's table, or ""
  const char* rule;    ///< paragraph of docs/determinism.md, or why ATen's own bits are the contract's
};

struct Operator;  // registry.cpp

class Call {
 public:
  Call(const Operator& entry, const void* originals, const c10::OperatorHandle& handle,
       c10::DispatchKeySet keys, torch::jit::Stack& stack);

  const Row& row() const;
  int which() const;  ///< the number that the family's table has for row().kernel
  bool cuda() const { return cuda_; }

  /// Arguments, by position in the schema.
  std::size_t count() const { return arguments_; }
  c10::IValue& arg(std::size_t i) const { return stack_[stack_.size() - arguments_ + i]; }
  /// None, or the undefined tensor that stands for it.
  bool none(std::size_t i) const {
    return arg(i).isNone() || (arg(i).isTensor() && !arg(i).toTensor().defined());
  }
  const at::Tensor& tensor(std::size_t i) const;  ///< undefined when None
  std::vector<at::Tensor> tensors(std::size_t i) const;
  double real(std::size_t i) const;  ///< a Scalar, float, int or bool
  double real_or(std::size_t i, double otherwise) const { return none(i) ? otherwise : real(i); }
  std::int64_t integer(std::size_t i) const { return arg(i).toInt(); }
  bool flag(std::size_t i) const { return arg(i).toBool(); }
  std::vector<std::int64_t> integers(std::size_t i) const;  ///< empty when None

  /// The tensor that the caller gave to be written (in-place and out forms); undefined in the functional
  /// form.
  at::Tensor target(std::size_t i = 0) const;
  std::size_t targets() const;
  /// First argument that is an out tensor, or count(): arguments before it are the same in all forms.
  std::size_t inputs() const;
  bool in_place() const;

  /// Runs torch's own kernel (its form for the CPU, when `parts`); its results stand on the stack, and
  /// result() is the first.
  void original(bool parts = false);
  c10::IValue& result() const;

  /// Ends the call with its result.
  Answer give(at::Tensor result);
  Answer give(std::initializer_list<at::Tensor> results);
  /// The one result, after give, taken back; append gives another in its place.
  at::Tensor take();
  /// One more result, after give.
  Answer append(at::Tensor result);
  /// Says why this call is not certified: "argument 'self': expected float32 or bfloat16, found float64".
  Answer refuse(std::string why);
  Answer refuse_type(std::size_t i, const char* expected = "float32 or bfloat16");
  /// Done when `status` is ok, else throws an error that names operator and reason.
  void check(Status status) const;
  const std::string& why() const { return why_; }

  /// True when no tensor among the arguments (lists too) is of a floating or complex type.
  bool all_exact() const;
  std::string argument_name(std::size_t i) const;

 private:
  const Operator& entry_;
  const void* originals_;  ///< torch's own kernels, registry.cpp's
  const c10::OperatorHandle& handle_;
  c10::DispatchKeySet keys_;
  torch::jit::Stack& stack_;
  std::size_t arguments_;
  bool cuda_;
  std::string why_;
};

}  // namespace assay::kernels::aten
