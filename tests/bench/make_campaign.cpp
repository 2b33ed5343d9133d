// Writes the campaign that the benchmarks seal: make_campaign --seed 1 --experiments 1772 -o DIR. The same
// arguments give the same bytes on every machine. docs/benchmarks.md says what it stands for.
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/bench/campaign.hpp"
#include "tests/bench/tensors.hpp"

namespace {

using namespace assay::bench;

struct Options {
  std::uint64_t seed = 1, experiments = kSearch, tensor_bytes = 0;
  Body body = Body::full;
  std::string output;
};

bool fail(const std::string& what) {
  std::fprintf(stderr, "make_campaign: %s\n", what.c_str());
  return false;
}

bool write(const std::string& path, std::string_view bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) return fail(path + ": " + std::strerror(errno));
  const bool done = ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  ::close(fd);
  return done || fail(path + ": short write");
}

bool make_folder(const std::string& path) {
  return ::mkdir(path.c_str(), 0755) == 0 || fail(path + ": " + std::strerror(errno));
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit == "GB") return value * 1'000'000'000;
  if (unit == "MB") return value * 1'000'000;
  return unit.empty() ? std::optional(value) : std::nullopt;
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; i += 2) {
    const std::string_view key = argv[i];
    if (i + 1 == argc) return fail("no value for " + std::string(key));
    const std::string_view value = argv[i + 1];
    const std::optional<std::uint64_t> number = parse_number(value);
    if (key == "-o")
      options.output = value;
    else if (key == "--seed" && number)
      options.seed = *number;
    else if (key == "--experiments" && number)
      options.experiments = *number;
    else if (key == "--tensors" && number)
      options.tensor_bytes = *number;
    else if (key == "--body" && value == "small")
      options.body = Body::small;
    else if (key == "--body" && value == "full")
      options.body = Body::full;
    else
      return fail("cannot use " + std::string(key) + " " + std::string(value));
  }
  return !options.output.empty() || fail(
                                        "usage: make_campaign [--seed 1] [--experiments 1772] [--body "
                                        "full|small] [--tensors 2GB] -o DIR");
}

std::vector<std::string> sample_programs() {
  std::vector<std::string> samples;
  for (const char* name : {"delta.py", "gated.py", "local.py"}) {
    std::ifstream file(std::string(ASSAY_SOURCE_DIR "/tests/bench/templates/") + name);
    std::ostringstream text;
    text << file.rdbuf();
    samples.push_back(text.str());
  }
  return samples;
}

bool write_experiment(const std::string& folder, Search& search, const Made& made, Body body) {
  return make_folder(folder) && write(folder + "/experiment.json", experiment_json(search.random(), made)) &&
         write(folder + "/program.py", joined(made.program)) &&
         write(folder + "/motivation.md", joined(made.motivation)) &&
         write(folder + "/analysis.md", joined(made.analysis)) &&
         write(folder + "/metrics.csv", metrics_csv(made)) &&
         write(folder + "/train.log", training_log(search.random(), made, body));
}

bool write_experiments(const Options& options, const std::vector<std::string>& samples) {
  for (std::uint64_t done = 0; done < options.experiments;) {
    Search search(options.seed + done, done + 1, samples, options.body);
    for (std::uint64_t i = 0; i < kSearch && done < options.experiments; ++i, ++done) {
      const Made& made = search.next();
      if (!write_experiment(options.output + "/experiments/" + std::to_string(made.id), search, made,
                            options.body))
        return false;
    }
  }
  return true;
}

bool run(const Options& options) {
  const std::vector<std::string> samples = sample_programs();
  for (const std::string& sample : samples)
    if (sample.empty()) return fail("no sample programs in " ASSAY_SOURCE_DIR "/tests/bench/templates");
  const std::uint64_t experiments = options.tensor_bytes > 0 ? 1 : options.experiments;
  Options those = options;
  those.experiments = experiments;
  if (!make_folder(options.output) || !make_folder(options.output + "/experiments") ||
      !write(options.output + "/campaign.json", campaign_json(experiments)) ||
      !write_experiments(those, samples))
    return false;
  if (options.tensor_bytes == 0) return true;
  return write_checkpoint(options.output + "/experiments/1/checkpoint.safetensors", options.tensor_bytes,
                          options.seed) ||
         fail("cannot write the checkpoint");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  return parse(argc, argv, options) && run(options) ? 0 : 1;
}
