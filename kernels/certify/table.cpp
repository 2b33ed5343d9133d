#include "kernels/certify/table.hpp"

namespace assay::kernels::certify {

// Defined in <family>_cases.cpp.
void gemm_cases(Suite& suite);
void pointwise_cases(Suite& suite);
void reduce_cases(Suite& suite);
void random_cases(Suite& suite);
void index_cases(Suite& suite);
void conv_cases(Suite& suite);
void sample_cases(Suite& suite);
void optim_cases(Suite& suite);
void delta_cases(Suite& suite);

namespace {
constexpr Family kFamilies[] = {
    {"gemm", gemm_cases},     {"pointwise", pointwise_cases}, {"reduce", reduce_cases},
    {"random", random_cases}, {"index", index_cases},         {"conv", conv_cases},
    {"sample", sample_cases}, {"optim", optim_cases},         {"delta", delta_cases},
    {nullptr, nullptr},
};
}  // namespace

std::span<const Family> families() { return std::span(kFamilies).first(std::size(kFamilies) - 1); }

}  // namespace assay::kernels::certify
