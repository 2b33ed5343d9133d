#include "archives/git/bundle_texts.hpp"

#include <map>
#include <set>

#include "archives/git/layout.hpp"
#include "archives/git/store.hpp"

namespace assay::archives::git {

using formats::Severity;

namespace {

constexpr const char *kManifest = "manifest.txt", *kStatement = "statement.json",
                     *kEnvelope = "envelope.json";
constexpr std::uint64_t kLargestManifest = 1u << 30, kLargestEnvelope = 16u << 20;

}  // namespace

std::optional<std::string> text_place(const formats::ManifestEntry& entry) {
  if (entry.type.dtype != formats::Dtype::bytes || entry.size > kLargestText) return std::nullopt;
  if (entry.name == "campaign.json" || entry.name == "completeness.json") return entry.name;
  if (formats::kind_of_item(entry.name) == "programs") return text_path(entry.name);
  return std::nullopt;
}

GenerationInput generation_from(const formats::Bundle& bundle) {
  const formats::Statement& statement = bundle.statement();
  GenerationInput input;
  input.root = statement.root.hex(), input.generation = statement.generation;
  if (statement.supersedes) input.supersedes = statement.supersedes->hex();
  input.title = statement.summary["title"].string_or("");
  input.texts = [&bundle](const TextSink& sink) -> Status {
    const formats::Manifest& manifest = bundle.manifest();
    ASSAY_TRY(sink(kManifest, manifest.text()));
    ASSAY_TRY(sink(kStatement, bundle.envelope().payload));
    ASSAY_TRY(sink(kEnvelope, bundle.envelope().encode() + "\n"));
    for (std::size_t i = 0; i < manifest.size(); ++i) {
      const auto place = text_place(manifest.entry(i));
      if (!place || !bundle.has_content(i)) continue;
      const std::string content = ASSAY_TRY(bundle.read(i, kLargestText));
      ASSAY_TRY(sink(*place, content));
    }
    return {};
  };
  return input;
}

namespace {

class Inspection {
 public:
  Inspection(const GenerationView& view, const FindingSink& sink) : view_(view), sink_(sink) {
    for (const TreeFile& file : view.texts) left_[file.path] = &file.entry;
  }
  Status run();

 private:
  void error(const char* code, const std::string& subject, const std::string& text,
             const std::string& expected = {}, const std::string& found = {}) {
    sink_(archive_finding(code, Severity::error, subject, text, expected, found));
  }
  std::string subject(const std::string& path) const {
    return std::string(kBundles) + "/" + *campaign_of_bundle(view_.subject) + "/" + std::string(kLatest) +
           "/" + path + " in commit " + view_.commit->oid.substr(0, 12);
  }
  std::optional<std::string> take(const std::string& path, std::uint64_t limit);
  void open_bundle();
  void check_statement();
  void check_whole_text(const char* path, std::string_view expected);
  std::optional<formats::Manifest> check_manifest();
  void check_item(const formats::Manifest& manifest, std::size_t i);

  const GenerationView& view_;
  const FindingSink& sink_;
  std::map<std::string, const TreeEntry*> left_;  ///< texts that nothing has asked for yet
  std::optional<formats::Bundle> bundle_;
};

// The text at a path, and off the list of what is left.
std::optional<std::string> Inspection::take(const std::string& path, std::uint64_t limit) {
  const auto found = left_.find(path);
  if (found == left_.end()) {
    error("A132", subject(path), "A text that belongs to the generation is not in the tree.");
    return std::nullopt;
  }
  const TreeEntry entry = *found->second;
  left_.erase(found);
  if (!entry.is_file()) {
    error("A133", subject(path), "A text is no regular file.", "mode 100644", "mode " + entry.mode);
    return std::nullopt;
  }
  Result<std::string> text = view_.repository->read(entry.oid, ObjectType::blob, limit);
  if (text) return std::move(*text);
  error("A106", subject(path), "The text cannot be read: " + text.error().what + ".", "", entry.oid);
  return std::nullopt;
}

void Inspection::open_bundle() {
  if (!view_.object) return;
  Result<Fd> file = open_read(*view_.object);
  Result<formats::Bundle> bundle =
      file ? formats::Bundle::open(std::move(*file), view_.subject) : Result<formats::Bundle>(file.error());
  if (bundle)
    bundle_.emplace(std::move(*bundle));
  else
    error("A124", view_.subject, "The stored bundle cannot be opened: " + bundle.error().what + ".", "",
          bundle.error().where);
}

// What the commit says of the bundle against what the bundle's signed statement says.
void Inspection::check_statement() {
  if (!bundle_) return;
  const formats::Statement& statement = bundle_->statement();
  const Trailers& trailers = *view_.commit->trailers;
  if (statement.root.hex() != trailers.root)
    error("A130", view_.subject, "The commit names another root than the bundle's statement.",
          statement.root.hex(), trailers.root);
  if (statement.generation != trailers.generation)
    error("A130", view_.subject, "The commit names another generation than the bundle's statement.",
          std::to_string(statement.generation), std::to_string(trailers.generation));
  const std::string supersedes = statement.supersedes ? statement.supersedes->hex() : "";
  if (supersedes != trailers.supersedes)
    error("A130", view_.subject, "The commit names another superseded root than the bundle's statement.",
          supersedes.empty() ? "none" : supersedes,
          trailers.supersedes.empty() ? "none" : trailers.supersedes);
}

void Inspection::check_whole_text(const char* path, std::string_view expected) {
  const auto text = take(path, kLargestEnvelope);
  if (text && bundle_ && *text != expected)
    error("A131", subject(path), "The text differs from the bundle's own.");
}

std::optional<formats::Manifest> Inspection::check_manifest() {
  auto text = take(kManifest, bundle_ ? bundle_->manifest().text().size() : kLargestManifest);
  if (!text) return std::nullopt;
  Result<formats::Manifest> manifest = formats::Manifest::parse(std::move(*text));
  if (!manifest) {
    error("A131", subject(kManifest), "The manifest cannot be read: " + manifest.error().what + ".", "",
          manifest.error().where);
    return std::nullopt;
  }
  const std::string root = manifest->root().hex();
  if (root != view_.commit->trailers->root)
    error("A130", subject(kManifest), "The manifest has another Merkle root than the commit names.",
          view_.commit->trailers->root, root);
  return std::move(*manifest);
}

void Inspection::check_item(const formats::Manifest& manifest, std::size_t i) {
  const formats::ManifestEntry entry = manifest.entry(i);
  const auto place = text_place(entry);
  if (!place) return;
  // Left out by `export --without`: the bundle must say so. Then no text may stand there either.
  if (bundle_ && bundle_->manifest().size() == manifest.size() && !bundle_->has_content(i)) return;
  const auto text = take(*place, kLargestText);
  if (!text) return;
  if (text->size() != entry.size || formats::content_digest(*text) != entry.digest)
    error("A131", subject(*place), "The text differs from what the manifest lists.", entry.digest.text(),
          formats::content_digest(*text).text());
}

Status Inspection::run() {
  open_bundle();
  check_statement();
  check_whole_text(kStatement, bundle_ ? std::string_view(bundle_->envelope().payload) : "");
  check_whole_text(kEnvelope, bundle_ ? bundle_->envelope().encode() + "\n" : "");
  if (const auto manifest = check_manifest())
    for (std::size_t i = 0; i < manifest->size(); ++i) check_item(*manifest, i);
  for (const auto& [path, entry] : left_)
    error("A133", subject(one_line(path)), "A file that the manifest does not list is in the tree.");
  return {};
}

}  // namespace

Status inspect_bundle(const GenerationView& view, const FindingSink& sink) {
  return Inspection(view, sink).run();
}

// ---- store.hpp, where it meets bundles

Result<AddReport> add(const fs::path& path, const fs::path& bundle_file, const formats::Signer& signer,
                      const AddOptions& options) {
  GitRepository repository = ASSAY_TRY(GitRepository::open(path));
  const WriterLock lock = ASSAY_TRY(WriterLock::take(repository.git_dir()));
  const Fd file = ASSAY_TRY(open_read(bundle_file));
  Fd same = ASSAY_TRY(duplicate(file.get()));
  const formats::Bundle bundle = ASSAY_TRY(formats::Bundle::open(std::move(same), bundle_file.string()));
  return add_generation(repository, lock, file.get(), generation_from(bundle), signer, options);
}

Result<CheckReport> check(const fs::path& path, const formats::Trust* trust, std::int64_t now) {
  const GitRepository repository = ASSAY_TRY(GitRepository::open(path));
  return check_history(repository, trust, now, inspect_bundle);
}

}  // namespace assay::archives::git
