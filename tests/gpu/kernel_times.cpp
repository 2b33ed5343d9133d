// The GPU's time by kernel, of any program, nodes of replayed graphs included: the CUDA driver loads what
// CUDA_INJECTION64_PATH names.
//   g++ -O2 -shared -fPIC -I/usr/local/cuda/include tests/gpu/kernel_times.cpp -o kernel_times.so
//   -L/usr/local/cuda/lib64 -lcupti CUDA_INJECTION64_PATH=$PWD/kernel_times.so KERNEL_TIMES=times PROGRAM...
// times.PID.tsv: a line a kernel, most time first: milliseconds, calls, microseconds a call, name.
// times.PID.last.tsv: the last of what ran, in order: microseconds since the one before had ended (less than
// 0: it began before; a kernel that waits for another's end by itself counts as running), microseconds it
// took, name.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cupti.h>
#include <cxxabi.h>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

std::string readable(const std::string& name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  std::string out = status == 0 ? text : name;
  std::free(text);
  return out;
}

struct Sum {
  std::string name;  // readable
  unsigned long long ns = 0, calls = 0;
};
std::mutex mutex;
std::map<std::string, Sum>& sums() {
  static auto* all = new std::map<std::string, Sum>;  // outlives every thread
  return *all;
}

struct One {
  unsigned long long start, end;
  const Sum* of;
};
constexpr std::size_t kLast = 8000;
std::deque<One>& last() {
  static auto* all = new std::deque<One>;
  return *all;
}

void add(const std::string& name, unsigned long long start, unsigned long long end) {
  const std::lock_guard lock(mutex);
  Sum& sum = sums()[name];
  if (sum.calls++ == 0) sum.name = readable(name);
  sum.ns += end - start;
  last().push_back({start, end, &sum});
  if (last().size() > kLast) last().pop_front();
}

double us(unsigned long long ns) { return static_cast<double>(ns) / 1e3; }

template <class F>
void write_whole(const std::string& path, const F& write) {
  const std::string temporary = path + ".new";
  FILE* file = std::fopen(temporary.c_str(), "w");
  if (!file) return;
  write(file);
  std::fclose(file);
  std::rename(temporary.c_str(), path.c_str());
}

void write_sums(FILE* file) {
  std::vector<Sum> list;
  for (const auto& entry : sums()) list.push_back(entry.second);
  std::sort(list.begin(), list.end(), [](const Sum& a, const Sum& b) { return a.ns > b.ns; });
  for (const Sum& sum : list)
    std::fprintf(file, "%.3f\t%llu\t%.2f\t%s\n", us(sum.ns) / 1e3, sum.calls,
                 us(sum.ns) / static_cast<double>(sum.calls), sum.name.c_str());
}

void write_last(FILE* file) {
  std::vector<One> list(last().begin(), last().end());
  std::sort(list.begin(), list.end(), [](const One& a, const One& b) { return a.start < b.start; });
  unsigned long long before = list.empty() ? 0 : list.front().start;
  for (const One& one : list) {
    std::fprintf(file, "%.2f\t%.2f\t%s\n",
                 one.start < before ? -us(before - one.start) : us(one.start - before),
                 us(one.end - one.start), one.of->name.c_str());
    before = std::max(before, one.end);
  }
}

// The program may end by _exit: so the files are written anew four times a second, and whole.
void write_all() {
  const char* start = std::getenv("KERNEL_TIMES");
  if (!start) return;
  const std::string path = start + ("." + std::to_string(::getpid()));
  const std::lock_guard lock(mutex);
  write_whole(path + ".tsv", write_sums);
  write_whole(path + ".last.tsv", write_last);
}

void give_buffer(uint8_t** buffer, size_t* size, size_t* most) {
  *size = 8u << 20;
  *buffer = static_cast<uint8_t*>(std::aligned_alloc(8, *size));
  *most = 0;
}

const char* direction(uint8_t kind) {
  switch (kind) {
    case CUPTI_ACTIVITY_MEMCPY_KIND_HTOD:
      return "to the device";
    case CUPTI_ACTIVITY_MEMCPY_KIND_DTOH:
      return "to the host";
    case CUPTI_ACTIVITY_MEMCPY_KIND_DTOD:
      return "on the device";
    default:
      return "other";
  }
}

void take_buffer(CUcontext, uint32_t, uint8_t* buffer, size_t, size_t valid) {
  for (CUpti_Activity* one = nullptr; cuptiActivityGetNextRecord(buffer, valid, &one) == CUPTI_SUCCESS;) {
    if (one->kind == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL) {
      const auto* kernel = reinterpret_cast<CUpti_ActivityKernel10*>(one);
      add(kernel->name, kernel->start, kernel->end);
    } else if (one->kind == CUPTI_ACTIVITY_KIND_MEMCPY) {
      const auto* copy = reinterpret_cast<CUpti_ActivityMemcpy6*>(one);
      add("[memcpy " + std::string(direction(copy->copyKind)) + " " + std::to_string(copy->bytes) + "]",
          copy->start, copy->end);
    } else if (one->kind == CUPTI_ACTIVITY_KIND_MEMSET) {
      const auto* set = reinterpret_cast<CUpti_ActivityMemset4*>(one);
      add("[memset]", set->start, set->end);
    }
  }
  std::free(buffer);
}

}  // namespace

extern "C" int InitializeInjection() {
  cuptiActivityRegisterCallbacks(give_buffer, take_buffer);
  for (const auto kind :
       {CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL, CUPTI_ACTIVITY_KIND_MEMCPY, CUPTI_ACTIVITY_KIND_MEMSET})
    cuptiActivityEnable(kind);
  std::thread([] {
    for (;;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(250));
      cuptiActivityFlushAll(0);
      write_all();
    }
  }).detach();
  std::atexit([] {
    cuptiActivityFlushAll(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
    write_all();
  });
  return 1;
}
