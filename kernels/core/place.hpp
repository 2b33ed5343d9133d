// Where an operator runs. The same call with another Place gives the same bits: that is the contract
// (docs/determinism.md).
#pragma once

#include <cstddef>
#include <cstdint>

namespace assay::kernels {

/// Runs `body(context, begin, end)` over parts of [0, count), on as many threads as its owner likes. How it
/// cuts must not change a bit: operators give it independent output elements or whole leaves.
class Threads {
 public:
  using Body = void (*)(void* context, std::int64_t begin, std::int64_t end);
  virtual ~Threads() = default;
  /// `grain`: the fewest items that are worth a thread.
  virtual void run(std::int64_t count, std::int64_t grain, Body body, void* context) = 0;

  template <typename F>
  void each(std::int64_t count, std::int64_t grain, F&& f) {
    run(
        count, grain,
        [](void* context, std::int64_t begin, std::int64_t end) { (*static_cast<F*>(context))(begin, end); },
        const_cast<void*>(static_cast<const void*>(&f)));
  }
};

/// Scratch memory on the device of the Place, alive until the operator's work on the stream is done.
class Workspace {
 public:
  virtual ~Workspace() = default;
  virtual void* take(std::size_t bytes) = 0;  ///< 256-byte aligned, not cleared; null: none left
};

struct Place {
  bool cuda = false;
  void* stream = nullptr;      ///< cudaStream_t, when cuda
  Threads* threads = nullptr;  ///< not null, when not cuda
  Workspace* workspace = nullptr;
};

/// What an operator answers. Anything but ok leaves the output undefined and has launched nothing that may
/// still write.
enum class Status : std::uint8_t {
  ok,
  bad_type,       ///< a type that the operator is not defined for
  bad_shape,      ///< sizes that do not fit each other
  bad_rank,       ///< more than kMaxRank dimensions
  out_of_memory,  ///< the workspace gave none
  no_cuda,        ///< built without CUDA, or no device
  cuda_failed,    ///< a launch failed; cudaGetLastError() was read and cleared
  bad_index,      ///< an index outside its range (CPU; on CUDA the kernel traps, as ATen's does)
};
const char* text_of(Status status);

/// Which instructions the CPU operators use; never a matter of bits. Chosen once: the best that the processor
/// has, or ASSAY_KERNELS_CPU=portable|avx2|avx512 (a level that the processor lacks falls back to the best it
/// has).
enum class CpuLevel : std::uint8_t { portable, avx2, avx512 };
CpuLevel cpu_level();
const char* text_of(CpuLevel level);
/// For tests and certificates: another level from now on. False, and unchanged, when the processor lacks it.
bool force_cpu_level(CpuLevel level);

/// The threads that tests and tools use (std::thread, `count` of them); kernels/torch hands over torch's own
/// pool.
class PlainThreads final : public Threads {
 public:
  explicit PlainThreads(int count) : count_(count) {}
  void run(std::int64_t count, std::int64_t grain, Body body, void* context) override;

 private:
  int count_;
};

}  // namespace assay::kernels
