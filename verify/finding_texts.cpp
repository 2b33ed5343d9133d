#include "verify/finding_texts.hpp"

#include "verify/checks.hpp"

namespace assay::verify {

namespace {

constexpr FindingText kTexts[] = {
    {"I101",
     "The file cannot be opened as a bundle: header, signature area, extents, manifest or root do not fit.",
     "Nothing in the file can be relied on.", "A copy of the file from its author, with the same root."},
    {"I102", "Stored bytes or an item's content are not what was sealed.",
     "The named items were changed after sealing, or the copy is damaged.",
     "A copy of the file from its author, with the same root."},
    {"I103", "The HDF5 file holds something else than the signed extents say.",
     "HDF5 readers would show what nobody signed: another object, link, layout or place.",
     "A bundle made again by `assay seal`."},
    {"I104", "The signatures do not meet the policy.",
     "Too few of the people you trust stand behind this file.",
     "More signatures (`assay sign`), or the right --trust and --policy files."},
    {"I105", "No --trust was given, so whose signatures these are was not checked.",
     "Anyone can make a key and sign.",
     "An allowed-signers file that you got from the authors by another way than the bundle."},
    {"I106", "A signature is bad, expired, not yet valid, or its key is revoked.",
     "It does not count towards the policy.",
     "A timestamp from when the key was valid, or a signature with a valid key."},
    {"I107", "The timestamp does not hold.", "When the bundle existed is then only what its authors say.",
     "A timestamp over this envelope, and its authority's certificate."},
    {"I108", "There is a timestamp, but no --tsa-ca to check it with.",
     "It was not believed: validity was judged at the present time.",
     "The authority's certificate, given with --tsa-ca."},
    {"I109", "Items were left out of this copy (`export --without`).",
     "The root covers them, but their content cannot be read here.",
     "The complete bundle with the same root."},
    {"I110", "Items are withheld: sealed as salted digests.",
     "Their content cannot be read, but the author can later show that it was this.",
     "The author discloses them."},
    {"I111", "This bundle takes the place of an earlier one.", "The earlier one may have said otherwise.",
     "`assay diff` between the two generations."},
    {"I112", "What was disclosed is not what was sealed.",
     "The author shows other content than was withheld.", "The content and salt that fit the sealed digest."},
    {"I113", "A disclosed item is what was sealed.", "It was fixed when the bundle was made.",
     "Nothing: it is settled."},
    {"I114", "A detached signature is none over this bundle.", "It says nothing about this file.",
     "The detached signature that was made for this root."},

    {"M101", "Some or all experiments lack a kind of evidence.",
     "What is not on record cannot be checked or run again.", "The authors seal it in a later generation."},
    {"M102", "The experiments behind a claim lack a kind of evidence.", "The claim rests on that much less.",
     "The authors seal it for these experiments at least."},
    {"M103", "The campaign does not say who, under what licence, or what it claims.",
     "It cannot be cited or reused with certainty.", "`assay seal --meta`, `--claims`."},
    {"M104", "There is no readable campaign.json, or no readable experiment.",
     "The bundle holds files, not a campaign.", "A bundle that follows docs/formats/campaign.md."},

    {"C101", "A record does not follow docs/formats/campaign.md.", "Its numbers are in no check.",
     "The record as the format says."},
    {"C102", "A metrics.csv belongs to no experiment.",
     "Measured numbers without a record of what was measured.", "The experiment's record."},
    {"C103", "A record points at an item that is not in the bundle.",
     "The record says there is a file that nobody can see.", "The file, or the record without that role."},
    {"C104", "Records could not be read: withheld, left out or damaged.",
     "Checks that need all records were not made.", "The complete bundle, or the items disclosed."},
    {"C105", "A column is not what the records give.",
     "Plots made from columns would show other numbers than the records.",
     "A bundle sealed again by `assay seal`."},
    {"C106", "completeness.json is not what the records give.",
     "The bundle would tell a false story of what is missing.", "A bundle sealed again by `assay seal`."},
    {"C110", "An average is not the mean of its columns, to the printed precision.",
     "Claims mostly rest on averages.", "The raw numbers, or a correction by the authors."},
    {"C111", "Which columns an average is the mean of, and which were left out.",
     "Two averages compare only over the same columns.", "Nothing: it is for the reader."},
    {"C120", "A score does not follow from the sealed numbers by the search's formula.",
     "The search selected on something else than it says.", "The raw inputs of that score."},
    {"C121", "Scores cannot be recomputed, and why.",
     "A score that cannot be recomputed must be believed. Numbers of two stages must not be mixed.",
     "The measurements of the stage that was scored, and the judge's marks."},
    {"C122", "A score that no inputs of the formula give.", "It was made in another way, or changed.",
     "The raw inputs of that score."},
    {"C123", "An input of the score is nan.",
     "In CPython min(1, nan) is 1, so the scoring code gives a failed run the best possible term.",
     "A score made without the nan."},
    {"C130", "A curve has values that are not finite.",
     "Training failed there; later numbers of that model mean little.", "The log of that run, or a rerun."},
    {"C131", "A curve has other steps than its peers'.",
     "It was cut short, resumed or trained otherwise, so final values do not compare.",
     "The log of that run."},
    {"C132", "A curve has two values for a step, or goes back.", "Which value is meant cannot be told.",
     "The log of that run."},
    {"C133", "A curve gets worse between two steps far more than its peers do.",
     "A spike in training, or numbers of another run.", "The log of that run, or a rerun."},
    {"C134", "The first loss is far from that of an untrained model.",
     "Training did not start from scratch, or the vocabulary differs.", "The log of that run."},
    {"C140", "A value lies outside its metric's range.", "It cannot have been measured as described.",
     "The evaluator's output."},
    {"C141", "A value that no number of right answers gives.",
     "It was not measured on that many questions, or changed.",
     "The evaluator's output, question by question."},
    {"C142", "How many made-up values the grid of k/n would betray, metric by metric.",
     "Where the share is nothing, C141 shows nothing.", "Nothing: it is for the reader."},
    {"C150", "A parent is not on record.", "The lineage cannot be followed.", "The parent's record."},
    {"C151", "A parent does not come before its child.", "The order of the search, or the lineage, is wrong.",
     "The search's log."},
    {"C152", "The lineage turns in a circle.", "Nothing can descend from itself.", "The search's log."},
    {"C153", "An experiment has several parents where the lineage is said to be a tree.",
     "The record contradicts how the search works.", "The search's log."},
    {"C154", "A tree has several roots.", "It may be several searches.", "The search's log."},
    {"C155", "Indices have gaps.", "Experiments were run and are not on record.",
     "Their records, or why there are none."},
    {"C156", "Two experiments have one index.", "Their order cannot be told.", "The search's log."},
    {"C157", "Names are borne by several experiments.", "A name is no key: say the id.",
     "Nothing: it is for the reader."},
    {"C158", "Two experiments have the same numbers to the last digit.",
     "One record may be a copy, or the same program was run twice with the same seed.",
     "The logs of both runs."},
    {"C160", "A claimed count is not that of the record.",
     "The claim and the record speak of different sets.", "The list that the authors counted."},
    {"C161", "A claimed value or gain is not the sealed one.", "The claim does not follow from the record.",
     "The measurement that the authors mean."},
    {"C162", "A claimed gain beside its standard error, as the best of all that were run.",
     "The best of many draws looks good by luck alone.",
     "Fresh seeds of experiment and baseline, side by side."},
    {"C163", "A claim cannot be tested with what is sealed.", "It must be believed.",
     "The metric, baseline or experiment that it names."},
    {"C165", "Gains over a baseline, corrected for all experiments that were run.",
     "With many tries some exceed a baseline by luck; Holm's correction counts those that luck does not "
     "explain.",
     "Fresh seeds of experiment and baseline, side by side."},
    {"C170", "Checks rest on the author's own description of metrics.",
     "Whoever describes the metric decides what passes.", "A row in the table of known systems."},
    {"C171", "The bundle describes a metric or baseline otherwise than the table of known systems.",
     "The authors' numbers may be of another benchmark.", "The benchmark's own documentation."},
    {"C180", "A sealed run's recipe, program, trace and checkpoints do not fit together.",
     "At least one of them is not of the run that left the trace.",
     "The run's own folder, sealed again by `assay seal --from run`, which refuses such a run."},
    {"R101", "A replay gave other bits than the sealed trace, from this step on.",
     "Either the trace is not this program's, or the replay's operators do not keep the contract.",
     "A replay by somebody else on another machine; `assay doctor` and the certificates of both."},
    {"R102", "A replay gave the same bits as the sealed trace in these steps.",
     "The numbers are those of this program and recipe.", "Nothing: it is settled for these steps."},
    {"R103", "The experiment's program was run under a recipe that the authors did not seal.",
     "It shows what the program does now, not what the authors' run did.", "The authors' recipe and trace."},
    {"R104", "Only a sample of the segments was replayed.",
     "What was altered elsewhere is caught with the probability given, and no more.",
     "A larger sample, or all segments."},
    {"R105", "Operators without a certified kernel were allowed in a replay.",
     "Their bits may depend on the machine.", "A replay without --allow-uncertified."},
    {"R106", "A file given with --replay is not the result of a replay.", "It shows nothing.",
     "The file as `assay replay -o` wrote it."},
    {"R107", "Who signed a replay's result.",
     "An unsigned result, or one of somebody unknown, is only a claim.",
     "`assay replay -o FILE --key KEY` by somebody in the allowed-signers file; or a replay of your own."},
    {"R108", "A replay's result is of another bundle, recipe, program or trace.",
     "It says nothing of this one.", "A replay of this bundle."},

    {"D200", "No decision of the search was recomputed.",
     "Whether the search did what its record says was not looked at.",
     "A bundle of a system that docs/search-decisions.md has rules for, with its own files below source/."},
    {"D201", "The set of live candidates is not the one that follows from the record.",
     "Candidates were added, taken away or shown that the search could not have had then.",
     "The record as the search left it."},
    {"D202", "Another candidate was evicted than the rule says.",
     "The search went on with another population than its record shows.",
     "The record as the search left it."},
    {"D203", "The sampler's rule gives other candidates than were picked.",
     "The record does not show the search that its configuration describes.",
     "The configuration and the record of one and the same run."},
    {"D204", "A candidate was not visited as often as the record shows it.",
     "Counts of visits steer later draws; these were changed, or some draws are missing.",
     "The record as the search left it."},
    {"D205", "The prompt does not show the parents that the record names.",
     "The lineage that is on record is not the one that the model was given.",
     "The prompt and the parents of one and the same step."},
    {"D206", "Islands or migration are not those that follow from the record.",
     "The populations that were drawn from were others.", "The record as the search left it."},
    {"D207", "The archive is not the one that follows from the record.",
     "Draws from it had other candidates to choose from.", "The record as the search left it."},
    {"D208", "The history of the best does not follow from the scores.",
     "What is shown as the best of the search was not the best of its record.",
     "The record as the search left it."},
    {"D209", "What was stored is not what the answer says.",
     "The program, name or motivation on record was not written by the model's answer on record.",
     "The answer that the stored program was made from."},
    {"D210", "The score does not follow from what the evaluator and the judge said.",
     "Selection, eviction and claims rest on this number.", "The evaluator's output for this candidate."},
    {"D211", "The prompt, rendered again from its template, is another.",
     "The model was told something else than the record explains.",
     "The template and the prompt of one and the same run."},
    {"D212", "The knowledge in the prompt is not what the record says was put there.",
     "What a design rests on is not what the record shows.",
     "The log and the prompt of one and the same step."},
    {"D213", "The stored analysis is not the analyzer's answer.", "Later prompts were made from it.",
     "The answer that the stored analysis was taken from."},
    {"D220", "The system did not do what its configuration says.",
     "A reader of the configuration would expect another search than was run.",
     "Nothing in the record: it is how the program works. The authors should say so."},
};

}  // namespace

std::span<const FindingText> finding_texts() { return kTexts; }

const FindingText* find_finding_text(std::string_view code) {
  for (const FindingText& text : kTexts)
    if (code == text.code) return &text;
  return nullptr;
}

std::string findings_page() {
  std::string page =
      "# Findings\n\n"
      "A finding is one result of one check. Its code is stable and never used again for something else. "
      "`I`: intact, `M`: complete\n"
      "(what is missing), `C`: consistent, `D`: decisions (`--decisions`), `R`: reproduced. *error*: it "
      "cannot be right as it stands, and "
      "the exit status "
      "says so; *warning*: it weakens what\n"
      "the bundle shows; *note*: good to know. `--json` lists up to " +
      std::to_string(kFindingsKept) +
      " findings of a code, and `result.totals` counts them all.\n\n"
      "This page is made from `verify/finding_texts.cpp`; a test keeps them equal.\n";
  for (const FindingText& text : kTexts) {
    const Check* check = find_check(text.code);
    page.append("\n## ").append(text.code).append(check ? std::string(": ") + check->name : "").append("\n");
    page.append(text.meaning).append("\n\n");
    page.append("- Why it matters: ").append(text.matters).append("\n");
    page.append("- What would settle it: ").append(text.settles).append("\n");
  }
  return page;
}

}  // namespace assay::verify
