// What is ATen's own and left alone: it moves, compares or counts elements and never rounds, on either
// device. Views are not listed: registry.cpp knows them by their schemas. tests/kernels/torch/exact.py holds
// these rows to that.
#include "kernels/torch/tables.hpp"

namespace assay::kernels::aten {

namespace {

constexpr char kMoves[] = "ATen's own: elements are moved, none is changed";
constexpr char kCompares[] = "ATen's own: comparisons and logic are exact";
constexpr char kCounts[] = "ATen's own: integer arithmetic is exact";
constexpr char kShape[] = "ATen's own: no element is touched";
constexpr char kWhole[] = "ATen's own: one number is converted once, and stored";
constexpr char kParts[] = "ATen's own: made of operators of this table";

constexpr Row left(const char* names, const char* rule) { return {names, Level::left, nullptr, "", rule}; }

constexpr Row kRows[] = {
    left("as_strided_ detach_ squeeze_ squeeze_.dim squeeze_.dims t_ transpose_ unsqueeze_ _unsafe_view",
         kShape),
    left("unsafe_split.Tensor unsafe_split_with_sizes _efficientzerotensor", kShape),
    left("_cudnn_rnn_flatten_weight _use_cudnn_rnn_flatten_weight", kMoves),
    left("is_same_size is_set_to set_ set_.source_Storage set_.source_Storage_storage_offset "
         "set_.source_Tensor",
         kShape),
    left("_pin_memory is_pinned lift record_stream _assert_async _assert_async.msg", kMoves),
    left("_copy_from _copy_from_and_resize", kMoves),

    left("cat cat.out stack stack.out flip.out roll.out gather gather.out", kMoves),
    left("index_select.out take.out", kMoves),
    left("tril tril_ tril.out triu triu_ triu.out", kMoves),
    left("where.self where.self_out unfold_copy pixel_shuffle pixel_unshuffle channel_shuffle "
         "native_channel_shuffle",
         kMoves),
    left("reflection_pad1d reflection_pad1d.out reflection_pad2d reflection_pad2d.out reflection_pad3d "
         "reflection_pad3d.out",
         kMoves),
    left("replication_pad1d replication_pad1d.out replication_pad2d replication_pad2d.out replication_pad3d "
         "replication_pad3d.out",
         kMoves),
    left("masked_fill.Scalar masked_fill_.Scalar masked_fill.Tensor masked_fill_.Tensor", kWhole),
    left("index_fill.int_Scalar index_fill_.int_Scalar index_fill.int_Tensor index_fill_.int_Tensor", kWhole),
    left("zero_ fill.Scalar fill.Tensor fill_.Scalar fill_.Tensor fill_diagonal_", kWhole),
    left("tril_indices triu_indices", kCounts),

    left("eq.Scalar eq_.Scalar eq.Scalar_out eq.Tensor eq_.Tensor eq.Tensor_out", kCompares),
    left("ne.Scalar ne_.Scalar ne.Scalar_out ne.Tensor ne_.Tensor ne.Tensor_out", kCompares),
    left("lt.Scalar lt_.Scalar lt.Scalar_out lt.Tensor lt_.Tensor lt.Tensor_out", kCompares),
    left("le.Scalar le_.Scalar le.Scalar_out le.Tensor le_.Tensor le.Tensor_out", kCompares),
    left("gt.Scalar gt_.Scalar gt.Scalar_out gt.Tensor gt_.Tensor gt.Tensor_out", kCompares),
    left("ge.Scalar ge_.Scalar ge.Scalar_out ge.Tensor ge_.Tensor ge.Tensor_out", kCompares),
    left("logical_and logical_and_ logical_and.out logical_or logical_or_ logical_or.out", kCompares),
    left("logical_xor logical_xor_ logical_xor.out logical_not logical_not_ logical_not.out", kCompares),
    left("isnan isinf isposinf isposinf.out isneginf isneginf.out signbit signbit.out", kCompares),
    left("isin.Tensor_Tensor isin.Tensor_Scalar isin.Scalar_Tensor", kCompares),
    left("any any.dim any.dims any.out any.all_out all all.dim all.dims all.out all.all_out", kCompares),
    left("bucketize.Tensor bucketize.Scalar searchsorted.Tensor searchsorted.Scalar", kCompares),

    left("bitwise_and.Tensor bitwise_and.Tensor_out bitwise_and_.Tensor bitwise_and.Scalar "
         "bitwise_and_.Scalar",
         kCounts),
    left("bitwise_or.Tensor bitwise_or.Tensor_out bitwise_or_.Tensor bitwise_or.Scalar bitwise_or_.Scalar",
         kCounts),
    left("bitwise_xor.Tensor bitwise_xor.Tensor_out bitwise_xor_.Tensor bitwise_xor.Scalar "
         "bitwise_xor_.Scalar",
         kCounts),
    left("bitwise_not bitwise_not_ bitwise_not.out", kCounts),
    left("bitwise_left_shift.Tensor bitwise_left_shift.Tensor_Scalar bitwise_right_shift.Tensor "
         "bitwise_right_shift.Tensor_Scalar",
         kCounts),
    left("__lshift__.Scalar __lshift__.Tensor __rshift__.Scalar __rshift__.Tensor gcd lcm", kCounts),
    left("count_nonzero count_nonzero.dim_IntList", kCounts),

    left("add.Scalar add_.Scalar sub.Scalar sub_.Scalar mul.Scalar mul_.Scalar div.Scalar div_.Scalar",
         kParts),
    left("div.Scalar_mode div_.Scalar_mode rsub.Scalar rsub.Tensor", kParts),
    left("fmod.Scalar fmod_.Scalar remainder.Scalar remainder_.Scalar", kParts),
    left("_pack_padded_sequence select_scatter slice_scatter diagonal_scatter as_strided_scatter diag_embed",
         kParts),
    left("lift_fresh_copy masked_scatter isin.Tensor_Tensor_out", kParts),
};

}  // namespace

std::span<const Row> rows_exact() { return kRows; }

}  // namespace assay::kernels::aten
