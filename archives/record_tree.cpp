#include "archives/record_tree.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <unistd.h>

#include "archives/import_parts.hpp"
#include "formats/fields.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/rules/exchange_links.hpp"

namespace assay::archives {

namespace {

using Files = std::map<std::string, bool>;  // path -> its content is on record

Result<Files> recorded_files(const fs::path& record, const char* document) {
  auto json = formats::parse_object(ASSAY_TRY(read_file(record / document)));
  if (!json) return std::move(json.error()).in(document);
  Files files;
  for (const Json& file : (*json)["files"].items())
    files.emplace(file["path"].string_or(""), file["kept"].boolean().value_or(false));
  return files;
}

// "a/b" of "a/b/steps/step_1/code"; "." where nothing stands before it.
std::optional<std::string> folder_before(std::string_view path, std::string_view mark) {
  if (path.starts_with(mark)) return std::string(".");
  const auto at = path.find("/" + std::string(mark));
  return at == path.npos ? std::nullopt : std::optional(std::string(path.substr(0, at)));
}

/// What tells a system's output: a file that each has.
struct Mark {
  const char* kind;
  const char* starts;
  const char* ends;
};
constexpr Mark kMarks[] = {{"asi-evolve", "database_data/nodes.json", ""},
                           {"openevolve", "checkpoints/checkpoint_", "/metadata.json"}};

std::set<std::pair<std::string, std::string>> trees_in(const Files& files) {
  std::set<std::pair<std::string, std::string>> found;  // folder, kind
  for (const auto& [path, kept] : files)
    for (const Mark& mark : kMarks)
      if (const auto folder = folder_before(path, mark.starts); folder && path.ends_with(mark.ends))
        found.emplace(*folder, mark.kind);
  return found;
}

std::string below(const std::string& tree, const std::string& path) {
  return tree == "." ? path : path.substr(tree.size() + 1);
}

bool is_below(const std::string& tree, const std::string& path) {
  return tree == "." || path.starts_with(tree + "/");
}

/// The tree as the run left it, in a folder of its own: what the run wrote and what it left alone are kept
/// apart in a record.
class Assembled {
 public:
  static Result<Assembled> make(const fs::path& record, const FrameworkTree& tree) {
    std::string pattern = (fs::temp_directory_path() / "assay-seal-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) return Error{Fault::unreadable, "no temporary folder", pattern, ""};
    Assembled made;
    made.path_ = pattern;
    for (const auto& [part, files] : {std::pair("after", &tree.after), std::pair("before", &tree.before)})
      for (const std::string& file : *files) ASSAY_TRY(made.put(record / part, tree.path, file));
    return made;
  }
  Assembled(Assembled&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ~Assembled() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  Assembled() = default;
  Status put(const fs::path& from, const std::string& tree, const std::string& file) {
    const fs::path source = ASSAY_TRY(inside(from, file)),
                   target = ASSAY_TRY(inside(path_, below(tree, file)));
    std::error_code code;
    fs::create_directories(target.parent_path(), code);
    fs::create_hard_link(source, target, code);
    if (code) fs::copy_file(source, target, code);
    if (code) return Error{Fault::unreadable, "cannot read: " + code.message(), source.string(), ""};
    return {};
  }
  fs::path path_;
};

// Items that the importer takes from files lie below the record's folder from here on.
Status settle_in_record(const FrameworkTree& tree, Import& import) {
  const std::set<std::string> after(tree.after.begin(), tree.after.end());
  for (ImportedItem& item : import.items) {
    if (item.text()) continue;
    const std::string file = tree.path == "." ? item.path() : tree.path + "/" + item.path();
    item = ImportedItem::file_range(item.name, item.type(), item.size,
                                    (after.contains(file) ? "after/" : "before/") + file, item.offset());
  }
  return {};
}

class Items {
 public:
  Items(const fs::path& root, const std::vector<ImportedItem>& items) : root_(root) {
    for (const ImportedItem& item : items) by_name_.emplace(item.name, &item);
  }

  /// The item as JSON; null where there is none, or it is something else.
  Result<Json> json(const std::string& name) const {
    const auto item = by_name_.find(name);
    if (item == by_name_.end()) return Json();
    const std::string text =
        item->second->text() ? *item->second->text() : ASSAY_TRY(read_file(root_ / item->second->path()));
    auto json = Json::parse(text, {.python_numbers = true});
    return json ? *std::move(json) : Json();
  }

  std::string_view text(const std::string& name) const {
    const auto item = by_name_.find(name);
    return item == by_name_.end() || !item->second->text() ? std::string_view() : *item->second->text();
  }

 private:
  const fs::path& root_;
  std::map<std::string_view, const ImportedItem*> by_name_;
};

/// The steps that called a model: those with words, or with a call's name and none.
struct Calls {
  std::vector<std::string> ids;
  std::vector<rules::Spoken> words;
};

Result<Calls> calls_of(const Items& items) {
  Calls calls;
  for (const std::string_view line : split_lines(items.text("steps.jsonl"))) {
    if (trim(line).empty()) continue;
    const formats::Step step = ASSAY_TRY(formats::Step::parse(line));
    const Json transcript = step.transcript ? ASSAY_TRY(items.json(*step.transcript)) : Json();
    const formats::CallWords words = formats::words_of(step, transcript);
    if (!words.any() && !step.call) continue;
    calls.ids.push_back(step.id);
    calls.words.push_back({words.prompt, words.answer});
  }
  return calls;
}

const char* text_of(rules::LinkedBy by) {
  return by == rules::LinkedBy::both     ? "prompt and answer"
         : by == rules::LinkedBy::prompt ? "prompt"
                                         : "answer";
}

std::string why_unlinked(const RecordedCall& call) {
  if (!call.failed.empty()) return call.failed + "; no agent step has its prompt";
  if (call.words.prompt.empty()) return "no prompt of an agent: " + call.place;
  return "no agent step on record has its prompt";
}

formats::Links link(const FrameworkTree& tree, const std::vector<RecordedCall>& calls, const Calls& steps) {
  formats::Links links;
  links.system = tree.importer->kind;
  links.tree = tree.path;
  std::vector<rules::Spoken> spoken;
  for (const RecordedCall& call : calls) spoken.push_back({call.words.prompt, call.words.answer});
  std::set<std::size_t> linked_exchanges, linked_steps;
  for (const rules::SpokenLink& one : rules::link_by_words(spoken, steps.words)) {
    links.linked.push_back({calls[one.exchange].number, steps.ids[one.step], text_of(one.by), one.among});
    linked_exchanges.insert(one.exchange);
    linked_steps.insert(one.step);
  }
  for (std::size_t i = 0; i < calls.size(); ++i)
    if (!linked_exchanges.contains(i))
      links.unlinked_exchanges.push_back({calls[i].number, why_unlinked(calls[i])});
  for (std::size_t i = 0; i < steps.ids.size(); ++i)
    if (!linked_steps.contains(i))
      links.unlinked_steps.push_back(
          {steps.ids[i], steps.words[i].prompt.empty() && steps.words[i].answer.empty()
                             ? "neither its prompt nor its answer is on record"
                             : "no exchange has its prompt and answer"});
  return links;
}

}  // namespace

Result<std::optional<FrameworkTree>> find_framework_tree(const fs::path& record,
                                                         const ImportOptions& options) {
  std::error_code code;
  if (!fs::exists(record / "after.json", code)) return std::optional<FrameworkTree>();  // cut short
  const Files after = ASSAY_TRY(recorded_files(record, "after.json")),
              before = ASSAY_TRY(recorded_files(record, "before.json"));
  auto found = trees_in(after);
  std::erase_if(found, [](const auto& one) { return !find_importer(one.second).ok(); });
  const auto names = [&] {
    std::vector<std::string> list;
    for (const auto& [folder, kind] : found) list.push_back(folder + " (" + kind + ")");
    return list.empty() ? "none" : join(list, ", ");
  }();
  if (!options.tree.empty()) std::erase_if(found, [&](const auto& one) { return one.first != options.tree; });
  if (!options.tree.empty() && found.empty())
    return Error{Fault::missing, "no framework's output there: expected one of " + names, options.tree, ""};
  if (found.size() > 1)
    return Error{Fault::usage, "the run wrote several frameworks' outputs: " + names, record.string(),
                 "--tree FOLDER names the one to link"};
  if (found.empty()) return std::optional<FrameworkTree>();
  FrameworkTree tree;
  tree.path = found.begin()->first;
  tree.importer = ASSAY_TRY(find_importer(found.begin()->second));
  for (const auto& [path, kept] : after) {
    if (!is_below(tree.path, path)) continue;
    const auto earlier = before.find(path);
    if (kept)
      tree.after.push_back(path);
    else if (earlier != before.end() && earlier->second)
      tree.before.push_back(path);
  }
  return std::optional(std::move(tree));
}

Result<Import> import_framework_tree(const fs::path& record, const FrameworkTree& tree,
                                     const std::vector<RecordedCall>& calls, const ImportOptions& options) {
  const Assembled assembled = ASSAY_TRY(Assembled::make(record, tree));
  Import import = ASSAY_TRY(tree.importer->run(assembled.path(), options));
  import.root = record;
  ASSAY_TRY(settle_in_record(tree, import));
  const Calls steps = ASSAY_TRY(calls_of(Items(import.root, import.items)));
  import.items.push_back(
      ImportedItem::inline_text("links.json", link(tree, calls, steps).to_json().dump_pretty()));
  return import;
}

}  // namespace assay::archives
