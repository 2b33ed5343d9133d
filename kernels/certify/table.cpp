#include "kernels/certify/table.hpp"

namespace assay::kernels::certify {

// Defined in <family>_cases.cpp.
void gemm_cases(Suite& suite);
void pointwise_cases(Suite& suite);
void reduce_cases(Suite& suite);

namespace {
constexpr Family kFamilies[] = {
    {"gemm", gemm_cases},
    {"pointwise", pointwise_cases},
    {"reduce", reduce_cases},
    {nullptr, nullptr},
};
}  // namespace

std::span<const Family> families() { return std::span(kFamilies).first(std::size(kFamilies) - 1); }

}  // namespace assay::kernels::certify
