// What a command prints. The result goes to standard output, everything else (progress, remarks, errors) to
// standard error. Text that comes from a bundle must be escaped (escape_terminal) before it comes here.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "toolkit/base/json.hpp"
#include "toolkit/base/progress.hpp"
#include "toolkit/base/result.hpp"

namespace assay::cli {

/// Colours, or nothing where the output is no terminal or NO_COLOR is set (no-color.org).
struct Style {
  std::string_view bold, dim, red, green, yellow, reset;
};

class Output {
 public:
  Output(std::string command, bool json, bool quiet);
  ~Output();

  bool wants_json() const { return json_; }
  bool quiet() const { return quiet_; }
  const Style& style() const { return style_; }

  void print(std::string_view text);      ///< to standard output, as it is
  void print_json(const Json& document);  ///< to standard output, indented
  void remark(std::string_view line);     ///< one line to standard error, unless --quiet
  Progress& progress();  ///< a bar on a terminal, plain lines otherwise, nothing with --quiet
  void end_progress();   ///< takes the bar away

  /// The start of every --json document: {assay, command}.
  Json document() const;
  /// The error's three lines to standard error; with --json also a document {assay, command, error}.
  void fail(const Error& error);
  /// Flushes; an error where standard output could not take everything (a full disk, a closed pipe).
  Status finish();

 private:
  std::string command_;
  bool json_, quiet_;
  Style style_;
  std::unique_ptr<Progress> progress_;
};

/// "error: WHAT", "  in:   WHERE", "  hint: HINT"; what holds control characters is escaped.
std::string error_text(const Error& error, const Style& style);
const char* name_of(Fault fault);  ///< "damaged": stable, for --json
Style style_of(int fd);            ///< for the terminal behind this descriptor

}  // namespace assay::cli
