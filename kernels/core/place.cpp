#include "kernels/core/place.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "kernels/core/launch.hpp"

namespace assay::kernels {

namespace {

bool has(CpuLevel level) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool narrow = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (level == CpuLevel::avx2) return narrow;
  if (level == CpuLevel::avx512)
    return narrow && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
#endif
  return level == CpuLevel::portable;
}

CpuLevel choose() {
  const char* wanted = std::getenv("ASSAY_KERNELS_CPU");
  for (const CpuLevel level : {CpuLevel::portable, CpuLevel::avx2, CpuLevel::avx512})
    if (wanted && std::strcmp(wanted, text_of(level)) == 0 && has(level)) return level;
  return has(CpuLevel::avx512) ? CpuLevel::avx512 : has(CpuLevel::avx2) ? CpuLevel::avx2 : CpuLevel::portable;
}

std::atomic<CpuLevel>& level() {
  static std::atomic<CpuLevel> chosen{choose()};
  return chosen;
}

}  // namespace

CpuLevel cpu_level() { return level().load(std::memory_order_relaxed); }

bool force_cpu_level(CpuLevel wanted) {
  if (!has(wanted)) return false;
  level() = wanted;
  return true;
}

const char* text_of(CpuLevel level) {
  return level == CpuLevel::avx512 ? "avx512" : level == CpuLevel::avx2 ? "avx2" : "portable";
}

const char* text_of(Status status) {
  switch (status) {
    case Status::ok:
      return "ok";
    case Status::bad_type:
      return "an element type that the operator is not defined for";
    case Status::bad_shape:
      return "sizes that do not fit each other";
    case Status::bad_rank:
      return "more than 12 dimensions";
    case Status::out_of_memory:
      return "no memory for the workspace";
    case Status::no_cuda:
      return "no CUDA: built without it, or no device";
    case Status::cuda_failed:
      return "a CUDA launch failed";
    case Status::bad_index:
      return "an index outside its range";
  }
  return "unknown";
}

void PlainThreads::run(std::int64_t count, std::int64_t grain, Body body, void* context) {
  const std::int64_t parts = std::clamp<std::int64_t>(count / std::max<std::int64_t>(grain, 1), 1, count_);
  if (parts == 1) {
    if (count > 0) body(context, 0, count);
    return;
  }
  std::vector<std::thread> threads;
  for (std::int64_t p = 1; p < parts; ++p)
    threads.emplace_back([=] { body(context, count * p / parts, count * (p + 1) / parts); });
  body(context, 0, count / parts);
  for (std::thread& thread : threads) thread.join();
}

namespace {
std::atomic<bool> other_way{false};
}
bool other_launches() { return other_way.load(std::memory_order_relaxed); }
void force_other_launches(bool other) { other_way = other; }

}  // namespace assay::kernels
