#include "replay/search/run_folder.hpp"

#include "formats/fields.hpp"
#include "replay/search/evaluations.hpp"
#include "toolkit/base/files.hpp"

namespace assay::search {

namespace {

Status take_start(const Json& fields, RunFolder& run) {
  run.start = fields;
  for (const Json& word : fields["command"].items()) run.command.emplace_back(word.string_or(""));
  run.folder = fields["folder"].string_or("");
  for (const Json& pair : fields["environment"].items())
    if (pair.size() == 2)
      run.environment.emplace_back(pair.items()[0].string_or(""), pair.items()[1].string_or(""));
  for (const Json& upstream : fields["upstreams"].items())
    run.upstreams.emplace_back(upstream["name"].string_or(""));
  for (const Json& evaluator : fields["evaluators"].items())
    run.evaluators.emplace_back(evaluator.string_or(""));
  const auto port = fields["port"].natural();
  run.token = fields["prefix"].string_or("");
  run.versions = fields["versions"];
  if (run.command.empty() || !run.folder.starts_with("/") || !port || *port == 0 || *port > 65535 ||
      run.token.empty())
    return Error{Fault::damaged, "the record's start lacks its command, folder, port or prefix",
                 "journal, record 1", ""};
  run.port = static_cast<std::uint16_t>(*port);
  if (!fields["deterministic"].is_object()) return {};
  run.seed = std::string(fields["deterministic"]["seed"].string_or(""));
  run.clock = std::string(fields["deterministic"]["clock"].string_or(""));
  return {};
}

Status take_record(const formats::JournalRecord& record, std::uint64_t number, RunFolder& run, Json& end) {
  if (record.kind == "start") return take_start(record.fields, run);
  if (record.kind == "end") {
    end = record.fields;
    if (const auto status = end["status"].natural()) run.status = static_cast<int>(*status);
    return {};
  }
  if (record.kind != "exchange") return {};  // a later version's
  auto exchange = formats::Exchange::parse(record);
  if (!exchange) return std::move(exchange.error()).in("journal, record " + std::to_string(number));
  run.exchanges.push_back(*std::move(exchange));
  return {};
}

Result<Tree> read_tree(const fs::path& path) {
  auto tree = Tree::parse(ASSAY_TRY(read_file(path)));
  if (!tree) return std::move(tree.error()).in(path.string());
  return tree;
}

void check_kept(const Tree& tree, const fs::path& contents, RunFolder& run) {
  for (const TreeFile& file : tree.files) {
    if (!file.kept) continue;
    const auto path = inside(contents, file.path);
    const auto text = path ? read_file(*path) : Result<std::string>(path.error());
    if (!text || text->size() != file.size || sha256(*text) != file.digest) run.altered.push_back(file.path);
  }
}

}  // namespace

Result<RunFolder> RunFolder::read(const fs::path& path) {
  RunFolder run;
  run.path = path;
  auto reader = ASSAY_TRY(formats::JournalReader::open(path / "journal"));
  Json end;
  for (;;) {
    const auto record = ASSAY_TRY(reader.next());
    if (!record) break;
    ASSAY_TRY(take_record(*record, reader.records(), run, end));
  }
  run.torn = reader.torn();
  run.chain = reader.chain();
  if (run.command.empty())
    return Error{Fault::damaged, "the record has no start", (path / "journal").string(), ""};
  run.before = ASSAY_TRY(read_tree(path / "before.json"));
  check_kept(run.before, path / "before", run);
  for (std::string& file : altered_evaluations(path)) run.altered.push_back(std::move(file));
  if (run.status) run.after = ASSAY_TRY(read_tree(path / "after.json"));
  return run;
}

}  // namespace assay::search
