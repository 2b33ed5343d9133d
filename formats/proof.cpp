#include "formats/proof.hpp"

#include <algorithm>

namespace assay::formats {

namespace {

constexpr std::size_t kMaxProof = 1u << 30;
constexpr std::size_t kMaxPath = 64;

Error damaged(std::string what, std::string where = "") {
  return {Fault::damaged, std::move(what), std::move(where), ""};
}

// ---- the text

Json item_to_json(const ProofItem& item) {
  Json path = Json::array();
  for (const Digest& digest : item.path) path.push(digest.hex());
  Json json = Json::object({{"index", item.index}, {"line", item.line}, {"path", std::move(path)}});
  if (item.content) json.set("content", to_base64(*item.content));
  return json;
}

Result<std::vector<Digest>> path_from_json(const Json& json) {
  std::vector<Digest> path;
  if (!json.is_array() || json.size() > kMaxPath) return damaged("path is no list of at most 64 digests");
  for (const Json& one : json.items()) {
    const Digest digest = ASSAY_TRY(Digest::from_hex(one.string_or("")));
    path.push_back(digest);
  }
  return path;
}

Result<ProofItem> item_from_json(const Json& json) {
  const auto index = json["index"].natural();
  const std::string* line = json["line"].string();
  if (!index || !line) return damaged("an item needs index and line");
  std::vector<Digest> path = ASSAY_TRY(path_from_json(json["path"]));
  ProofItem item{*index, *line, std::move(path), std::nullopt};
  if (const Json* content = json.find("content")) {
    if (!content->string()) return damaged("content is no string");
    item.content = ASSAY_TRY(from_base64(*content->string()));
  }
  return item;
}

Result<Proof> proof_from_json(const Json& json) {
  if (json["assay"].string_or("") != "proof" || json["version"].natural() != 1u)
    return damaged("expected {\"assay\":\"proof\",\"version\":1,...}");
  const auto count = json["count"].natural();
  if (!count || !json["items"].is_array()) return damaged("a proof needs count and items");
  Envelope envelope = ASSAY_TRY(Envelope::decode(json["envelope"].dump_canonical()));
  Proof proof{std::move(envelope), *count, {}};
  for (const Json& one : json["items"].items()) {
    ProofItem item = ASSAY_TRY(item_from_json(one));
    proof.items.push_back(std::move(item));
  }
  return proof;
}

// ---- making

// Siblings of many leaves at once. A level is the one below with neighbours joined, and a last one without a
// neighbour goes up as it is: the same tree as RFC 6962's, whose paths leave such levels out.
std::vector<std::vector<Digest>> paths_of(std::vector<Digest> level, std::vector<std::size_t> at) {
  std::vector<std::vector<Digest>> paths(at.size());
  while (level.size() > 1) {
    for (std::size_t i = 0; i < at.size(); ++i) {
      if ((at[i] ^ 1) < level.size()) paths[i].push_back(level[at[i] ^ 1]);
      at[i] /= 2;
    }
    const std::size_t pairs = level.size() / 2;
    for (std::size_t i = 0; i < pairs; ++i) level[i] = node_hash(level[2 * i], level[2 * i + 1]);
    if (level.size() % 2) level[pairs] = level.back();
    level.resize((level.size() + 1) / 2);
  }
  return paths;
}

Result<Statement> statement_of(const Envelope& envelope) {
  if (envelope.payload_type != kInTotoPayload)
    return damaged("the envelope holds no in-toto statement", "envelope");
  Result<Statement> statement = Statement::decode(envelope.payload);
  if (!statement) return std::move(statement.error()).in("envelope");
  if (statement->encode() != envelope.payload)
    return damaged("the statement is not in its canonical form", "envelope");
  return statement;
}

// ---- checking

Result<ManifestEntry> entry_of(const std::string& line) {
  const Result<Manifest> one = Manifest::parse(line + "\n");
  if (!one || one->size() != 1) return damaged(one ? "more than one line" : one.error().what);
  return one->entry(0);
}

Status check_content(const ManifestEntry& entry, const Bytes& content) {
  if (entry.type.dtype == Dtype::withheld)
    return damaged("content that its digest does not bind: the item is withheld");
  if (content.size() != entry.size) {
    return damaged("content of " + std::to_string(content.size()) + " bytes, " + std::to_string(entry.size) +
                   " were signed");
  }
  const ContentDigest found = content_digest(content);
  if (found == entry.digest) return {};
  return damaged("the content is not what was signed: expected " + entry.digest.text() + ", found " +
                 found.text());
}

Result<ProvenItem> check_item(const ProofItem& item, const Statement& statement) {
  const ManifestEntry entry = ASSAY_TRY(entry_of(item.line));
  if (root_from_path(leaf_hash(item.line), item.index, statement.items, item.path) != statement.root)
    return damaged("the line and its path do not lead to the signed root", entry.name);
  if (item.content) {
    Status content = check_content(entry, *item.content);
    if (!content) return std::move(content.error()).in(entry.name);
  }
  return ProvenItem{entry, item.content.has_value()};
}

}  // namespace

std::string Proof::encode() const {
  Json list = Json::array();
  for (const ProofItem& item : items) list.push(item_to_json(item));
  // The envelope's own canonical text is read back as a value, so it stands here exactly as in the bundle.
  return Json::object({{"assay", "proof"},
                       {"version", 1},
                       {"count", count},
                       {"envelope", *Json::parse(envelope.encode())},
                       {"items", std::move(list)}})
             .dump_canonical() +
         "\n";
}

Result<Proof> Proof::decode(std::string_view text) {
  if (text.size() > kMaxProof) return damaged("over " + std::to_string(kMaxProof) + " bytes", "proof");
  const Result<Json> json = Json::parse(text, {.max_depth = 8});
  if (!json) return damaged(json.error().what, "proof");
  Result<Proof> proof = proof_from_json(*json);
  if (!proof) return damaged(proof.error().what, "proof");
  if (proof->encode() != text) return damaged("not in its canonical form", "proof");
  return proof;
}

Result<Proof> make_proof(const Manifest& manifest, const Envelope& envelope, std::vector<std::size_t> items,
                         const ProofContent& content) {
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
  if (items.empty()) return Error{Fault::usage, "nothing to prove: no item named", "", ""};
  if (items.back() >= manifest.size())
    return Error{Fault::usage, "an item that the manifest does not have", "", ""};
  const Statement statement = ASSAY_TRY(statement_of(envelope));
  std::vector<std::vector<Digest>> paths = paths_of(manifest.leaf_hashes(), items);
  Proof proof{envelope, manifest.size(), {}};
  for (std::size_t i = 0; i < items.size(); ++i) {
    std::optional<Bytes> bytes = ASSAY_TRY(content(items[i]));
    proof.items.push_back(
        {items[i], std::string(manifest.line(items[i])), std::move(paths[i]), std::move(bytes)});
  }
  ASSAY_TRY(check_proof(proof));
  return proof;
}

Result<ProofFacts> check_proof(const Proof& proof) {
  Statement statement = ASSAY_TRY(statement_of(proof.envelope));
  ProofFacts facts{std::move(statement), {}};
  if (proof.envelope.signatures.empty()) return damaged("not signed", "proof, envelope");
  if (proof.count != facts.statement.items) {
    return damaged(std::to_string(facts.statement.items) + " items were signed, the proof says " +
                       std::to_string(proof.count),
                   "proof");
  }
  if (proof.items.empty()) return damaged("it proves no item", "proof");
  for (std::size_t i = 0; i < proof.items.size(); ++i) {
    const std::string place = "proof, item " + std::to_string(i + 1);
    if (i && proof.items[i].index <= proof.items[i - 1].index)
      return damaged("items are not in ascending order", place);
    Result<ProvenItem> item = check_item(proof.items[i], facts.statement);
    if (!item) return std::move(item.error()).in(place);
    facts.items.push_back(std::move(*item));
  }
  return facts;
}

}  // namespace assay::formats
