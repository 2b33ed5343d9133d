// Which experiment a pipeline of agents served: no link is stored, so an answer has to prove it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "archives/asi_arch.hpp"
#include "archives/text_index.hpp"

namespace assay::archives::asi_arch {

/// One call, of which the log may speak twice: when it started and when it ended.
struct Call {
  std::string id, agent, time, ended, status, transcript;
  Json usage;
  std::vector<std::string> input, output;  ///< every string of the prompt, of the answer
};

struct Pipeline {
  std::string name;
  std::vector<Call> calls;
};

class Linker {
 public:
  explicit Linker(const std::vector<Candidate>& candidates);  ///< which must outlive this

  struct Link {
    const Candidate* candidate = nullptr;  ///< nothing is proved
    const char* by = "";                   ///< "program" or "name"
  };

  /// A program's text in an answer proves more than a name; two answers that prove two experiments prove
  /// none.
  Link link(const Pipeline& pipeline) const;
  const Candidate* by_id(const std::string& id) const;

 private:
  using Map = std::unordered_map<std::string_view, std::size_t>;
  std::size_t program_in(std::string_view text) const;

  const std::vector<Candidate>& candidates_;
  Map programs_, names_;
  TextIndex names_in_text_;
  std::map<std::string, std::size_t> positions_;
};

}  // namespace assay::archives::asi_arch
