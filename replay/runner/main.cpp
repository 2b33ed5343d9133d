// assay-runner JOB.json [--events FD|-]: one training run or a part of it; events as JSON lines on descriptor
// 3, or where
// --events says. Exit status 0, or 10 + the kind of failure (docs/exit-status.md); 1 for bad usage.
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <new>
#include <string>
#include <string_view>
#include <unistd.h>

#include "kernels/torch/assay_kernels.h"
#include "replay/runner/interpreter.hpp"
#include "replay/runner/session.hpp"

namespace {

using assay::replay::Events;
using assay::replay::Failure;
using assay::replay::FailureKind;

struct Arguments {
  std::string job;
  int events = 3;
  bool versions = false;
};

bool parse(int count, char** values, Arguments& out) {
  for (int i = 1; i < count; ++i) {
    const std::string_view value = values[i];
    if (value == "--versions") {
      out.versions = true;
    } else if (value == "--events" && i + 1 < count) {
      const std::string_view where = values[++i];
      if (where == "-") {
        out.events = STDOUT_FILENO;
      } else if (std::from_chars(where.data(), where.data() + where.size(), out.events).ec != std::errc{}) {
        return false;
      }
    } else if (out.job.empty() && !value.starts_with("-")) {
      out.job = value;
    } else {
      return false;
    }
  }
  return out.versions || !out.job.empty();
}

/// Events keep a descriptor of their own; what a program prints goes to standard error.
int own_descriptor(int wanted) {
  const int kept = ::fcntl(wanted, F_DUPFD_CLOEXEC, 10);
  if (kept < 0) return -1;
  if (wanted > STDERR_FILENO) ::close(wanted);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  return kept;
}

/// What torch and the standard library throw: by its first line.
Failure failure_of(const std::exception& error) {
  std::string text = error.what();
  text = text.substr(0, text.find('\n'));
  const auto says = [&](const char* part) { return text.find(part) != std::string::npos; };
  if (says("assay: operator") && says("is not certified"))
    return {FailureKind::uncertified, text.substr(7, text.find(". Schema:") - 7)};
  if (says("CUDA out of memory")) return {FailureKind::cuda_memory, text};
  if (says("can't allocate memory") || says("bad_alloc"))
    return {FailureKind::memory, "out of memory: " + text};
  return {FailureKind::forward, text};
}

int run(const Arguments& arguments, const Events& events) {
  try {
    const assay::replay::Job job = assay::replay::read_job(arguments.job);
    if (!job.cpu_level.empty()) ::setenv("ASSAY_KERNELS_CPU", job.cpu_level.c_str(), 1);
    assay::replay::run(job, events);
    return 0;
  } catch (const Failure& failure) {
    events.send(failure);
    return failure.exit_status();
  } catch (const std::exception& error) {
    const Failure failure = failure_of(error);
    events.send(failure);
    return failure.exit_status();
  }
}

/// What the parent must know before it starts a run: the versions that fix the bits, and what the sandbox
/// must let be read.
int versions() {
  const std::string contract = assay_kernels_contract();
  const auto found = assay::replay::start_python(true, 0);
  assay::Json reads = assay::Json::array();
  for (const std::string& folder : found.folders) reads.push(folder);
  const assay::Json all = assay::Json::object({{"contract", contract.substr(contract.find(' ') + 1)},
                                               {"torch", found.torch.substr(0, found.torch.find('+'))},
                                               {"einops", found.einops},
                                               {"standins", assay::replay::standins_sha256().hex()},
                                               {"python", found.python},
                                               {"reads", std::move(reads)}});
  std::printf("%s\n", all.dump().c_str());
  return 0;
}

}  // namespace

int main(int count, char** values) {
  Arguments arguments;
  if (!parse(count, values, arguments)) {
    std::fprintf(stderr, "usage: assay-runner JOB.json [--events FD|-]\n       assay-runner --versions\n");
    return 1;
  }
  int status = 0;
  if (arguments.versions) {
    status = versions();
  } else {
    const int descriptor = own_descriptor(arguments.events);
    if (descriptor < 0) {
      std::fprintf(stderr,
                   "error: descriptor %d for events is not open; --events - writes them to standard output\n",
                   arguments.events);
      return 1;
    }
    status = run(arguments, Events(descriptor));
  }
  std::fflush(nullptr);
  ::_exit(status);  // neither Python nor torch is taken down: all that counts is written
}
