#include "archives/seal.hpp"

#include <algorithm>
#include <deque>
#include <unordered_set>

#include "archives/import_parts.hpp"
#include "archives/lineage.hpp"
#include "archives/seal_content.hpp"
#include "archives/secrets.hpp"
#include "formats/completeness.hpp"
#include "formats/withheld.hpp"
#include "toolkit/base/parallel.hpp"
#include "toolkit/base/presorted.hpp"
#include "toolkit/base/sandbox.hpp"

namespace assay::archives {

namespace {

using formats::CampaignTable;
using formats::ContentDigest;
using formats::PlannedItem;

constexpr const char* kCompleteness = "completeness.json";
constexpr const char* kRedactions = "redactions.json";
constexpr std::uint64_t kWithheldPart = 4u << 20;

std::size_t find_item(const Import& import, std::string_view name) {
  const auto found =
      std::lower_bound(import.items.begin(), import.items.end(), name,
                       [](const ImportedItem& item, std::string_view wanted) { return item.name < wanted; });
  return found != import.items.end() && found->name == name
             ? static_cast<std::size_t>(found - import.items.begin())
             : import.items.size();
}

struct Predecessor {
  Digest root;
  std::uint64_t generation = 0;
};

// Somebody else may have made it: read in confinement, like every bundle.
Result<Predecessor> read_predecessor(const std::filesystem::path& path) {
  Confinement limits;
  limits.memory = modest_memory();
  Fd file = ASSAY_TRY(open_read(path));
  const std::string text = ASSAY_TRY(run_confined(limits, [&]() -> Result<std::string> {
    const formats::Bundle bundle = ASSAY_TRY(formats::Bundle::open(std::move(file), path.string()));
    const formats::Statement& statement = bundle.statement();
    return Json::object({{"root", statement.root.hex()}, {"generation", statement.generation}}).dump();
  }));
  const Json answer = ASSAY_TRY(Json::parse(text));
  const Predecessor before{ASSAY_TRY(Digest::from_hex(answer["root"].string_or(""))),
                           answer["generation"].natural().value_or(0)};
  if (before.generation == 0 || before.generation == ~std::uint64_t{0})
    return Error{Fault::damaged, "generation " + std::to_string(before.generation) + " has none after it",
                 path.string(), ""};
  return before;
}

// Redacting cannot help here: an item's name is what its root rests on, and what others point at.
Status refuse_secret_name(const std::string& name) {
  const std::vector<Secret> found = find_secrets(name);
  if (found.empty()) return {};
  return Error{Fault::refused, std::string("a secret in the name of a file, of kind ") + found.front().rule,
               redact(name, found), "rename the file"};
}

Status refuse_secret_names(const std::vector<ImportedItem>& items) {
  constexpr std::size_t kShare = 1024;
  return parallel_for((items.size() + kShare - 1) / kShare, [&](std::size_t share) -> Status {
    const std::size_t last = std::min(items.size(), (share + 1) * kShare);
    for (std::size_t i = share * kShare; i < last; ++i) ASSAY_TRY(refuse_secret_name(items[i].name));
    return {};
  });
}

// Its chain of hashes would break, and with it the record.
Status refuse_journal(const std::string& name, std::string_view text) {
  if (!text.starts_with(R"({"assay":"journal",)")) return {};
  return Error{Fault::refused, "a secret in a journal, which cannot be replaced there without breaking it",
               name,
               "--withhold " + name +
                   " keeps it back; or record again with the secret in a variable whose name "
                   "has KEY or TOKEN in it, so that the recorder replaces it"};
}

/// One campaign on its way into a bundle.
class Sealing {
 public:
  Sealing(Import import, const SealOptions& options)
      : options_(options), content_(std::move(import)), secrets_(content_) {}

  Status prepare(bool dry = false) {
    Import& import = content_.import();
    std::erase_if(import.items, [](const ImportedItem& item) {
      return item.name == kCompleteness || item.name == kRedactions;
    });
    import.items.reserve(import.items.size() + 2);  // what is generated would else double a million's room
    ASSAY_TRY(settle_names(import.items));
    ASSAY_TRY(refuse_secret_names(import.items));
    return withhold(dry);
  }

  /// Reads every record; then completeness and columns follow.
  Status derive() {
    const Import& import = content_.import();
    table_.emplace(
        [&](std::string_view name) { return find_item(content_.import(), name) < content_.size(); });
    std::vector<std::size_t> records;
    for (std::size_t i = 0; i < import.items.size(); ++i) {
      table_->add_name(import.items[i].name);
      if (CampaignTable::wants(import.items[i].name) && !is_withheld(i)) records.push_back(i);
    }
    ASSAY_TRY(read_records(records));
    table_->finish();
    columns_ = formats::columns_of(*table_);
    completeness_ = formats::completeness_report(*table_);
    add_generated(kCompleteness, completeness_.dump_pretty());
    return {};
  }

  Result<formats::WriteReport> write(const std::filesystem::path& output) {
    formats::WriteOptions options;
    options.title = title();
    options.summary = summary();
    options.signers = options_.signers;
    options.force = options_.force;
    options.progress = options_.progress;
    ASSAY_TRY(set_generation(options));
    const std::vector<PlannedItem> plan = make_plan();
    options.order = storage_order(content_.import().items, *table_);
    while (options.order.size() < plan.size())
      options.order.push_back(static_cast<std::uint32_t>(options.order.size()));
    const SealContent reader(content_, secrets_, table_, columns_);
    return formats::write_bundle(output, plan, reader, options);
  }

  /// Replaces every secret found and lists where they stood.
  Status redact_secrets() {
    const std::vector<FoundSecret> found = secrets_.list();
    for (const std::size_t i : secrets_.items()) {
      const std::string text = ASSAY_TRY(content_.read(i));
      ASSAY_TRY(refuse_journal(content_.item(i).name, text));
      content_.replace(i, redact(text, find_secrets(text)));
    }
    redacted_.insert(redacted_.end(), found.begin(), found.end());
    secrets_.clear();
    add_generated(kRedactions, redactions_json().dump_pretty());
    return {};
  }

  bool has_secrets() const { return !secrets_.empty(); }
  const std::vector<FoundSecret>& redacted() const { return redacted_; }
  const Json& completeness() const { return completeness_; }
  std::vector<FoundSecret> secrets() const { return secrets_.list(); }
  std::uint64_t experiments() const { return experiments_; }
  std::uint64_t items() const { return content_.size() + columns_.size(); }
  const std::vector<ImportProblem>& problems() const { return content_.import().problems; }

  /// Every blob, scanned without being written.
  Status scan_all() {
    return parallel_for(content_.size(), [&](std::size_t i) -> Status {
      if (content_.item(i).type().is_array() || is_withheld(i)) return {};
      for (std::uint64_t at = 0; at < content_.item(i).size; at += kWithheldPart) {
        std::string part(std::min(kWithheldPart, content_.item(i).size - at), '\0');
        ASSAY_TRY(content_.read(i, at, part.data(), part.size()));
        secrets_.scan(i, at, part);
      }
      return {};
    });
  }

  std::vector<formats::ManifestEntry> listing() const {
    std::vector<formats::ManifestEntry> out;
    for (std::size_t i = 0; i < content_.size(); ++i)
      out.push_back(
          {content_.item(i).name,
           is_withheld(i) ? formats::ItemType{formats::Dtype::withheld, {}, 0} : content_.item(i).type(),
           content_.item(i).size,
           {}});
    for (const auto& column : columns_)
      out.push_back({column.name, column.type, *column.type.byte_size(), {}});
    sort_presorted(out, [](const auto& a, const auto& b) { return a.name < b.name; });
    return out;
  }

 private:
  // ---- records

  Status read_records(const std::vector<std::size_t>& records) {
    constexpr std::size_t kBatch = 1024;
    for (std::size_t first = 0; first < records.size(); first += kBatch) {
      const std::size_t count = std::min(kBatch, records.size() - first);
      std::vector<std::string> texts(count);
      ASSAY_TRY(parallel_for(count, [&](std::size_t k) -> Status {
        texts[k] = ASSAY_TRY(content_.read(records[first + k]));
        return {};
      }));
      for (std::size_t k = 0; k < count; ++k) {
        ASSAY_TRY(table_->add_content(content_.item(records[first + k]).name, texts[k]));
        keep(records[first + k], std::move(texts[k]));
      }
    }
    return {};
  }

  // Small campaigns hold their records until they are packed: opening a file again costs more than the bytes.
  void keep(std::size_t i, std::string text) {
    if (content_.item(i).text() || content_.size() > kManyItems) return;
    content_.replace(i, std::move(text));
  }

  void add_generated(const char* name, std::string text) {
    std::vector<ImportedItem>& items = content_.import().items;
    const std::size_t at = find_item(content_.import(), name);
    if (at < items.size()) {
      content_.replace(at, std::move(text));
      return;
    }
    const auto place = std::lower_bound(
        items.begin(), items.end(), std::string_view(name),
        [](const ImportedItem& item, std::string_view wanted) { return item.name < wanted; });
    const auto index = static_cast<std::size_t>(place - items.begin());
    items.insert(place, ImportedItem::inline_text(name, std::move(text)));
    if (!withheld_.empty()) withheld_.insert(withheld_.begin() + static_cast<std::ptrdiff_t>(index), nullptr);
  }

  // ---- withheld items

  bool is_withheld(std::size_t i) const { return i < withheld_.size() && withheld_[i]; }

  Status withhold(bool dry) {
    if (options_.withhold.empty()) return {};
    // A dry run makes no salts file: any secret shows what would be withheld.
    const std::string secret =
        dry ? std::string(32, '\0') : ASSAY_TRY(formats::load_salt_secret(options_.salts));
    withheld_.assign(content_.size(), nullptr);
    std::unordered_set<std::string> unused(options_.withhold.begin(), options_.withhold.end());
    for (std::size_t i = 0; i < content_.size(); ++i) {
      const std::string& name = content_.item(i).name;
      const std::string kind(formats::kind_of_item(name));
      const bool by_kind =
          std::find(options_.withhold.begin(), options_.withhold.end(), kind) != options_.withhold.end();
      const bool by_name =
          std::find(options_.withhold.begin(), options_.withhold.end(), name) != options_.withhold.end();
      if (!by_kind && !by_name) continue;
      unused.erase(kind), unused.erase(name);
      formats::WithheldHasher hasher(formats::item_salt(secret, name), content_.item(i).type());
      for (std::uint64_t at = 0; at < content_.item(i).size; at += kWithheldPart) {
        std::string part(std::min(kWithheldPart, content_.item(i).size - at), '\0');
        ASSAY_TRY(content_.read(i, at, part.data(), part.size()));
        hasher.update(part);
      }
      withheld_[i] = &withheld_digests_.emplace_back(hasher.finish());
    }
    if (!unused.empty())
      return Error{Fault::usage, "nothing to withhold by the name or kind \"" + *unused.begin() + "\"",
                   "--withhold",
                   "kinds: programs transcripts checkpoints metrics source records texts campaign other"};
    return {};
  }

  // ---- the plan

  std::vector<PlannedItem> make_plan() const {
    static const formats::ItemType kWithheld{formats::Dtype::withheld, {}, 0};
    std::vector<PlannedItem> plan;
    plan.reserve(content_.size() + columns_.size());
    for (std::size_t i = 0; i < content_.size(); ++i) {
      const ImportedItem& item = content_.item(i);
      plan.push_back({item.name, is_withheld(i) ? &kWithheld : &item.type(), is_withheld(i) ? 0 : item.size,
                      is_withheld(i) ? withheld_[i] : nullptr});
    }
    for (const auto& column : columns_)
      plan.push_back({column.name, &column.type, *column.type.byte_size(), nullptr});
    return plan;
  }

  Status set_generation(formats::WriteOptions& options) const {
    if (!options_.supersedes) return {};
    const Predecessor before = ASSAY_TRY(read_predecessor(*options_.supersedes));
    options.supersedes = before.root;
    options.generation = before.generation + 1;
    return {};
  }

  std::string title() const {
    const std::string& title = table_->head().title;
    return title.empty() ? "untitled campaign" : title;
  }

  Json summary() {
    experiments_ = table_->size();
    Json summary = Json::object({{"experiments", table_->size()},
                                 {"claims", table_->claims().size()},
                                 {"baselines", table_->baselines().size()},
                                 {"steps", table_->steps()}});
    std::uint64_t programs = 0;
    for (std::uint32_t row = 0; row < table_->size(); ++row)
      programs += table_->has(row, formats::Evidence::program);
    summary.set("programs", programs);
    if (!table_->head().system.empty()) summary.set("system", table_->head().system);
    return summary;
  }

  Json redactions_json() const {
    Json list = Json::array();
    for (const FoundSecret& secret : redacted_)
      list.push(Json::object({{"item", secret.item}, {"offset", secret.offset}, {"rule", secret.rule}}));
    return Json::object({{"redactions", list}});
  }

  static constexpr std::size_t kManyItems = 50'000;

  const SealOptions& options_;
  ImportedContent content_;
  SecretLog secrets_;
  std::optional<CampaignTable> table_;
  std::vector<formats::Column> columns_;
  Json completeness_;
  std::vector<const ContentDigest*> withheld_;  // by item; empty if nothing is withheld
  std::deque<ContentDigest> withheld_digests_;
  std::vector<FoundSecret> redacted_;
  std::uint64_t experiments_ = 0;
};

}  // namespace

Result<SealReport> seal(Import import, const std::filesystem::path& output, const SealOptions& options) {
  Sealing sealing(std::move(import), options);
  ASSAY_TRY(sealing.prepare());
  ASSAY_TRY(sealing.derive());
  Result<formats::WriteReport> written = sealing.write(output);
  // Secrets show only while content is packed. With --redact they are replaced and everything is made again:
  // twice the time, for the rare campaign that needs it, and none for the others.
  if (!written && options.redact && sealing.has_secrets()) {
    ASSAY_TRY(sealing.redact_secrets());
    ASSAY_TRY(sealing.derive());
    written = sealing.write(output);
  }
  if (!written) return std::move(written.error());
  SealReport report{written->root,       sealing.items(),    sealing.experiments(), written->content_bytes,
                    written->file_bytes, sealing.redacted(), sealing.problems(),    sealing.completeness()};
  return report;
}

Result<DryRun> dry_run(Import import, const SealOptions& options) {
  Sealing sealing(std::move(import), options);
  ASSAY_TRY(sealing.prepare(true));
  ASSAY_TRY(sealing.derive());
  ASSAY_TRY(sealing.scan_all());
  return DryRun{sealing.listing(), sealing.secrets(), sealing.completeness()};
}

}  // namespace assay::archives
