#include "replay/search/versions.hpp"

#include <filesystem>
#include <sys/utsname.h>
#include <unistd.h>

#include "toolkit/base/files.hpp"
#include "toolkit/base/process.hpp"
#include "toolkit/base/text.hpp"

namespace assay::search {

namespace {

constexpr const char* kAsk =
    "import json, sys\nfrom importlib import metadata\n"
    "print(json.dumps({'python': sys.version.split()[0], 'packages': "
    "{d.metadata['Name']: d.version for d in metadata.distributions() if d.metadata['Name']}}))\n";

std::string found_in_path(const std::string& program, const Environment& environment) {
  if (program.find('/') != program.npos) return program;
  const std::string* path = find_variable(environment, "PATH");
  for (const std::string_view folder :
       split(path ? std::string_view(*path) : std::string_view("/usr/bin:/bin"), ':')) {
    std::string candidate = std::string(folder) + "/" + program;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

bool is_python(const std::string& path) { return fs::path(path).filename().string().starts_with("python"); }

// "#!/path/python", "#!/usr/bin/env python3".
std::string interpreter_of(const std::string& script, const Environment& environment) {
  const auto fd = open_read(script);
  const auto size = fd ? file_size(fd->get()) : Result<std::uint64_t>(0);
  const auto start =
      fd && size ? read_at(fd->get(), 0, std::min<std::uint64_t>(*size, 256)) : Result<std::string>("");
  if (!start || !start->starts_with("#!")) return {};
  const auto words = split_words(split_lines(*start).front().substr(2));
  for (const std::string_view word : words)
    if (is_python(std::string(word))) return found_in_path(std::string(word), environment);
  return {};
}

std::string python_of(const std::vector<std::string>& command, const Environment& environment,
                      const std::string& folder) {
  if (command.empty()) return {};
  std::string program = found_in_path(command[0], environment);
  if (program.empty()) return {};
  if (program.front() != '/') program = (fs::path(folder) / program).string();
  return is_python(program) ? program : interpreter_of(program, environment);
}

}  // namespace

Json program_versions(const std::vector<std::string>& command, const Environment& environment,
                      const std::string& folder) {
  utsname system{};
  ::uname(&system);
  Json versions = Json::object({{"machine", system.machine}, {"kernel", system.release}});
  const std::string python = python_of(command, environment, folder);
  if (python.empty()) return versions;
  const auto ran = run_command(
      {.arguments = {python, "-c", kAsk}, .folder = folder, .environment = environment, .timeout = 120});
  const auto answer = ran && ran->status == 0 ? Json::parse(ran->out) : Result<Json>(Json());
  if (!answer || !answer->is_object()) return versions;
  return versions.set("python", (*answer)["python"]).set("packages", (*answer)["packages"]);
}

std::vector<std::string> version_differences(const Json& recorded, const Json& here) {
  std::vector<std::string> lines;
  const auto compare = [&](const std::string& name, std::string_view before, std::string_view now) {
    if (before != now)
      lines.push_back(name + ": recorded " + (before.empty() ? "none" : std::string(before)) + ", here " +
                      (now.empty() ? "none" : std::string(now)));
  };
  compare("python", recorded["python"].string_or(""), here["python"].string_or(""));
  for (const Json::Member& member : recorded["packages"].members())
    compare(member.key, member.value.string_or(""), here["packages"][member.key].string_or(""));
  return lines;
}

}  // namespace assay::search
