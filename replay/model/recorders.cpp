#include "replay/model/recorders.hpp"

#include "kernels/torch/assay_kernels.h"

#if defined(ASSAY_HAS_CUDA)
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#endif

namespace assay::replay {

namespace {

constexpr int kCpu = 0;

/// While one lives, what a graph cannot hold throws.
class RecordingNow {
 public:
  RecordingNow() { assay_kernels_set_recording(1); }
  ~RecordingNow() { assay_kernels_set_recording(0); }
  RecordingNow(const RecordingNow&) = delete;
  RecordingNow& operator=(const RecordingNow&) = delete;
};

class Rehearsed final : public Recording {
 public:
  explicit Rehearsed(std::function<void()> work) : work_(std::move(work)) {}
  void replay() override {
    assay_kernels_rewind_streams(kCpu);
    work_();
  }

 private:
  std::function<void()> work_;
};

class Rehearsing final : public Recorder {
 public:
  explicit Rehearsing(std::function<std::function<void()>()> save) : save_(std::move(save)) {}
  std::unique_ptr<Recording> record(const std::function<void()>& work) override {
    assay_kernels_rewind_streams(kCpu);
    const std::function<void()> restore = save_();
    try {
      const RecordingNow now;
      work();
    } catch (...) {
      restore();
      throw;
    }
    restore();
    return std::make_unique<Rehearsed>(work);
  }

 private:
  std::function<std::function<void()>()> save_;
};

#if defined(ASSAY_HAS_CUDA)

constexpr int kGpu = 1;

class CudaRecording final : public Recording {
 public:
  void replay() override {
    assay_kernels_rewind_streams(kGpu);
    graph.replay();
    assay_kernels_lose_streams(kGpu);
  }
  at::cuda::CUDAGraph graph;
};

class CudaRecorder final : public Recorder {
 public:
  CudaRecorder() {
    c10::cuda::device_synchronize();
    c10::cuda::setCurrentCUDAStream(c10::cuda::getStreamFromPool());
  }

  std::unique_ptr<Recording> record(const std::function<void()>& work) override {
    auto made = std::make_unique<CudaRecording>();
    assay_kernels_rewind_streams(kGpu);
    c10::cuda::device_synchronize();
    c10::cuda::CUDACachingAllocator::emptyCache();  // a graph keeps memory of its own
    made->graph.capture_begin(pool_);
    std::exception_ptr failed;
    try {
      const RecordingNow now;
      work();
    } catch (...) {
      failed = std::current_exception();
    }
    end(*made, failed);
    if (failed) {
      assay_kernels_lose_streams(kGpu);
      std::rethrow_exception(failed);
    }
    return made;
  }

 private:
  /// Where CUDA has broken the capture off, torch leaves its allocator in it.
  void end(CudaRecording& made, std::exception_ptr& failed) {
    try {
      made.graph.capture_end();
    } catch (...) {
      if (!failed) failed = std::current_exception();
      try {
        c10::cuda::CUDACachingAllocator::endAllocateToPool(c10::cuda::current_device(), pool_);
        c10::cuda::CUDACachingAllocator::releasePool(c10::cuda::current_device(), pool_);
      } catch (const std::exception&) {  // it was ended already
      }
    }
  }

  /// Shared: graphs run one after the other, and what one leaves is used before another runs.
  at::cuda::MempoolId_t pool_ = at::cuda::graph_pool_handle();
};

#endif

}  // namespace

std::unique_ptr<Recorder> cuda_recorder() {
#if defined(ASSAY_HAS_CUDA)
  return std::make_unique<CudaRecorder>();
#else
  return nullptr;
#endif
}

std::unique_ptr<Recorder> rehearsing_recorder(std::function<std::function<void()>()> save) {
  return std::make_unique<Rehearsing>(std::move(save));
}

}  // namespace assay::replay
