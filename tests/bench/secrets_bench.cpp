// How fast find_secrets reads text without secrets: bench_secrets [FILE...]. Without files: the sample
// programs of the repository and 64 MiB made of them. One core, median of 9.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "archives/secrets.hpp"
#include "archives/secrets_scan.hpp"
#include "toolkit/base/files.hpp"

namespace {

using Clock = std::chrono::steady_clock;

// Programs, as a campaign holds them: the repository's own sources stand in.
std::string own_sources() {
  std::string text;
  const std::filesystem::path root = ASSAY_SOURCE_DIR;
  for (const char* folder : {"toolkit", "formats", "archives", "tests/bench"}) {
    const auto files = assay::walk_files(root / folder);
    if (!files) continue;
    for (const auto& file : *files)
      if (const auto content = assay::read_file(root / folder / file.relative)) text += *content;
  }
  return text;
}

template <typename Work>
double median_seconds(Work work) {
  std::vector<double> times;
  for (int i = 0; i < 9; ++i) {
    const auto start = Clock::now();
    work();
    times.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  return times[4];
}

void report(const char* what, const std::string& text) {
  namespace secrets = assay::archives::secrets;
  std::size_t found = 0, literals = 0;
  const double all = median_seconds([&] { found = assay::archives::find_secrets(text).size(); });
  const auto scan = [&](secrets::Path path) {
    return median_seconds([&] {
      literals = 0;
      secrets::find_literals(text, path, [&](const secrets::Hit&) { ++literals; });
    });
  };
  const double best = scan(secrets::best_path()), portable = scan(secrets::Path::portable);
  const double giga = static_cast<double>(text.size()) / 1e9;
  std::printf(
      "%s: %.1f MB, %zu literals, %zu secrets; find_secrets %.2f GB/s, literals alone %.2f, portable %.2f\n",
      what, giga * 1e3, literals, found, giga / all, giga / best, giga / portable);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (const auto text = assay::read_file(argv[i])) report(argv[i], *text);
  if (argc > 1) return 0;
  const std::string once = own_sources();
  if (once.empty()) return 1;
  std::string text;
  while (text.size() < (64u << 20)) text += once;
  report("own sources", text);
  return 0;
}
