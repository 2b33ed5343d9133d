// assay-certify: runs every operator on inputs that are the same everywhere and writes a hash for each.
// Certificates of all targets are equal line by line.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/certify/table.hpp"
#include "kernels/certify/target.hpp"
#include "kernels/core/contract.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/json.hpp"

namespace {

namespace kernels = assay::kernels;
namespace certify = assay::kernels::certify;
using assay::Json;

constexpr const char* kHelp =
    "assay-certify: hashes of every operator's output, the same on every target.\n"
    "\n"
    "  assay-certify [--device cpu|cuda] [--cpu portable|avx2|avx512] [--threads N] [--family NAME] [-o "
    "FILE]\n"
    "  assay-certify --compare A.json B.json\n"
    "\n"
    "  --compare   says which lines differ; exit 2 when any does\n"
    "\n"
    "Examples:\n"
    "  assay-certify --cpu avx2 -o avx2.json\n"
    "  assay-certify --device cuda -o gpu.json && assay-certify --compare avx2.json gpu.json\n";

int fail(const std::string& what) {
  std::fprintf(stderr, "error: %s\n", what.c_str());
  return 1;
}

struct Options {
  bool cuda = false;
  int threads = 2;
  std::string family, output;
  std::vector<std::string> compare;
};

Json certificate(const Options& options) {
  Json lines = Json::object();
  certify::Suite suite(options.cuda, options.threads);
  for (const certify::Family& family : certify::families())
    if (options.family.empty() || options.family == family.name) family.cases(suite);
  for (const auto& line : suite.lines()) lines.set(line.name, line.digest);
  Json document = Json::object();
  document.set("format", "assay-certificate");
  document.set("contract_version", kernels::contract_version());
  document.set("contract_sha256", std::string(kernels::contract_sha256()));
  document.set("device", certify::target_name(options.cuda));
  document.set("driver", options.cuda ? kernels::driver_version() : std::string());
  document.set("operators", std::move(lines));
  return document;
}

// The certificate's lines, or what is wrong with the file.
assay::Result<Json> read_certificate(const std::string& path) {
  const std::string text = ASSAY_TRY(assay::read_file(path));
  Json document = ASSAY_TRY(Json::parse(text));
  if (document["format"].string_or("") != "assay-certificate")
    return assay::Error{assay::Fault::malformed, path + ": not a certificate of assay-certify", path, ""};
  return document;
}

int compare(const std::string& left, const std::string& right) {
  assay::Result<Json> a = read_certificate(left), b = read_certificate(right);
  if (!a) return fail(a.error().what);
  if (!b) return fail(b.error().what);
  int differences = 0;
  const auto say = [&](const std::string& line) { std::printf("%s\n", line.c_str()), ++differences; };
  if ((*a)["contract_sha256"] != (*b)["contract_sha256"]) say("contract: not the same document");
  std::map<std::string, std::string> others;
  for (const Json::Member& line : (*b)["operators"].members()) others[line.key] = line.value.string_or("");
  for (const Json::Member& line : (*a)["operators"].members()) {
    const auto other = others.find(line.key);
    if (other == others.end())
      say(line.key + ": only in " + left);
    else if (other->second != line.value.string_or(""))
      say(line.key + ": " + std::string(line.value.string_or("")) + " and " + other->second);
    others.erase(line.key);
  }
  for (const auto& [name, digest] : others) say(name + ": only in " + right);
  std::printf("%zu lines, %d differ\n", (*a)["operators"].size(), differences);
  return differences ? 2 : 0;
}

bool parse(const std::vector<std::string_view>& words, Options& options, std::string& error) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const auto next = [&] {
      return ++i < words.size() ? std::string(words[i])
                                : (error = "a value is missing after " + std::string(word), "");
    };
    if (word == "--device") {
      const std::string device = next();
      if (device != "cpu" && device != "cuda") error = "--device is cpu or cuda, found: " + device;
      options.cuda = device == "cuda";
    } else if (word == "--cpu") {
      const std::string level = next();
      if (!certify::force_level(level))
        error = "--cpu " + level + ": not a level that this processor has (portable, avx2, avx512)";
    } else if (word == "--threads") {
      options.threads = std::atoi(next().c_str());
      if (options.threads < 1) error = "--threads: a number from 1";
    } else if (word == "--family") {
      options.family = next();
    } else if (word == "-o") {
      options.output = next();
    } else if (word == "--compare") {
      options.compare = {next(), next()};
    } else {
      error = "unknown option " + std::string(word);
    }
    if (!error.empty()) return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  if (words.size() == 1 && (words[0] == "--help" || words[0] == "-h")) return std::fputs(kHelp, stdout), 0;
  Options options;
  std::string error;
  if (!parse(words, options, error)) return fail(error + "\n  hint: assay-certify --help");
  if (!options.compare.empty()) return compare(options.compare[0], options.compare[1]);
  if (options.cuda && kernels::device_count() == 0)
    return fail("--device cuda: no GPU, no driver, or built without CUDA");
  const std::string text = certificate(options).dump_pretty();
  if (options.output.empty()) return std::fputs(text.c_str(), stdout), 0;
  const auto written = assay::write_file(options.output, text, assay::Existing::replace);
  return written ? 0 : fail(written.error().what);
}
