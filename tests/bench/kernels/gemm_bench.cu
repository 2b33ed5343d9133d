// Matrix products on the GPU beside cuBLAS's (fp32, pedantic), in one run: 50 launches in a CUDA graph,
// medians, and whether sampled elements equal the chain of docs/determinism.md. cuBLAS is loaded by name:
// bench_gemm [PATH OF libcublas.so.13 [PART OF A NAME]].
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cuda_runtime.h>
#include <dlfcn.h>
#include <functional>
#include <random>
#include <utility>
#include <vector>

#include "kernels/gemm/gemm.hpp"

namespace {

namespace kernels = assay::kernels;
using kernels::View;

void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "error: %s: %s\n", what, cudaGetErrorString(error));
  std::exit(1);
}

struct Arena final : kernels::Workspace {
  explicit Arena(std::size_t bytes) : room(bytes) { check(cudaMalloc(&base, bytes), "workspace"); }
  void* take(std::size_t bytes) override {
    const std::size_t rounded = (bytes + 255) / 256 * 256;
    if (used + rounded > room) return nullptr;
    return static_cast<char*>(base) + std::exchange(used, used + rounded);
  }
  void* base = nullptr;
  std::size_t room, used = 0;
};

struct Problem {
  std::int64_t m, n, k, batch;
  bool a_turned, b_turned;
};

// cublasSgemmStridedBatched and what it needs, without its headers.
struct Cublas {
  using Product = int (*)(void*, int, int, int, int, int, const float*, const float*, int, long long,
                          const float*, int, long long, const float*, float*, int, long long, int);
  void* handle = nullptr;
  Product product = nullptr;

  bool open(const char* path, cudaStream_t stream) {
    void* const library = dlopen(path, RTLD_NOW);
    if (!library) return std::fprintf(stderr, "error: %s\n", dlerror()), false;
    const auto create = reinterpret_cast<int (*)(void**)>(dlsym(library, "cublasCreate_v2"));
    const auto set_stream =
        reinterpret_cast<int (*)(void*, cudaStream_t)>(dlsym(library, "cublasSetStream_v2"));
    const auto set_mode = reinterpret_cast<int (*)(void*, int)>(dlsym(library, "cublasSetMathMode"));
    const auto set_memory =
        reinterpret_cast<int (*)(void*, void*, std::size_t)>(dlsym(library, "cublasSetWorkspace_v2"));
    product = reinterpret_cast<Product>(dlsym(library, "cublasSgemmStridedBatched"));
    if (!create || !set_stream || !set_mode || !set_memory || !product) return false;
    constexpr std::size_t kMemory = 64 << 20;
    void* memory = nullptr;
    check(cudaMalloc(&memory, kMemory), "cuBLAS workspace");
    return create(&handle) == 0 && set_stream(handle, stream) == 0 &&
           set_memory(handle, memory, kMemory) == 0 && set_mode(handle, 2) == 0;  // CUBLAS_PEDANTIC_MATH
  }
  /// Row-major C = A B is column-major C' = B' A'.
  bool run(const Problem& p, const float* a, const float* b, float* c) const {
    const float one = 1, zero = 0;
    const auto m = static_cast<int>(p.m), n = static_cast<int>(p.n), k = static_cast<int>(p.k);
    return product(handle, p.b_turned, p.a_turned, n, m, k, &one, b, p.b_turned ? k : n, p.k * p.n, a,
                   p.a_turned ? m : k, p.m * p.k, &zero, c, n, p.m * p.n, static_cast<int>(p.batch)) == 0;
  }
};

View view(float* data, std::int64_t batch, std::int64_t rows, std::int64_t columns, bool turned) {
  return {data,
          kernels::Type::f32,
          3,
          {batch, rows, columns},
          {rows * columns, turned ? 1 : columns, turned ? rows : 1}};
}

// Seconds of one launch: the median over replays of a graph of `launches`.
double seconds(cudaStream_t stream, int launches, const std::function<bool()>& launch) {
  cudaGraph_t graph;
  cudaGraphExec_t replay;
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "capture");
  for (int i = 0; i < launches; ++i)
    if (!launch()) std::fprintf(stderr, "error: a launch failed\n"), std::exit(1);
  check(cudaStreamEndCapture(stream, &graph), "capture");
  check(cudaGraphInstantiate(&replay, graph, 0), "graph");
  cudaEvent_t begin, end;
  check(cudaEventCreate(&begin), "event");
  check(cudaEventCreate(&end), "event");
  std::vector<double> times;
  for (int i = 0; i < 6; ++i) {
    check(cudaEventRecord(begin, stream), "event");
    check(cudaGraphLaunch(replay, stream), "replay");
    check(cudaEventRecord(end, stream), "event");
    check(cudaEventSynchronize(end), "replay");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, begin, end), "event");
    if (i > 0) times.push_back(milliseconds * 1e-3 / launches);
  }
  cudaGraphExecDestroy(replay);
  cudaGraphDestroy(graph);
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

// How many of 200 sampled elements differ from R2 computed on the host.
int wrong(const Problem& p, const std::vector<float>& a, const std::vector<float>& b, const float* device_c) {
  std::mt19937_64 random(1);
  int count = 0;
  for (int i = 0; i < 200; ++i) {
    const auto pick = [&](std::int64_t size) {
      return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(size));
    };
    const std::int64_t batch = pick(p.batch), row = pick(p.m), column = pick(p.n);
    float want = 0, got = 0;
    float* const from_a = const_cast<float*>(a.data()) + batch * p.m * p.k + row * (p.a_turned ? 1 : p.k);
    float* const from_b = const_cast<float*>(b.data()) + batch * p.k * p.n + column * (p.b_turned ? p.k : 1);
    const View left{from_a, kernels::Type::f32, 2, {1, p.k}, {0, p.a_turned ? p.m : 1}};
    const View right{from_b, kernels::Type::f32, 2, {p.k, 1}, {p.b_turned ? 1 : p.n, 0}};
    const View out{&want, kernels::Type::f32, 2, {1, 1}, {1, 1}};
    kernels::reference::gemm_add(out, left, right, 0, 1, out);
    check(cudaMemcpy(&got, device_c + batch * p.m * p.n + row * p.n + column, 4, cudaMemcpyDeviceToHost),
          "copy");
    count += std::signbit(want) != std::signbit(got) || want != got;
  }
  return count;
}

std::vector<Problem> problems() {
  std::vector<Problem> all;
  for (const std::int64_t n : {512, 1000, 1024, 2048, 4095, 4096, 8192})
    for (int turned = 0; turned < 4; ++turned)
      all.push_back({n, n, n, 1, (turned & 1) != 0, (turned & 2) != 0});
  all.push_back({256, 256, 32768, 1, true, false});
  all.push_back({64, 64, 32, 4096, false, false});
  all.push_back({64, 32, 64, 4096, false, false});
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  cudaStream_t stream;
  check(cudaStreamCreate(&stream), "stream");
  Cublas cublas;
  if (!cublas.open(argc > 1 ? argv[1] : "libcublas.so.13", stream)) return 1;
  constexpr std::int64_t kMost = std::int64_t{8192} * 8192;
  std::vector<float> host_a(kMost), host_b(kMost);
  std::mt19937 random(7);
  for (std::vector<float>* host : {&host_a, &host_b})
    for (float& x : *host) x = static_cast<float>(static_cast<std::int32_t>(random())) * 0x1p-31F;
  float *a, *b, *c;
  for (float** matrix : {&a, &b, &c}) check(cudaMalloc(matrix, kMost * 4), "matrix");
  check(cudaMemcpy(a, host_a.data(), kMost * 4, cudaMemcpyHostToDevice), "copy");
  check(cudaMemcpy(b, host_b.data(), kMost * 4, cudaMemcpyHostToDevice), "copy");
  Arena arena(std::size_t{2} << 30);
  kernels::Place place;
  place.cuda = true, place.stream = stream, place.workspace = &arena;
  std::printf("%-26s %10s %10s %8s %8s %6s  %s\n", "m x k x n, batch", "us", "cuBLAS us", "TFLOP/s", "cuBLAS",
              "ratio", "samples wrong");
  for (const Problem& p : problems()) {
    char name[64];
    std::snprintf(name, sizeof name, "%ldx%ldx%ld, %ld %c%c", static_cast<long>(p.m), static_cast<long>(p.k),
                  static_cast<long>(p.n), static_cast<long>(p.batch), p.a_turned ? 'T' : 'N',
                  p.b_turned ? 'T' : 'N');
    if (argc > 2 && !std::strstr(name, argv[2])) continue;
    const double flops = 2.0 * static_cast<double>(p.m) * static_cast<double>(p.n) *
                         static_cast<double>(p.k) * static_cast<double>(p.batch);
    const int launches = flops > 5e11 ? 5 : 50;  // at 8192 a graph of 50 takes more than a second
    const auto ours = [&] {
      arena.used = 0;
      return kernels::gemm(view(a, p.batch, p.m, p.k, p.a_turned), view(b, p.batch, p.k, p.n, p.b_turned),
                           view(c, p.batch, p.m, p.n, false), place) == kernels::Status::ok;
    };
    const double theirs = seconds(stream, launches, [&] { return cublas.run(p, a, b, c); });
    check(cudaMemset(c, 0xff, static_cast<std::size_t>(p.m * p.n * p.batch) * 4), "poison");
    const double mine = seconds(stream, launches, ours);
    std::printf("%-26s %10.1f %10.1f %8.2f %8.2f %6.3f  %d\n", name, mine * 1e6, theirs * 1e6,
                flops / mine * 1e-12, flops / theirs * 1e-12, theirs / mine, wrong(p, host_a, host_b, c));
  }
}
