// 106.json and tree.json as the authors published them, joined by `index`: names are not unique.
#include <map>
#include <set>

#include "archives/asi_arch.hpp"
#include "archives/json_records.hpp"
#include "formats/fields.hpp"
#include "toolkit/base/files.hpp"

namespace assay::archives::asi_arch {

namespace {

constexpr const char* kTree = "tree.json";
constexpr const char* kBest = "106.json";

std::string place_of(const char* file, std::size_t record) {
  return std::string(file) + ", record " + std::to_string(record);
}

/// What both tables say of an experiment.
struct Common {
  std::int64_t index = 0;
  std::string name;
  std::optional<std::string> label;
  std::optional<double> score;
  std::optional<std::vector<std::string>> parents;
  bool operator==(const Common&) const = default;
};

Result<Common> read_common(const Record& record) {
  Common common;
  common.index = ASSAY_TRY(record.index());
  common.name = ASSAY_TRY(record.text("name"));
  common.label = ASSAY_TRY(record.optional_text("name_new"));
  common.score = ASSAY_TRY(record.number("score", false));
  common.parents = ASSAY_TRY(record.parents());
  return common;
}

/// Where two tables disagree on one experiment; empty if nowhere.
std::string_view difference(const Common& a, const Common& b) {
  if (a.name != b.name) return "name";
  if (a.label != b.label) return "name_new";
  if (a.score != b.score) return "score";
  if (a.parents != b.parents) return "parent";
  return "";
}

class Published {
 public:
  Published(Problems& problems, std::vector<ImportedItem>& items) : problems_(problems), items_(items) {}

  Status tree(std::string_view document) {
    const JsonRecord results = ASSAY_TRY(located(member_text(document, "results"), kTree));
    if (results.text.empty())
      return Error{Fault::malformed, "expected an object with total_records and results", kTree, ""};
    const auto records = ASSAY_TRY(located(split_records(results.text), kTree));
    for (std::size_t i = 0; i < records.size(); ++i) {
      const JsonRecord at{records[i].text, records[i].offset + results.offset};
      if (Status status = tree_record(at, i); !status.ok())
        ASSAY_TRY(problems_.add(std::move(status.error())));
    }
    return total(document, records.size());
  }

  Status best(std::string_view document) {
    const auto records = ASSAY_TRY(located(split_records(document), kBest));
    for (std::size_t i = 0; i < records.size(); ++i)
      if (Status status = best_record(records[i], i); !status.ok())
        ASSAY_TRY(problems_.add(std::move(status.error())));
    return {};
  }

  /// The experiments that only the tree has.
  void finish() {
    for (const auto& [index, row] : tree_) {
      if (done_.contains(index)) continue;
      ExperimentItems experiment(index);
      fill(experiment, row.common, kTree, row.record);
      experiment.move_to(items_);
    }
  }

 private:
  struct Row {
    Common common;
    std::size_t record = 0;
  };

  template <typename T>
  static Result<T> located(Result<T> result, const char* file) {
    if (!result) return std::move(result.error()).in(file);
    return result;
  }

  Result<Json> parsed(const JsonRecord& text, const std::string& place) {
    auto json = parse_record(text, {.python_numbers = true});
    if (!json) return std::move(json.error()).in(place);
    if (!json->is_object())
      return Error{Fault::malformed, "expected an object, found " + formats::describe(*json), place, ""};
    return json;
  }

  Status tree_record(const JsonRecord& text, std::size_t number) {
    const std::string place = place_of(kTree, number);
    const Json json = ASSAY_TRY(parsed(text, place));
    Row row{ASSAY_TRY(read_common(Record(json, place))), number};
    const auto [at, fresh] = tree_.emplace(row.common.index, row);
    if (fresh) return {};
    return Error{Fault::malformed,
                 "the index " + std::to_string(row.common.index) + " is that of record " +
                     std::to_string(at->second.record) + " already",
                 place + ", field \"index\"", ""};
  }

  Status total(std::string_view document, std::size_t found) {
    const JsonRecord text = ASSAY_TRY(located(member_text(document, "total_records"), kTree));
    if (text.text.empty() || text.text == std::to_string(found)) return {};
    return problems_.add(
        {Fault::malformed,
         "it says " + std::string(text.text.substr(0, 80)) + ", but results holds " + std::to_string(found),
         std::string(kTree) + ", field \"total_records\"", ""});
  }

  Status best_record(const JsonRecord& text, std::size_t number) {
    const std::string place = place_of(kBest, number);
    const Json json = ASSAY_TRY(parsed(text, place));
    const Record record(json, place);
    const Common common = ASSAY_TRY(read_common(record));
    ASSAY_TRY(check_join(common, record));
    ExperimentItems experiment(common.index);
    fill(experiment, common, kBest, number);
    if (const auto row = tree_.find(common.index); row != tree_.end())
      experiment.record.extra.set("extra", Json::object({{"tree_record", row->second.record}}));
    experiment.record.parameters = json["parameters"];
    experiment.metrics(ASSAY_TRY(read_result(record)));
    experiment.file("program", "program.py", ASSAY_TRY(record.optional_text("program")));
    experiment.file("motivation", "motivation.md", ASSAY_TRY(record.optional_text("motivation")));
    experiment.file("summary", "summary.md", ASSAY_TRY(record.optional_text("summary")));
    experiment.file("picture", "picture.svg", ASSAY_TRY(record.optional_text("svg_picture")));
    experiment.move_to(items_);
    done_.insert(common.index);
    return {};
  }

  // A second record of one index, or one that the tree tells otherwise, is no ground to join on.
  Status check_join(const Common& common, const Record& record) {
    const std::string index = std::to_string(common.index);
    if (done_.contains(common.index))
      return Error{Fault::malformed, "the index " + index + " is that of an earlier record",
                   record.place() + ", field \"index\"", ""};
    const auto row = tree_.find(common.index);
    if (row == tree_.end()) return {};
    const std::string_view field = difference(common, row->second.common);
    if (field.empty()) return {};
    return Error{Fault::malformed,
                 "tree.json says otherwise of index " + index + " (its record " +
                     std::to_string(row->second.record) + ")",
                 record.place() + ", field \"" + std::string(field) + "\"", ""};
  }

  static void fill(ExperimentItems& experiment, const Common& common, const char* file, std::size_t record) {
    experiment.record.name = common.name;
    experiment.record.label = common.label;
    experiment.record.score = common.score;
    experiment.record.parents = common.parents;
    experiment.record.extra = Json::object(
        {{"source", Json::object({{"file", "source/" + std::string(file)}, {"record", record}})}});
  }

  Problems& problems_;
  std::vector<ImportedItem>& items_;
  std::map<std::int64_t, Row> tree_;
  std::set<std::int64_t> done_;
};

}  // namespace

Status import_published(const fs::path& root, Problems& problems, std::vector<ImportedItem>& items) {
  Published published(problems, items);
  if (fs::exists(root / kTree)) ASSAY_TRY(published.tree(ASSAY_TRY(read_file(root / kTree))));
  if (fs::exists(root / kBest)) ASSAY_TRY(published.best(ASSAY_TRY(read_file(root / kBest))));
  published.finish();
  return {};
}

}  // namespace assay::archives::asi_arch
