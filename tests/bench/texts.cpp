#include "tests/bench/texts.hpp"

#include <array>
#include <string_view>

namespace assay::bench {
namespace {

using Words = std::span<const std::string_view>;

constexpr std::array<std::string_view, 40> kNouns = {
    "gate", "key",   "query", "value",  "state",  "decay",  "beta",   "mix",    "conv",    "norm",
    "head", "chunk", "mask",  "alpha",  "scale",  "kernel", "branch", "router", "memory",  "fusion",
    "skip", "bias",  "temp",  "logit",  "window", "phase",  "stat",   "entry",  "summary", "focus",
    "rank", "slot",  "path",  "energy", "signal", "carry",  "read",   "write",  "local",   "depth"};
constexpr std::array<std::string_view, 12> kSuffixes = {"",       "_proj", "_t",   "_in",  "_out", "_long",
                                                        "_short", "_mean", "_var", "_cum", "_raw", "_next"};
constexpr std::array<std::string_view, 14> kFunctions = {
    "F.silu",       "F.softplus",  "torch.sigmoid", "torch.tanh", "F.gelu",     "torch.exp",   "F.layer_norm",
    "torch.cumsum", "F.normalize", "self.blend",    "self.shift", "torch.relu", "self.rotate", "torch.rsqrt"};
constexpr std::array<std::string_view, 8> kEquations = {
    "bhtd,bhsd->bhts", "bhts,bhsd->bhtd", "btd,de->bte",  "bhkv,bhk->bhv",
    "bhk,bhv->bhkv",   "blhd,hde->blhe",  "bnc,bmc->bnm", "bhld,bhd->bhl"};
constexpr std::array<std::string_view, 6> kOperators = {"+", "-", "*", "@", "/", "%"};

constexpr std::array<std::string_view, 96> kStems = {
    "gat",      "comput",     "delay",    "mix",      "recurr",    "attend",     "decod",     "encod",
    "normaliz", "factoriz",   "project",  "interpol", "aggregat",  "modulat",    "stabiliz",  "sparsif",
    "quantiz",  "approximat", "retain",   "forgett",  "updat",     "overwrit",   "balanc",    "rout",
    "select",   "filter",     "smooth",   "anneal",   "schedul",   "initializ",  "regulariz", "constrain",
    "saturat",  "amplif",     "suppress", "separat",  "combin",    "concatenat", "shift",     "rotat",
    "align",    "calibrat",   "estimat",  "predict",  "generaliz", "overfitt",   "converg",   "diverg",
    "improv",   "degrad",     "measur",   "compar",   "ablat",     "replac",     "extend",    "truncat",
    "expand",   "compress",   "share",    "coupl",    "index",     "partition",  "chunk",     "stream",
    "cach",     "prefetch",   "batch",    "pad",      "mask",      "causal",     "local",     "global",
    "long",     "short",      "dense",    "linear",   "quadrat",   "spectral",   "convol",    "residu",
    "hidden",   "latent",     "adapt",    "static",   "dynam",     "hierarch",   "multi",     "token",
    "channel",  "position",   "context",  "capac",    "gradient",  "paramet",    "budget",    "benchmark"};
constexpr std::array<std::string_view, 14> kEndings = {"ing", "ed",   "es", "ion", "al",   "er", "ive",
                                                       "ity", "able", "ic", "or",  "ance", "ly", "ment"};
constexpr std::array<std::string_view, 28> kSmall = {
    "the", "a",    "of",   "to",  "and",   "in",   "with", "for",  "that", "this",
    "on",  "by",   "from", "as",  "which", "is",   "was",  "over", "than", "each",
    "per", "when", "but",  "not", "its",   "more", "less", "still"};

/// Appends from left to right: the operands of `<<` are evaluated in order, those of `+` in any, and every
/// one of them draws from the generator.
struct Text {
  std::string text;
  Text& operator<<(std::string_view more) {
    text += more;
    return *this;
  }
};

std::string name(Random& random) {
  Text out;
  out << random.pick(kNouns) << random.pick(kSuffixes);
  if (random.chance(150)) out << std::to_string(random.below(10));
  return out.text;
}

std::string number(Random& random) {
  switch (random.below(3)) {
    case 0:
      return std::to_string(1 + random.below(64));
    case 1:
      return "0." + std::to_string(1 + random.below(99));
    default:
      return "1e-" + std::to_string(2 + random.below(7));
  }
}

std::string operand(Random& random) {
  Text out;
  if (random.chance(200)) out << number(random) << " * ";
  if (random.chance(350)) out << "self.";
  out << name(random);
  switch (random.below(4)) {
    case 0:
      out << ".unsqueeze(-1)";
      break;
    case 1:
      out << "[:, :, " << name(random) << "]";
      break;
    default:
      break;
  }
  return out.text;
}

std::string assignment(Random& random) {
  Text out;
  out << name(random) << " = ";
  switch (random.below(6)) {
    case 0:
      out << "torch.einsum(\"" << random.pick(kEquations) << "\", " << operand(random) << ", "
          << operand(random) << ")";
      break;
    case 1:
      out << random.pick(kFunctions) << "(self." << name(random) << "(" << operand(random) << "))";
      break;
    case 2:
      out << operand(random) << ".view(batch, length, " << name(random) << ", -1).transpose(1, 2)";
      break;
    case 3:
      out << "torch.where(" << name(random) << " > " << number(random) << ", " << operand(random) << ", "
          << operand(random) << ")";
      break;
    default:
      out << operand(random) << " " << random.pick(kOperators) << " " << random.pick(kFunctions) << "("
          << operand(random) << ")";
  }
  return out.text;
}

std::string word(Random& random) {
  Text out;
  out << random.pick(kStems) << random.pick(kEndings);
  return out.text;
}

bool is_fixed(const std::string& line) {
  const std::size_t start = line.find_first_not_of(' ');
  if (start == std::string::npos) return true;
  const std::string_view text = std::string_view(line).substr(start);
  for (std::string_view keyword :
       {"class ", "def ", "import ", "from ", "\"\"\"", "#", "for ", "if ", "return"})
    if (text.starts_with(keyword)) return true;
  return false;
}

void append_function(Random& random, Lines& into) {
  Text head;
  head << "    def " << name(random) << "_" << std::to_string(random.below(100)) << "(self, " << name(random)
       << ": torch.Tensor, " << name(random) << ": torch.Tensor) -> torch.Tensor:";
  into.push_back(head.text);
  into.push_back("        \"\"\"" + sentence(random) + "\"\"\"");
  into.push_back("        batch, length, _ = " + name(random) + ".shape");
  const std::uint64_t body = 6 + random.below(14);
  for (std::uint64_t i = 0; i < body; ++i) {
    if (random.chance(80)) {
      into.push_back("        if self." + name(random) + " is not None:");
      into.push_back(statement(random, 12));
    } else {
      into.push_back(statement(random, 8));
    }
  }
  into.push_back("        return " + operand(random));
  into.emplace_back();
}

}  // namespace

std::string statement(Random& random, unsigned indent) {
  return std::string(indent, ' ') + assignment(random);
}

std::string sentence(Random& random) {
  std::string text;
  const std::uint64_t words = 10 + random.below(12);
  for (std::uint64_t i = 0; i < words; ++i) {
    if (i > 0) text += ' ';
    if (random.chance(110)) {
      text += "0." + std::to_string(1000 + random.below(9000));
    } else {
      text += i % 2 == 0 ? std::string(random.pick(kSmall)) : word(random);
    }
  }
  if (text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text + ".";
}

Lines functions(Random& random, std::size_t bytes) {
  Lines lines = {"", "",
                 "class " + std::string("Block") + std::to_string(random.below(1000)) + "(nn.Module):"};
  std::size_t size = size_of(lines);
  while (size < bytes) {
    const std::size_t before = lines.size();
    append_function(random, lines);
    for (std::size_t i = before; i < lines.size(); ++i) size += lines[i].size() + 1;
  }
  return lines;
}

Lines prose(Random& random, std::size_t bytes) {
  Lines lines;
  std::size_t size = 0;
  while (size < bytes) {
    if (!lines.empty() && random.chance(120)) lines.emplace_back();
    lines.push_back(sentence(random));
    size += lines.back().size() + 1;
  }
  return lines;
}

Lines changed_program(Random& random, const Lines& parent, unsigned per_mille) {
  Lines lines = parent;
  for (std::string& line : lines)
    if (random.chance(per_mille) && !is_fixed(line))
      line = statement(random, static_cast<unsigned>(line.find_first_not_of(' ')));
  return lines;
}

Lines changed_prose(Random& random, const Lines& parent, unsigned per_mille) {
  Lines lines = parent;
  for (std::string& line : lines)
    if (random.chance(per_mille) && !line.empty()) line = sentence(random);
  return lines;
}

std::string joined(const Lines& lines) {
  std::string text;
  text.reserve(size_of(lines));
  for (const std::string& line : lines) {
    text += line;
    text += '\n';
  }
  return text;
}

std::size_t size_of(const Lines& lines) {
  std::size_t size = 0;
  for (const std::string& line : lines) size += line.size() + 1;
  return size;
}

}  // namespace assay::bench
