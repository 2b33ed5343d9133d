#include "toolkit/cli/output.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

#include "toolkit/base/text.hpp"
#include "toolkit/cli/progress_bar.hpp"
#include "toolkit/cli/version.hpp"

namespace assay::cli {

Style style_of(int fd) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  if (!::isatty(fd) || (no_color && *no_color) || !term || std::strcmp(term, "dumb") == 0) return {};
  return {"\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"};
}

std::string error_text(const Error& error, const Style& style) {
  std::string text;
  text.append(style.red)
      .append("error: ")
      .append(style.reset)
      .append(escape_terminal(error.what))
      .append("\n");
  if (!error.where.empty()) text.append("  in:   ").append(escape_terminal(error.where)).append("\n");
  if (!error.hint.empty()) text.append("  hint: ").append(escape_terminal(error.hint)).append("\n");
  return text;
}

Output::Output(std::string command, bool json, bool quiet)
    : command_(std::move(command)), json_(json), quiet_(quiet), style_(style_of(STDOUT_FILENO)) {}
Output::~Output() = default;

void Output::print(std::string_view text) {
  end_progress();
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void Output::print_json(const Json& document) { print(escape_json_text(document.dump_pretty())); }

void Output::remark(std::string_view line) {
  if (quiet_) return;
  end_progress();
  std::fflush(stdout);
  std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
}

Progress& Output::progress() {
  if (quiet_) return no_progress();
  if (!progress_) progress_ = make_progress(STDERR_FILENO);
  return *progress_;
}

void Output::end_progress() { progress_.reset(); }

Json Output::document() const { return Json::object({{"assay", kVersion}, {"command", command_}}); }

void Output::fail(const Error& error) {
  end_progress();
  if (json_) {
    Json inner = Json::object({{"kind", name_of(error.fault)}, {"what", error.what}});
    if (!error.where.empty()) inner.set("where", error.where);
    if (!error.hint.empty()) inner.set("hint", error.hint);
    print_json(document().set("error", std::move(inner)));
  }
  std::fflush(stdout);
  const std::string text = error_text(error, style_of(STDERR_FILENO));
  std::fwrite(text.data(), 1, text.size(), stderr);
}

Status Output::finish() {
  end_progress();
  if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return {};
  return Error{Fault::unreadable, std::string("cannot write the result: ") + std::strerror(errno),
               "standard output", ""};
}

const char* name_of(Fault fault) {
  switch (fault) {
    case Fault::usage:
      return "usage";
    case Fault::unreadable:
      return "unreadable";
    case Fault::malformed:
      return "malformed";
    case Fault::damaged:
      return "damaged";
    case Fault::untrusted:
      return "untrusted";
    case Fault::refused:
      return "refused";
    case Fault::missing:
      return "missing";
    case Fault::failed:
      return "failed";
    case Fault::interrupted:
      return "interrupted";
  }
  return "unknown";
}

}  // namespace assay::cli
