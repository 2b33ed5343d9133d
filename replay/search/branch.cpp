#include "replay/search/branch.hpp"

#include <algorithm>

#include "toolkit/base/text.hpp"

namespace assay::search {

namespace {

Json natural(std::uint64_t value) { return Json(static_cast<unsigned long>(value)); }

Result<std::vector<Upstream>> merged_upstreams(const Json& recorded, const std::vector<Upstream>& wanted) {
  std::vector<Upstream> list;
  std::vector<std::string> names;
  for (const Json& one : recorded.items()) {
    const std::string name(one["name"].string_or(""));
    names.push_back(name);
    const auto other =
        std::find_if(wanted.begin(), wanted.end(), [&](const Upstream& given) { return given.name == name; });
    list.push_back(other != wanted.end()
                       ? *other
                       : ASSAY_TRY(Upstream::parse(name + "=" + std::string(one["url"].string_or("")))));
  }
  for (const Upstream& one : wanted)
    if (std::find(names.begin(), names.end(), one.name) == names.end())
      return Error{Fault::usage, "the record has no upstream " + one.name, "",
                   "its upstreams are " + join(names, ", ")};
  return list;
}

Json branch_upstreams_json(const std::vector<Upstream>& upstreams) {
  Json list = Json::array();
  for (const Upstream& one : upstreams) list.push(Json::object({{"name", one.name}, {"url", one.url()}}));
  return list;
}

Status make_folder(const fs::path& path) {
  std::error_code code;
  if (fs::exists(path, code) && !(fs::is_directory(path, code) && fs::is_empty(path, code)))
    return Error{Fault::refused, "already there", path.string(), "name another folder with -o"};
  fs::create_directories(path, code);
  if (code) return Error{Fault::unreadable, "cannot make: " + code.message(), path.string(), ""};
  return {};
}

// OPENAI_API_KEY, for the upstream "openai".
std::string key_variable(const std::string& upstream) {
  std::string name = upstream + "_API_KEY";
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

}  // namespace

Branch::Branch(const RunFolder& run, const BranchPlan& plan, std::vector<Upstream> upstreams)
    : run_(run),
      path_(fs::absolute(plan.run).lexically_normal()),
      environment_(plan.environment),
      root_(plan.root),
      upstreams_(std::move(upstreams), plan.limits),
      out_(path_ / "stdout", redactor_, nowhere_),
      err_(path_ / "stderr", redactor_, nowhere_) {
  redactor_.learn_environment(environment_);
}

Result<std::unique_ptr<Branch>> Branch::create(const RunFolder& run, const BranchPlan& plan, Json versions) {
  auto upstreams = ASSAY_TRY(merged_upstreams(run.start["upstreams"], plan.upstreams));
  ASSAY_TRY(make_folder(plan.run));
  std::unique_ptr<Branch> branch(new Branch(run, plan, std::move(upstreams)));
  branch->versions_ = std::move(versions);
  ASSAY_TRY(branch->write_plan());
  ASSAY_TRY(branch->copy_before());
  return branch;
}

Status Branch::write_plan() const {
  return write_file(path_ / "plan.json",
                    Json::object({{"assay", "record-plan"},
                                  {"version", 1},
                                  {"port", static_cast<unsigned>(run_.port)},
                                  {"prefix", run_.token},
                                  {"upstreams", branch_upstreams_json(upstreams_.list())}})
                        .dump_pretty());
}

// As it is unpacked for the rerun: a file that was altered in the old record is what this one starts from.
Status Branch::copy_before() {
  before_ = run_.before;
  for (TreeFile& file : before_.files) {
    if (!file.kept) continue;
    const std::string text = ASSAY_TRY(read_file(ASSAY_TRY(inside(run_.path / "before", file.path))));
    const fs::path target = ASSAY_TRY(inside(path_ / "before", file.path));
    std::error_code code;
    fs::create_directories(target.parent_path(), code);
    ASSAY_TRY(write_file(target, text));
    file.size = text.size();
    file.digest = sha256(text);
  }
  return write_file(path_ / "before.json", before_.to_json().dump_pretty());
}

formats::JournalRecord Branch::start_record() const {
  Json fields = run_.start;
  Json of = Json::object({{"journal", run_.chain.hex()}});
  if (!root_.empty()) of.set("root", root_);
  fields.set("branch", std::move(of))
      .set("upstreams", branch_upstreams_json(upstreams_.list()))
      .set("versions", versions_)
      .set("before", sha256(before_.to_json().dump_pretty()).hex())
      .set("time", static_cast<long>(now_us()));
  return {"start", std::move(fields), {}};
}

Status Branch::begin(std::optional<ClockFile> clock, Turnstile& turnstile) {
  auto journal =
      ASSAY_TRY(formats::JournalWriter::create(path_ / "journal", Json::object({{"what", "record"}})));
  ASSAY_TRY(journal.append(start_record()));
  ASSAY_TRY(journal.sync());
  turnstile_ = &turnstile;
  recorder_ =
      std::make_unique<Recorder>(std::move(journal), redactor_, upstreams_, std::move(clock), turnstile);
  return {};
}

std::uint64_t Branch::arrive() { return recorder_->arrive(); }

Status Branch::keep(const formats::Exchange& recorded, std::uint64_t number) {
  formats::Exchange copy = recorded;
  // Of a branch's own branch: where the answer came from first is said by the record before.
  copy.copied = recorded.number;
  copy.keys = 0;
  ++copied_;
  return recorder_->keep(std::move(copy), number);
}

Status Branch::leave(std::uint64_t exchange, std::uint64_t answered) {
  Json fields = Json::object({{"answered", natural(answered)}, {"time", static_cast<long>(now_us())}});
  if (exchange) fields.set("exchange", natural(exchange));
  return recorder_->note({"branch", std::move(fields), {}});
}

// The program has what stands in a key's place; the upstream wants the key: of the variable that it is named
// for, else (it stood in a file, or in a header alone) of the upstream's own.
std::string Branch::with_keys(std::string text, const std::string& upstream) const {
  for (auto at = text.find(kPlaceholder); at != text.npos; at = text.find(kPlaceholder, at)) {
    const auto end = placeholder_end(text, at);
    const std::string mark = text.substr(at, end - at);
    const std::string* key = find_variable(environment_, key_variable(upstream));
    for (const auto& [name, value] : environment_)
      if (is_secret_variable(name) && placeholder(name) == mark) key = &value;
    if (key) text.replace(at, end - at, *key);
    at += key ? key->size() : mark.size();
  }
  return text;
}

void Branch::ask(ChildRequest request, ChildAnswer& answer, std::uint64_t number) {
  for (auto& [name, value] : request.headers) value = with_keys(std::move(value), request.upstream);
  request.target = with_keys(std::move(request.target), request.upstream);
  recorder_->handle(std::move(request), answer, number);
}

std::optional<Error> Branch::failure() const { return recorder_ ? recorder_->failure() : std::nullopt; }

void Branch::stop() {
  if (turnstile_) turnstile_->stop();
  upstreams_.stop();
}

Result<BranchReport> Branch::finish(int status, const fs::path& tree, bool mounted, double seconds,
                                    const Json& refused) {
  TreeOptions options;
  options.redactor = &redactor_;
  options.into = path_ / "after";
  options.keep = [&](const TreeFile& file) {
    const TreeFile* before = before_.find(file.path);
    return !before || !before->same_content(file);
  };
  if (!mounted) options.root_as = run_.folder;
  Tree after = ASSAY_TRY(take_tree(tree, options));
  after.root = run_.folder;
  ASSAY_TRY(recorder_->sweep());
  const std::string after_text = after.to_json().dump_pretty(),
                    redactions =
                        Json::object(
                            {{"assay", "record-redactions"}, {"version", 1}, {"redacted", redactor_.list()}})
                            .dump_pretty();
  ASSAY_TRY(write_file(path_ / "after.json", after_text));
  ASSAY_TRY(write_file(path_ / "redactions.json", redactions));
  const RecordCounts counts = recorder_->counts();
  const Digest out = ASSAY_TRY(out_.finish()), err = ASSAY_TRY(err_.finish());
  ASSAY_TRY(recorder_->finish({"end",
                               Json::object({{"status", status},
                                             {"exchanges", natural(counts.exchanges)},
                                             {"seconds", seconds},
                                             {"waited", turnstile_->waited()},
                                             {"refused", refused},
                                             {"before", sha256(before_.to_json().dump_pretty()).hex()},
                                             {"after", sha256(after_text).hex()},
                                             {"redactions", sha256(redactions).hex()},
                                             {"stdout", out.hex()},
                                             {"stderr", err.hex()},
                                             {"time", static_cast<long>(now_us())}}),
                               {}}));
  return BranchReport{path_, copied_, counts.exchanges - copied_, counts.errors};
}

}  // namespace assay::search
