#include "toolkit/cli/commands/replay_options.hpp"

#include <charconv>

#include "replay/engine/recipes.hpp"

namespace assay::cli::commands {

std::vector<Option> replay_options() {
  return {{.name = "--data",
           .value = "NAME=FILE",
           .text = "a file that the recipe's task reads",
           .repeats = true,
           .completes = Completes::file},
          {.name = "--device",
           .value = "DEVICE",
           .text = "cpu (if not given) or cuda; the bits are the same",
           .completes = Completes::words,
           .words = "cpu cuda"},
          {.name = "--threads", .value = "N", .text = "threads on the CPU; all cores if not given"},
          {.name = "--cpu-level",
           .value = "LEVEL",
           .text = "the processor's vectors that kernels use; the best if not given",
           .completes = Completes::words,
           .words = "portable avx2 avx512"},
          {.name = "--allow-uncertified",
           .value = "",
           .text = "go on where an operator has no certified kernel; the result says so"},
          {.name = "--sandbox",
           .value = "TIER",
           .text = "refuse to run below this tier (assay help sandbox); seccomp if not given",
           .completes = Completes::words,
           .words = kProgramTiers},
          {.name = "--memory",
           .value = "BYTES",
           .text = "memory the program may take; three quarters if not given"},
          {.name = "--output-limit", .value = "BYTES", .text = "bytes it may write; 64 GiB if not given"},
          {.name = "--step-time", .value = "SECONDS", .text = "longest step; 900 if not given"},
          {.name = "--time", .value = "SECONDS", .text = "longest run; no limit if not given"}};
}

Result<std::optional<std::uint64_t>> number_option(const Arguments& arguments, std::string_view name,
                                                   std::uint64_t low) {
  const auto text = arguments.value(name);
  if (!text) return std::optional<std::uint64_t>();
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (code != std::errc() || end != text->data() + text->size() || value < low || value > (1ull << 50))
    return Error{Fault::usage, "expected a whole number from " + std::to_string(low) + ", found " + *text,
                 "option " + std::string(name), ""};
  return std::optional(value);
}

namespace {

Result<std::map<std::string, std::filesystem::path>> data_files(const Arguments& arguments) {
  std::map<std::string, std::filesystem::path> files;
  for (const std::string& text : arguments.values("--data")) {
    const auto equals = text.find('=');
    if (equals == text.npos || equals == 0 || equals + 1 == text.size())
      return Error{Fault::usage, "expected NAME=FILE, found " + text, "option --data", ""};
    if (!files.emplace(text.substr(0, equals), fs::absolute(text.substr(equals + 1))).second)
      return Error{Fault::usage, "given twice: " + text.substr(0, equals), "option --data", ""};
  }
  return files;
}

}  // namespace

Result<ReplayOptions> read_replay_options(const Arguments& arguments) {
  ReplayOptions options;
  options.place.device = arguments.value_or("--device", "cpu");
  options.place.cpu_level = arguments.value_or("--cpu-level", "");
  options.place.strict = !arguments.has("--allow-uncertified");
  options.place.threads = static_cast<unsigned>(
      std::min<std::uint64_t>(1024, ASSAY_TRY(number_option(arguments, "--threads", 1)).value_or(0)));
  options.limits.memory = ASSAY_TRY(number_option(arguments, "--memory", 1)).value_or(0);
  options.limits.output =
      ASSAY_TRY(number_option(arguments, "--output-limit", 1)).value_or(options.limits.output);
  if (const auto seconds = ASSAY_TRY(number_option(arguments, "--step-time", 1)))
    options.limits.step_seconds = static_cast<double>(*seconds);
  if (const auto seconds = ASSAY_TRY(number_option(arguments, "--time", 1)))
    options.limits.total_seconds = static_cast<double>(*seconds);
  options.tier = program_tier(arguments.value_or("--sandbox", "seccomp")).value_or(ProgramTier::seccomp);
  options.data = ASSAY_TRY(data_files(arguments));
  options.runner = ASSAY_TRY(replay::find_runner());
  options.facts = ASSAY_TRY(replay::ask_runner(options.runner));
  return options;
}

Result<formats::Recipe> read_recipe(const std::string& name_or_file, const ReplayOptions& options) {
  const std::string text = ASSAY_TRY(replay::recipe_text(name_or_file, replay::RecipeKind::training));
  auto recipe = formats::Recipe::parse(text, &options.facts.versions);
  if (!recipe) return std::move(recipe.error()).in(name_or_file);
  if (recipe->task.files.empty())
    for (const auto& [name, path] : options.data)
      recipe->task.files[name] = ASSAY_TRY(replay::hash_file(path));
  ASSAY_TRY(replay::check_versions(*recipe, options.facts.versions));
  ASSAY_TRY(replay::check_data(*recipe, options.data));
  // --data may have names that a recipe cannot have.
  return formats::Recipe::parse(recipe->canonical());
}

}  // namespace assay::cli::commands
