// assay-exhaustive: every input of every unary operator, as one hash a block of 2^20. All targets give the
// same file.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/certify/target.hpp"
#include "kernels/core/contract.hpp"
#include "kernels/core/device.hpp"
#include "kernels/core/hd.hpp"
#include "kernels/exhaustive/sweep.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/json.hpp"

namespace {

namespace kernels = assay::kernels;
namespace exhaustive = assay::kernels::exhaustive;
using assay::Json;

constexpr const char* kHelp =
    "assay-exhaustive: all 2^32 inputs of the unary operators, one hash for 2^20 of them; all 2^16 in bf16.\n"
    "\n"
    "  assay-exhaustive [--device cpu|cuda] [--cpu portable|avx2|avx512] [--threads N] [--part I/N]\n"
    "                   [--function NAME] [--errors] [--against FILE] [-o FILE]\n"
    "\n"
    "  --part      only the blocks whose number is I modulo N (default 0/1: all 4,096)\n"
    "  --errors    also the largest error in ulp against fp64; a status of 3 when one is above the "
    "contract's\n"
    "  --against   compare with a file of an earlier run; exit 2 when a block differs\n"
    "\n"
    "Examples:\n"
    "  assay-exhaustive --device cuda -o all.json\n"
    "  assay-exhaustive --part 17/64 --against all.json\n"
    "  assay-exhaustive --errors --function exp --threads 64\n";

int fail(const std::string& what) {
  std::fprintf(stderr, "error: %s\n", what.c_str());
  return 1;
}

struct Options {
  bool cuda = false, errors = false;
  int threads = 2;
  std::uint32_t part = 0, parts = 1;
  std::string function, output, against;
};

std::vector<std::uint32_t> blocks_of(std::uint32_t part, std::uint32_t parts) {
  std::vector<std::uint32_t> blocks;
  for (std::uint32_t b = part; b < exhaustive::kBlocks; b += parts) blocks.push_back(b);
  return blocks;
}

/// `above`: an error is larger than the contract states.
assay::Result<Json> sweep(const Options& options, bool& above) {
  const std::vector<std::uint32_t> blocks = blocks_of(options.part, options.parts);
  exhaustive::Sweeper sweeper(options.cuda, options.threads);
  Json fp32 = Json::object(), bf16 = Json::object(), errors = Json::object();
  for (const exhaustive::Swept& one : exhaustive::swept_operators()) {
    if (!options.function.empty() && options.function != one.name) continue;
    std::string joined;
    for (const std::string& hash : sweeper.hashes(one, blocks)) joined += hash;
    const std::string narrow = sweeper.bf16_hash(one);
    if (joined.empty() || narrow.empty())
      return assay::Error{assay::Fault::unreadable, one.name + ": the operator failed", "", ""};
    fp32.set(one.name, joined);
    bf16.set(one.name, narrow);
  }
  const auto functions = exhaustive::functions();
  for (std::size_t row = 0; options.errors && row < functions.size(); ++row) {
    const exhaustive::Function& function = functions[row];
    if (!options.function.empty() && options.function != function.name) continue;
    exhaustive::Worst worst{};
    if (!options.cuda)
      worst = exhaustive::largest_error(function, blocks, options.threads);
    else if (!exhaustive::largest_error_cuda(row, blocks, worst))
      return assay::Error{assay::Fault::unreadable,
                          std::string(function.name) + ": no errors from the device", "", ""};
    errors.set(function.name, Json::object({{"ulp", worst.ulp},
                                            {"at_bits", static_cast<unsigned>(kernels::bits_of(worst.at))}}));
    above |= worst.ulp > function.bound;
    if (worst.ulp > function.bound)
      std::fprintf(stderr, "warning: %s: %.4f ulp, more than the %.2f stated\n", function.name, worst.ulp,
                   function.bound);
  }
  Json document = Json::object();
  document.set("format", "assay-exhaustive");
  document.set("contract_version", kernels::contract_version());
  document.set("device", kernels::certify::target_name(options.cuda));
  document.set("part", Json::array().push(options.part).push(options.parts));
  document.set("fp32", std::move(fp32));
  document.set("bf16", std::move(bf16));
  if (options.errors) document.set("errors", std::move(errors));
  return document;
}

// The hash of every block that a file covers, by operator.
using Blocks = std::map<std::string, std::map<std::uint32_t, std::string>>;
Blocks blocks_in(const Json& document) {
  const auto& part = document["part"].items();
  const auto first = static_cast<std::uint32_t>(part.empty() ? 0 : part[0].natural().value_or(0));
  const auto step = static_cast<std::uint32_t>(part.size() < 2 ? 1 : part[1].natural().value_or(1));
  Blocks found;
  for (const Json::Member& one : document["fp32"].members()) {
    const std::string_view text = one.value.string_or("");
    for (std::size_t k = 0; (k + 1) * 16 <= text.size(); ++k)
      found[one.key][first + static_cast<std::uint32_t>(k) * step] = text.substr(k * 16, 16);
  }
  return found;
}

int compare(const Json& found, const std::string& path) {
  const auto text = assay::read_file(path);
  if (!text) return fail(text.error().what);
  const auto stored = Json::parse(*text);
  if (!stored) return fail(path + ": " + stored.error().what);
  if ((*stored)["format"].string_or("") != "assay-exhaustive")
    return fail(path + ": not a file of assay-exhaustive");
  if ((*stored)["contract_version"].natural().value_or(0) !=
      static_cast<unsigned>(kernels::contract_version()))
    return fail(path +
                ": made for another version of the contract\n  hint: tests/gpu/run.sh OUT build exhaustive "
                "makes it anew");
  std::size_t compared = 0, differ = 0;
  const Blocks theirs = blocks_in(*stored);
  for (const auto& [name, blocks] : blocks_in(found)) {
    const auto other = theirs.find(name);
    for (const auto& [block, hash] : blocks) {
      const bool known = other != theirs.end() && other->second.contains(block);
      ++compared;
      if (known && other->second.at(block) == hash) continue;
      ++differ;
      std::printf("%s: inputs 0x%03x00000 to 0x%03xfffff: %s\n", name.c_str(), block, block,
                  known ? "other results" : "not in the file");
    }
  }
  for (const Json::Member& one : found["bf16"].members()) {
    ++compared;
    if ((*stored)["bf16"][one.key] == one.value) continue;
    ++differ;
    std::printf("%s: bf16: other results, or not in the file\n", one.key.c_str());
  }
  std::printf("%zu hashes, %zu differ\n", compared, differ);
  return differ ? 2 : 0;
}

bool parse_part(const std::string& text, Options& options) {
  char* end = nullptr;
  options.part = static_cast<std::uint32_t>(std::strtoul(text.c_str(), &end, 10));
  if (*end != '/') return false;
  options.parts = static_cast<std::uint32_t>(std::strtoul(end + 1, &end, 10));
  return *end == 0 && options.parts >= 1 && options.parts <= exhaustive::kBlocks &&
         options.part < options.parts;
}

std::string parse(const std::vector<std::string>& words, Options& options) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--errors") {
      options.errors = true;
      continue;
    }
    if (i + 1 == words.size()) return "unknown option, or a value is missing after " + word;
    const std::string& value = words[++i];
    // These two have done their work when they are true.
    if ((word == "--cpu" && kernels::certify::force_level(value)) ||
        (word == "--part" && parse_part(value, options)))
      continue;
    if (word == "--device" && (value == "cpu" || value == "cuda"))
      options.cuda = value == "cuda";
    else if (word == "--threads" && std::atoi(value.c_str()) > 0)
      options.threads = std::atoi(value.c_str());
    else if (word == "--function")
      options.function = value;
    else if (word == "--against")
      options.against = value;
    else if (word == "-o")
      options.output = value;
    else
      return word + " " + value + ": not an option with this value";
  }
  return "";
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 1 && (words[0] == "--help" || words[0] == "-h")) return std::fputs(kHelp, stdout), 0;
  Options options;
  if (const std::string error = parse(words, options); !error.empty())
    return fail(error + "\n  hint: assay-exhaustive --help");
  if (options.cuda && kernels::device_count() == 0)
    return fail("--device cuda: no GPU, no driver, or built without CUDA");
  bool above = false;
  const assay::Result<Json> document = sweep(options, above);
  if (!document) return fail(document.error().what);
  if ((*document)["fp32"].size() == 0)
    return fail("--function " + options.function + ": no such unary operator");
  if (!options.output.empty()) {
    const auto written = assay::write_file(options.output, document->dump_pretty(), assay::Existing::replace);
    if (!written) return fail(written.error().what);
  } else if (options.against.empty()) {
    std::fputs(document->dump_pretty().c_str(), stdout);
  }
  const int differs = options.against.empty() ? 0 : compare(*document, options.against);
  return differs ? differs : above ? 3 : 0;
}
