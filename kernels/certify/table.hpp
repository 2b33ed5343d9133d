// The families whose operators a certificate covers: one file and one row each.
#pragma once

#include <span>

#include "kernels/certify/suite.hpp"

namespace assay::kernels::certify {

struct Family {
  const char* name;
  void (*cases)(Suite& suite);
};
std::span<const Family> families();

}  // namespace assay::kernels::certify
