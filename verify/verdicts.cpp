#include "verify/verdicts.hpp"

#include "toolkit/base/text.hpp"

namespace assay::verify {

using formats::Evidence;
using formats::Finding;
using formats::Level;
using formats::Severity;

namespace {

// "yes", "in doubt" (warnings alone), "no", "not tried".
Json line(const char* verdict, std::string text) {
  return Json::object({{"verdict", verdict}, {"text", std::move(text)}});
}

struct Tally {
  std::uint64_t errors = 0, warnings = 0, notes = 0;

  void add(const Finding& finding) {
    ++(finding.severity == Severity::error     ? errors
       : finding.severity == Severity::warning ? warnings
                                               : notes);
  }
  std::uint64_t all() const { return errors + warnings + notes; }
  std::string text() const {
    std::vector<std::string> parts;
    if (errors) parts.push_back(counted(errors, "error"));
    if (warnings) parts.push_back(counted(warnings, "warning"));
    if (notes) parts.push_back(counted(notes, "note"));
    return parts.empty() ? "no findings" : counted(all(), "finding") + ": " + join(parts, ", ");
  }
};

Tally tally_of(const CheckResults& checked, Level level) {
  Tally tally;
  for (const Finding& finding : checked.findings)
    if (finding.level == level) tally.add(finding);
  return tally;
}

std::uint64_t not_listed(const CheckResults& checked) {
  std::uint64_t total = 0;
  for (const auto& [code, count] : checked.totals) total += count;
  return total - checked.findings.size();
}

std::uint32_t count_with(const formats::CampaignTable& table, std::initializer_list<Evidence> evidence) {
  std::uint32_t have = 0;
  for (std::uint32_t row = 0; row < table.size(); ++row) {
    bool all = true;
    for (const Evidence one : evidence) all = all && table.has(row, one);
    have += all;
  }
  return have;
}

std::string signers_text(const Integrity& integrity) {
  std::vector<std::string> who;
  for (const auto& signature : integrity.trust.signatures)
    who.push_back(!signature.principal.empty() ? signature.principal
                  : signature.key              ? signature.key->fingerprint()
                                               : "no key");
  std::string text = counted(who.size(), "signature") + " (" + join(who, ", ") + ")";
  if (integrity.timestamp) text += ", 1 timestamp";
  return text;
}

const char* trust_word(const Integrity& integrity) {
  if (!integrity.trust_given) return "unknown signer";
  return integrity.trust.met ? "met" : "not met";
}

Json intact_line(const Verdicts& verdicts) {
  const Integrity& integrity = verdicts.integrity;
  std::string text = signers_text(integrity) + ", " + human_bytes(verdicts.bundle.file_size());
  if (!integrity.trust_given) text = "signer unknown: no --trust; " + text;
  if (integrity.intact()) return line("yes", std::move(text));
  Tally tally;
  for (const Finding& finding : integrity.findings) tally.add(finding);
  for (const Finding& finding : integrity.findings)
    if (finding.severity == Severity::error) return line("no", tally.text() + ", first: " + finding.text);
  return line("no", std::move(text));
}

// "0 of 940 have a seed, 12 have a program, ..."
Json complete_line(const Verdicts& verdicts) {
  const formats::CampaignTable& table = verdicts.view.table();
  const Tally tally = tally_of(verdicts.checked, Level::complete);
  const char* verdict = tally.errors + tally.warnings ? "no" : "yes";
  if (table.size() == 0) return line(verdict, "no experiments");
  auto have = [&](Evidence what) { return with_separators(std::uint64_t{count_with(table, {what})}); };
  return line(verdict, "of " + with_separators(std::uint64_t{table.size()}) + " experiments " +
                           have(Evidence::program) + " have a program, " + have(Evidence::seed) +
                           " a seed, " + have(Evidence::dataset_hash) + " a dataset hash, " +
                           have(Evidence::metrics) + " metrics, " + have(Evidence::transcript) +
                           " a transcript");
}

Json consistent_line(const Verdicts& verdicts) {
  const Tally tally = tally_of(verdicts.checked, Level::consistent);
  std::string text = tally.text();
  if (const std::uint64_t more = not_listed(verdicts.checked))
    text += ", and " + with_separators(more) + " more of the same kinds";
  if (!verdicts.view.unread().empty())
    text += "; " + counted(verdicts.view.unread().size(), "record") + " could not be read";
  return line(tally.errors ? "no" : tally.warnings ? "in doubt" : "yes", std::move(text));
}

// "not tried" until somebody hands in a replay.
Json reproduced_line(const Verdicts& verdicts) {
  const Replays& replays = verdicts.replays;
  const std::uint64_t all = verdicts.view.table().size();
  const auto of = [](std::uint64_t part, std::uint64_t whole) {
    return with_separators(part) + " of " + with_separators(whole);
  };
  const bool recorded =
      verdicts.view.head().system == "record" || verdicts.view.head().raw["extra"]["record"].is_object();
  if (replays.sealed == 0 && recorded && !replays.anew)
    return line("not tried",
                "a recorded search: `assay replay FILE --search` runs it again, offline, and holds "
                "every request against the record");
  if (replays.sealed == 0) {
    std::string text =
        of(0, all) + " have a recipe; a rerun is a new run (`assay replay FILE ID --recipe small`)";
    if (replays.anew) text += "; " + counted(replays.anew, "new run") + " handed in";
    return line("not tried", std::move(text));
  }
  if (replays.differing)
    return line("no", "of " + counted(replays.sealed, "experiment") + " with a recipe and a trace " +
                          with_separators(replays.differing) + " replayed with other bits, " +
                          with_separators(replays.reproduced) + " with the same");
  if (replays.reproduced)
    return line("yes", of(replays.reproduced, replays.sealed) +
                           " with a recipe and a trace replayed with the same bits, " +
                           with_separators(replays.whole) + " in every step");
  return line("not tried", of(replays.sealed, all) +
                               " have a recipe and a trace; `assay replay FILE ID -o RESULT` reruns one, and "
                               "--replay RESULT shows it here");
}

Json replicated_line() {
  return line("not tried", "no fresh seeds were run beside the baseline; this version has no command for it");
}

Json words(std::initializer_list<const char*> sentences) {
  Json list = Json::array();
  for (const char* sentence : sentences) list.push(sentence);
  return list;
}

void add_meaning(Json& result, const Integrity* integrity, bool exported) {
  if (!integrity || !integrity->intact()) {
    result.set("proves", words({"Nothing in this file can be relied on before the damage is explained."}));
  } else {
    // An export's layout is described by a statement that its authors have not signed.
    Json proves = words(
        {exported ? "Every item that is here is what the holders of the signing keys signed, under the same "
                    "root; what was "
                    "withheld or left out is named. How it is stored is said by whoever exported it."
                  : "Every byte of this file is what the holders of the signing keys signed: nothing was "
                    "changed, added "
                    "or taken away since, and what was withheld or left out is named.",
         "The findings follow from the sealed numbers alone; anyone gets the same ones from the same root."});
    if (integrity->timestamp) proves.push("It existed in this form at the time of the timestamp.");
    result.set("proves", std::move(proves));
  }
  result.set("does_not_prove", words({"That the sealed numbers were measured, or measured as they say: a "
                                      "consistent record can still be made up.",
                                      "That the list of experiments is whole: what was left out before "
                                      "sealing leaves no trace but gaps.",
                                      "That a rerun gives the same numbers (reproduced), or that the gains "
                                      "hold with fresh seeds (replicated)."}));
}

}  // namespace

Json Verdicts::result() const {
  const formats::CampaignTable& table = view.table();
  Json totals = Json::object();
  for (const auto& [code, count] : checked.totals) totals.set(code, count);
  Json out =
      Json::object({{"intact", intact_line(*this)},
                    {"complete", complete_line(*this)},
                    {"consistent", consistent_line(*this)},
                    {"reproduced", reproduced_line(*this)},
                    {"replicated", replicated_line()},
                    {"trust", trust_word(integrity)},
                    {"title", view.head().title},
                    {"system", view.head().system},
                    {"counts", Json::object({{"experiments", table.size()},
                                             {"claims", static_cast<unsigned long>(table.claims().size())},
                                             {"items", view.items()},
                                             {"withheld", view.withheld()},
                                             {"left_out", view.left_out()},
                                             {"bytes", bundle.file_size()}})},
                    {"signatures", integrity.signatures()},
                    {"generation", bundle.statement().generation},
                    {"totals", std::move(totals)}});
  if (bundle.statement().supersedes) out.set("supersedes", bundle.statement().supersedes->hex());
  if (integrity.timestamp) out.set("timestamp", timestamp_json(*integrity.timestamp));
  add_meaning(out, &integrity, bundle.origin().has_value());
  return out;
}

Json result_of_unopened(const Finding& why) {
  const char* other = "the bundle is not intact";
  Json out = Json::object({{"intact", line("no", why.text)},
                           {"complete", line("not tried", other)},
                           {"consistent", line("not tried", other)},
                           {"reproduced", line("not tried", other)},
                           {"replicated", line("not tried", other)},
                           {"trust", "not tried"}});
  add_meaning(out, nullptr, false);
  return out;
}

}  // namespace assay::verify
