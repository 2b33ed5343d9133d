// `assay doctor`: what this installation can do, what it cannot, and how to get that.
#include <algorithm>
#include <filesystem>

#include "archives/git_loader.hpp"
#include "formats/keys.hpp"
#include "replay/engine/job.hpp"
#include "replay/engine/runner_process.hpp"
#if defined(ASSAY_HAS_SEARCH)
#include "replay/search/clock.hpp"
#endif
#include "toolkit/base/confined_program.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/parallel.hpp"
#include "toolkit/base/process.hpp"
#include "toolkit/base/sandbox.hpp"
#include "toolkit/base/sha256.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/cli/arguments.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/cuda_fit.hpp"
#include "toolkit/cli/output.hpp"
#include "toolkit/cli/version.hpp"

namespace assay::cli::commands {

namespace {

/// One line of the diagnosis. Where something is missing, `hint` says what it would bring and how to get it.
struct Line {
  std::string name, state, hint;
};

Line about_sandbox() {
  const SandboxTiers tiers = sandbox_tiers();
  Line line{"sandbox", tiers.text(), ""};
  if (!tiers.seccomp) {
    line.hint =
        "without seccomp a hostile bundle is held by fewer walls: build with libseccomp-dev on a kernel that "
        "has it";
  } else if (!tiers.landlock_abi) {
    line.hint = "without Landlock a hostile bundle is held by seccomp alone: Linux 5.13 or later has it";
  }
  return line;
}

Line about_replay() {
  const auto runner = replay::find_runner();
  if (!runner) return {"replay", runner.error().what, runner.error().hint};
  const auto facts = replay::ask_runner(*runner);
  if (!facts) return {"replay", facts.error().what, facts.error().hint};
  return {"replay",
          runner->string() + ", torch " + facts->versions.torch + ", contract " +
              facts->versions.contract.hex().substr(0, 16),
          ""};
}

Line about_program_tiers() {
  std::string state;
  for (const ProgramTier tier : {ProgramTier::rlimits, ProgramTier::seccomp, ProgramTier::bubblewrap})
    if (has_program_tier(tier)) state += (state.empty() ? "" : ", ") + std::string(name_of(tier));
  const char* hint = has_program_tier(ProgramTier::seccomp)
                         ? ""
                         : "assay train and assay replay then need --sandbox rlimits (assay help sandbox)";
  return {"programs", state, hint};
}

#if defined(ASSAY_HAS_SEARCH)
Line about_clock() {
  const auto library = search::find_faketime();
  if (library) return {"libfaketime", "found: " + library->substr(library->rfind(':') + 1), ""};
  return {"libfaketime", "not found",
          "assay record --deterministic, and reruns of such records, need it: apt-get install libfaketime"};
}
#else
Line about_clock() { return {"libfaketime", "not in this build", "searches are left out of it"}; }
#endif

Line about_agent() {
  const auto signer = formats::load_signer("agent");
  if (signer) return {"ssh-agent", (*signer)->public_key().fingerprint(), ""};
  return {"ssh-agent", "no key to sign with: " + signer.error().what,
          "only needed for --key agent: ssh-add FILE"};
}

Line about_program(const std::string& name, const std::vector<std::string>& words, const std::string& purpose,
                   const std::string& package) {
  assay::Command command;
  command.arguments = words;
  command.timeout = 5;
  const auto outcome = run_command(command);
  if (!outcome) return {name, "not found", purpose + ": apt-get install " + package};
  const std::string text = outcome->out.empty() ? outcome->err : outcome->out;
  return {name, std::string(trim(text.substr(0, text.find('\n')))), ""};
}

#if !defined(ASSAY_CUDA_ARCHITECTURES)
Line about_cuda() { return {"CUDA", "not in this build", "only needed to replay on a GPU"}; }
#else
/// What the operators are compiled for, beside the GPUs that the driver names.
Line about_cuda() {
  const CudaCode code = cuda_code_of(ASSAY_CUDA_ARCHITECTURES);
  Line line{"CUDA", "compiled for " + text_of(code), ""};
  assay::Command command;
  command.arguments = {"nvidia-smi", "--query-gpu=compute_cap,driver_version,name", "--format=csv,noheader"};
  command.timeout = 20;
  const auto outcome = run_command(command);
  if (!outcome || outcome->status != 0) {
    line.state += "; no GPU (nvidia-smi names none)";
    return line;
  }
  for (const std::string_view row : split_lines(outcome->out)) {
    const auto cells = split(row, ',');
    if (cells.size() < 3) continue;
    const int capability = capability_of(trim(cells[0]));
    line.state += "; " + std::string(trim(cells[2])) + " of capability " + std::string(trim(cells[0])) +
                  ", driver " + std::string(trim(cells[1]));
    if (capability > 0 && !runs_on(code, capability))
      line.hint = "nothing of this build runs on capability " + std::string(trim(cells[0])) +
                  ": configure with -DASSAY_CUDA_ARCHITECTURES=" + std::to_string(capability) +
                  "-real, or =all for a release";
  }
  return line;
}
#endif

Line about_archives() {
  const auto module = archives::find_git_module();
  if (module) return {"archives", "the git store is there", ""};
  return {"archives", "no git store: archive and verify ARCHIVE do not work",
          module.error().what + "; " + module.error().hint};
}

std::vector<Line> diagnose() {
  std::vector<Line> lines;
  lines.push_back({"assay", kVersion, ""});
  lines.push_back({"compiler", __VERSION__, ""});
  lines.push_back({"cores", std::to_string(usable_cores()), ""});
  const std::string path(sha256_path());
  lines.push_back(
      {"SHA-256",
       path == "openssl" ? "OpenSSL, one message at a time" : path + ", side by side in vector registers",
       ""});
  lines.push_back(about_sandbox());
  lines.push_back(about_replay());
  lines.push_back(about_program_tiers());
  lines.push_back(about_cuda());
  lines.push_back(about_archives());
  lines.push_back(about_agent());
  lines.push_back(about_clock());
  lines.push_back(about_program("git", {"git", "--version"},
                                "stock git reads an archive; assay itself does without", "git"));
  lines.push_back(about_program("git-lfs", {"git-lfs", "--version"},
                                "stock git-lfs reads an archive; assay itself does without", "git-lfs"));
  return lines;
}

Result<Exit> run(const Arguments&, Output& output) {
  const std::vector<Line> lines = diagnose();
  if (output.wants_json()) {
    Json result = Json::object();
    for (const Line& line : lines) {
      Json entry = Json::object({{"state", line.state}});
      if (!line.hint.empty()) entry.set("hint", line.hint);
      result.set(line.name, std::move(entry));
    }
    output.print_json(output.document().set("result", std::move(result)));
    return Exit::done;
  }
  std::size_t width = 0;
  for (const Line& line : lines) width = std::max(width, line.name.size() + 2);
  for (const Line& line : lines) {
    std::string name = line.name;
    name.resize(width, ' ');
    output.print(name + escape_terminal(line.state) + "\n");
    if (!line.hint.empty()) output.print(std::string(width, ' ') + escape_terminal(line.hint) + "\n");
  }
  return Exit::done;
}

}  // namespace

Command doctor() {
  return {
      .name = "doctor",
      .sentence = "Tell what this installation can do, what is missing, and how to get it",
      .about = "",
      .positionals = {},
      .options = {{.name = "--json", .value = "", .text = "the result as a JSON document"}},
      .examples = {{"assay doctor", "versions, sandbox, hashing, cores, keys"},
                   {"assay doctor --json", "the same for a bug report"}},
      .exits = {},
      .run = run,
  };
}

}  // namespace assay::cli::commands
