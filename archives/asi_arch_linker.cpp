#include "archives/asi_arch_linker.hpp"

namespace assay::archives::asi_arch {

namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1), kMany = static_cast<std::size_t>(-2);

template <typename Map>
void note(Map& map, std::string_view key, std::size_t value) {
  const auto [at, fresh] = map.emplace(key, value);
  if (!fresh) at->second = kMany;  // two experiments have it: it proves neither
}

template <typename Map>
std::size_t lookup(const Map& map, std::string_view key) {
  const auto at = map.find(key);
  return at == map.end() || at->second == kMany ? kNone : at->second;
}

void merge(std::size_t& found, std::size_t next) {
  if (next == kNone || found == next) return;
  found = found == kNone ? next : kMany;
}

}  // namespace

Linker::Linker(const std::vector<Candidate>& candidates) : candidates_(candidates) {
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& candidate = candidates[i];
    if (!candidate.program.empty()) note(programs_, candidate.program, i);
    if (!candidate.name.empty()) note(names_, candidate.name, i);
    if (!candidate.program.empty()) names_in_text_.add(candidate.name, static_cast<std::uint32_t>(i));
    positions_[candidate.id] = i;
  }
}

Linker::Link Linker::link(const Pipeline& pipeline) const {
  for (const bool by_program : {true, false}) {
    std::size_t found = kNone;
    for (const Call& call : pipeline.calls)
      for (const std::string& text : call.output)
        merge(found, by_program ? program_in(text) : lookup(names_, text));
    if (found == kMany) return {};
    if (found != kNone) return {&candidates_[found], by_program ? "program" : "name"};
  }
  return {};
}

const Candidate* Linker::by_id(const std::string& id) const {
  const auto at = positions_.find(id);
  return at == positions_.end() ? nullptr : &candidates_[at->second];
}

// The whole program, or one that stands within: then its name must stand there too, since looking for every
// program in every answer would take hours.
std::size_t Linker::program_in(std::string_view text) const {
  if (const std::size_t whole = lookup(programs_, text); whole != kNone) return whole;
  std::size_t found = kNone;
  for (const std::uint32_t candidate : names_in_text_.find(text))
    if (text.find(candidates_[candidate].program) != text.npos) merge(found, candidate);
  return found;
}

}  // namespace assay::archives::asi_arch
