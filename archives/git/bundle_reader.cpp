#include "archives/git/bundle_reader.hpp"

#include <algorithm>
#include <fcntl.h>

#include "archives/git/layout.hpp"
#include "archives/git/places.hpp"
#include "formats/bundle.hpp"
#include "toolkit/base/bytes.hpp"
#include "toolkit/base/json.hpp"
#include "toolkit/base/sandbox.hpp"

namespace assay::archives::git {

namespace {

constexpr std::uint64_t kLargestWhole = 1ull << 30;  // bytes of manifest, statement or envelope

Confinement limits(Progress* progress = nullptr) {
  Confinement out;
  out.progress = progress;
  out.memory = modest_memory();
  out.result = 1ull << 40;
  return out;
}

}  // namespace

std::optional<std::string> text_place(const formats::ManifestEntry& entry) {
  if (entry.type.dtype != formats::Dtype::bytes || entry.size > kLargestText) return std::nullopt;
  if (entry.name == "campaign.json" || entry.name == "completeness.json") return entry.name;
  if (formats::kind_of_item(entry.name) == "programs") return text_path(entry.name);
  return std::nullopt;
}

bool is_text_place(std::string_view path) {
  for (const std::string_view known :
       {std::string_view(kManifestText), std::string_view(kStatementText), std::string_view(kEnvelopeText),
        std::string_view("campaign.json"), std::string_view("completeness.json")})
    if (path == known) return true;
  return is_text_path(path);
}

// ---- in the child

namespace {

// A new child's copy of the descriptor ends with the child. Where this process is a confined one already, the
// work runs in it, and the caller's descriptor must stay: `in_place`, asked before.
Fd own(int file, bool in_place) { return Fd(in_place ? ::fcntl(file, F_DUPFD_CLOEXEC, 3) : file); }

Status refuse_damage(const formats::Bundle& bundle) {
  std::optional<Error> first;
  const auto sink = [](std::size_t, std::string_view, bool) { return Status(); };
  Progress& progress = confined_progress();
  bool begun = false;
  const auto report = [&](std::uint64_t done, std::uint64_t all) {
    if (!begun) progress.stage("checking every byte of the bundle", all, "B");
    begun = true;
    progress.update(done);
  };
  ASSAY_TRY(bundle.walk(
      sink,
      [&](const formats::Bundle::Damage& damage) {
        if (first) return;
        first = Error{Fault::damaged, "the bundle is damaged: " + damage.text,
                      damage.area + ", byte " + std::to_string(damage.offset),
                      "assay verify says all that is wrong; take another copy"};
      },
      report));
  if (first) return std::move(*first);
  return {};
}

Json facts_of(const formats::Bundle& bundle) {
  const formats::Statement& statement = bundle.statement();
  const formats::Manifest& manifest = bundle.manifest();
  Json json = Json::object({{"root", statement.root.hex()},
                            {"title", statement.title},
                            {"generation", statement.generation},
                            {"statement", sha256(bundle.envelope().payload).hex()},
                            {"envelope", sha256(bundle.envelope().encode(), "\n").hex()}});
  json.set("manifest_size", manifest.text().size());
  if (statement.supersedes) json.set("supersedes", statement.supersedes->hex());
  Json absent = Json::array();
  for (std::size_t i = 0; i < manifest.size(); ++i)
    if (!bundle.has_content(i) && text_place(manifest.entry(i))) absent.push(i);
  return json.set("absent", std::move(absent));
}

// Place, content: each with its length before it.
Status send(const Emit& emit, const std::string& place, std::string_view content) {
  Bytes head;
  put_u64_be(head, place.size());
  put_u64_be(head, content.size());
  ASSAY_TRY(emit(head + place));
  return content.empty() ? Status() : emit(content);
}

Status send_texts(const formats::Bundle& bundle, const Emit& emit) {
  const formats::Manifest& manifest = bundle.manifest();
  ASSAY_TRY(send(emit, kManifestText, manifest.text()));
  ASSAY_TRY(send(emit, kStatementText, bundle.envelope().payload));
  ASSAY_TRY(send(emit, kEnvelopeText, bundle.envelope().encode() + "\n"));
  for (std::size_t i = 0; i < manifest.size(); ++i) {
    const auto place = text_place(manifest.entry(i));
    if (!place || !bundle.has_content(i)) continue;
    const std::string content = ASSAY_TRY(bundle.read(i, kLargestText));
    ASSAY_TRY(send(emit, *place, content));
  }
  return {};
}

}  // namespace

// ---- in this process

namespace {

Error bad_answer() {
  return Error{Fault::damaged, "the confined reader of the bundle gave no sensible answer", "", ""};
}

// Puts the pieces of the stream together again and hands on each text as soon as it is whole.
class TextReceiver {
 public:
  explicit TextReceiver(const TextSink& sink) : sink_(sink) {}

  Status take(std::string_view piece) {
    held_ += piece;
    std::string_view rest = held_;
    while (rest.size() >= 16) {
      const std::uint64_t place = get_u64_be(rest.data()), content = get_u64_be(rest.data() + 8);
      if (place == 0 || place > 1024 || content > kLargestWhole) return bad_answer();
      if (rest.size() < 16 + place + content) break;
      const std::string path(rest.substr(16, place));
      if (!is_text_place(path) || !seen_.insert(path).second) return bad_answer();
      ASSAY_TRY(sink_(path, rest.substr(16 + place, content)));
      rest.remove_prefix(16 + place + content);
    }
    held_.erase(0, held_.size() - rest.size());
    return {};
  }
  bool finished() const { return held_.empty() && seen_.size() >= 3; }

 private:
  const TextSink& sink_;
  std::string held_;
  std::set<std::string> seen_;
};

Result<BundleFacts> facts_from(const Json& json) {
  BundleFacts facts;
  facts.root = ASSAY_TRY(Digest::from_hex(json["root"].string_or(""))).hex();
  if (const std::string* supersedes = json["supersedes"].string())
    facts.supersedes = ASSAY_TRY(Digest::from_hex(*supersedes)).hex();
  facts.title = json["title"].string_or("");
  facts.generation = json["generation"].natural().value_or(0);
  facts.manifest_size = std::min(json["manifest_size"].natural().value_or(0), kLargestWhole);
  facts.statement = ASSAY_TRY(Digest::from_hex(json["statement"].string_or("")));
  facts.envelope = ASSAY_TRY(Digest::from_hex(json["envelope"].string_or("")));
  for (const Json& index : json["absent"].items()) facts.absent.insert(index.natural().value_or(0));
  if (facts.generation == 0) return bad_answer();
  return facts;
}

}  // namespace

Result<BundleFacts> read_facts(int file, const std::string& name, Depth depth, Progress* progress) {
  const bool in_place = is_confined();
  const std::string text = ASSAY_TRY(run_confined(limits(progress), [&]() -> Result<std::string> {
    const formats::Bundle bundle = ASSAY_TRY(formats::Bundle::open(own(file, in_place), name));
    if (depth == Depth::everything) ASSAY_TRY(refuse_damage(bundle));
    return facts_of(bundle).dump();
  }));
  const Json json = ASSAY_TRY(Json::parse(text));
  return facts_from(json);
}

Status read_texts(int file, const std::string& name, const TextSink& sink) {
  TextReceiver receiver(sink);
  const bool in_place = is_confined();
  const auto work = [&](const Emit& emit) -> Status {
    const formats::Bundle bundle = ASSAY_TRY(formats::Bundle::open(own(file, in_place), name));
    return send_texts(bundle, emit);
  };
  ASSAY_TRY(run_confined(limits(), work, [&](std::string_view piece) { return receiver.take(piece); }));
  if (!receiver.finished()) return bad_answer();
  return {};
}

}  // namespace assay::archives::git
