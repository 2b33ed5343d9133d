#include "archives/git/bundle_texts.hpp"

#include <map>

#include "archives/git/bundle_reader.hpp"
#include "archives/git/layout.hpp"
#include "archives/git/store.hpp"

namespace assay::archives::git {

using formats::Severity;

namespace {

constexpr std::uint64_t kLargestManifest = 1u << 28, kLargestEnvelope = 16u << 20;

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
  void read_bundle();
  void check_statement();
  void check_whole_text(const char* path, const Digest& expected);
  std::optional<formats::Manifest> check_manifest();
  void check_item(const formats::Manifest& manifest, std::size_t i);

  const GenerationView& view_;
  const FindingSink& sink_;
  std::map<std::string, const TreeEntry*> left_;  ///< texts that nothing has asked for yet
  std::optional<BundleFacts> facts_;              ///< of the stored bundle, if it can be read
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

void Inspection::read_bundle() {
  if (!view_.object) return;
  Result<BundleFacts> facts = read_facts(view_.object.get(), view_.subject, Depth::outline);
  if (facts)
    facts_ = std::move(*facts);
  else
    error("A124", view_.subject, "The stored bundle cannot be read: " + facts.error().what + ".", "",
          facts.error().where);
}

// What the commit says of the bundle against what the bundle's signed statement says.
void Inspection::check_statement() {
  if (!facts_) return;
  const Trailers& trailers = *view_.commit->trailers;
  const auto compare = [&](const char* what, const std::string& expected, const std::string& found) {
    if (expected == found) return;
    error("A130", view_.subject,
          std::string("The commit names another ") + what + " than the bundle's statement.",
          expected.empty() ? "none" : expected, found.empty() ? "none" : found);
  };
  compare("root", facts_->root, trailers.root);
  compare("generation", std::to_string(facts_->generation), std::to_string(trailers.generation));
  compare("superseded root", facts_->supersedes, trailers.supersedes);
}

void Inspection::check_whole_text(const char* path, const Digest& expected) {
  const auto text = take(path, kLargestEnvelope);
  if (text && facts_ && sha256(*text) != expected)
    error("A131", subject(path), "The text differs from the bundle's own.", expected.hex(),
          sha256(*text).hex());
}

std::optional<formats::Manifest> Inspection::check_manifest() {
  auto text = take(kManifestText, facts_ ? facts_->manifest_size : kLargestManifest);
  if (!text) return std::nullopt;
  Result<formats::Manifest> manifest = formats::Manifest::parse(std::move(*text));
  if (!manifest) {
    error("A131", subject(kManifestText), "The manifest cannot be read: " + manifest.error().what + ".", "",
          manifest.error().where);
    return std::nullopt;
  }
  const std::string root = manifest->root().hex();
  if (root != view_.commit->trailers->root)
    error("A130", subject(kManifestText), "The manifest has another Merkle root than the commit names.",
          view_.commit->trailers->root, root);
  return std::move(*manifest);
}

void Inspection::check_item(const formats::Manifest& manifest, std::size_t i) {
  const formats::ManifestEntry entry = manifest.entry(i);
  const auto place = text_place(entry);
  if (!place) return;
  // Left out by `export --without`: the bundle says so. Then no text may stand there either.
  if (facts_ && facts_->root == view_.commit->trailers->root && facts_->absent.contains(i)) return;
  const auto text = take(*place, kLargestText);
  if (!text) return;
  if (text->size() != entry.size || formats::content_digest(*text) != entry.digest)
    error("A131", subject(*place), "The text differs from what the manifest lists.", entry.digest.text(),
          formats::content_digest(*text).text());
}

Status Inspection::run() {
  read_bundle();
  check_statement();
  check_whole_text(kStatementText, facts_ ? facts_->statement : Digest());
  check_whole_text(kEnvelopeText, facts_ ? facts_->envelope : Digest());
  const auto manifest = check_manifest();
  if (!manifest) return {};  // then nothing tells what the other texts must be
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
  const Fd file = ASSAY_TRY(open_read(bundle_file));
  const BundleFacts facts =
      ASSAY_TRY(read_facts(file.get(), bundle_file.string(), Depth::everything, options.progress));
  const WriterLock lock = ASSAY_TRY(WriterLock::take(repository.git_dir()));
  GenerationInput input{facts.root, facts.supersedes, facts.generation, facts.title, {}};
  input.texts = [&](const TextSink& sink) { return read_texts(file.get(), bundle_file.string(), sink); };
  return add_generation(repository, lock, file.get(), input, signer, options);
}

Result<CheckReport> check(const fs::path& path, const formats::Trust* trust, std::int64_t now) {
  const GitRepository repository = ASSAY_TRY(GitRepository::open(path));
  return check_history(repository, trust, now, inspect_bundle);
}

}  // namespace assay::archives::git
