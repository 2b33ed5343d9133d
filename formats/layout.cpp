#include "formats/layout.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "formats/dsse.hpp"

namespace assay::formats {

namespace {

Error damaged(std::string what, std::string where) {
  return {Fault::damaged, std::move(what), std::move(where), ""};
}

constexpr std::array<std::pair<Extent::Coding, std::string_view>, 5> kCodings = {
    {{Extent::Coding::none, "-"},
     {Extent::Coding::piece, "piece"},
     {Extent::Coding::raw, "raw"},
     {Extent::Coding::deflate, "deflate"},
     {Extent::Coding::zstd, "zstd"}}};

std::string_view coding_name(Extent::Coding coding) {
  for (const auto& [value, name] : kCodings)
    if (value == coding) return name;
  return "-";
}

// A decimal number without sign, leading zeros or rest.
std::optional<std::uint64_t> exact_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || (text.size() > 1 && text[0] == '0'))
    return std::nullopt;
  return value;
}

}  // namespace

// ---- header

namespace {

// The header's own check, so that a damaged pointer is told from what it points to.
std::string header_check(const Json& fields) { return sha256(fields.dump_canonical()).hex().substr(0, 16); }

}  // namespace

std::string Header::encode() const {
  Json fields = Json::object(
      {{"assay", "bundle"}, {"extents", extents}, {"signatures", signatures}, {"version", kFormatVersion}});
  fields.set("check", header_check(fields));
  std::string text = fields.dump_canonical() + '\n';
  text.resize(kUserBlock, '\0');
  return text;
}

Result<Header> Header::decode(std::string_view bytes) {
  const std::string where = "header, bytes 0 to " + std::to_string(kUserBlock - 1);
  const std::string_view line = bytes.substr(0, bytes.find('\n'));
  const Result<Json> json = Json::parse(line);
  if (!json || (*json)["assay"].string_or("") != "bundle")
    return damaged("not an assay bundle: no header where it should be", where);
  const auto version = (*json)["version"].natural();
  if (version && *version > kFormatVersion && *version < 1000) {
    return Error{Fault::refused,
                 "bundle format version " + std::to_string(*version) + ", this program reads up to " +
                     std::to_string(kFormatVersion),
                 where, "use a newer assay"};
  }
  Header header;
  header.extents = (*json)["extents"].natural().value_or(0);
  header.signatures = (*json)["signatures"].natural().value_or(0);
  if (header.encode() != bytes) return damaged("the header is damaged: it does not fit its own check", where);
  return header;
}

// ---- extents

std::string encode_extents(const std::vector<Extent>& extents) {
  std::string text;
  for (const Extent& extent : extents) {
    text += std::to_string(extent.offset) + '\t' + std::to_string(extent.length) + '\t' +
            extent.digest.hex() + '\t' + extent.area + '\t' + std::to_string(extent.chunk) + '\t';
    text += coding_name(extent.coding);
    text += '\n';
  }
  return text;
}

namespace {

std::optional<Extent> parse_extent(std::string_view line) {
  std::array<std::string_view, 6> parts;
  for (std::size_t i = 0; i < 6; ++i) {
    const auto tab = line.find('\t');
    if ((tab == line.npos) != (i == 5)) return std::nullopt;
    parts[i] = line.substr(0, tab);
    if (tab != line.npos) line.remove_prefix(tab + 1);
  }
  Extent extent;
  const auto offset = exact_number(parts[0]), length = exact_number(parts[1]), chunk = exact_number(parts[4]);
  const Result<Digest> digest = Digest::from_hex(parts[2]);
  const auto coding =
      std::find_if(kCodings.begin(), kCodings.end(), [&](const auto& row) { return row.second == parts[5]; });
  if (!offset || !length || !chunk || !digest || coding == kCodings.end() || parts[3].empty())
    return std::nullopt;
  return Extent{*offset, *length, *digest, std::string(parts[3]), *chunk, coding->first};
}

}  // namespace

Result<std::vector<Extent>> decode_extents(std::string_view text, std::uint64_t end) {
  std::vector<Extent> extents;
  std::uint64_t at = 0;
  while (!text.empty()) {
    const std::string where = "extents, line " + std::to_string(extents.size() + 1);
    const auto feed = text.find('\n');
    if (feed == text.npos) return damaged("no line feed at its end", where);
    auto extent = parse_extent(text.substr(0, feed));
    if (!extent) return damaged("not an extent", where);
    if (extent->offset != at || extent->length == 0 || extent->length > end - at)
      return damaged("starts at " + std::to_string(extent->offset) + " with " +
                         std::to_string(extent->length) + " bytes, expected to start at " +
                         std::to_string(at) + " and to end by " + std::to_string(end),
                     where);
    at += extent->length;
    extents.push_back(std::move(*extent));
    text.remove_prefix(feed + 1);
  }
  if (at != end)
    return damaged("the extents end at byte " + std::to_string(at) + ", expected " + std::to_string(end),
                   "extents");
  return extents;
}

// ---- statement

std::string Statement::encode() const {
  Json predicate = Json::object(
      {{"root", root.hex()},
       {"items", items},
       {"extents",
        Json::object({{"offset", extents_offset}, {"size", extents_size}, {"sha256", extents_digest.hex()}})},
       {"generation", generation},
       {"summary", summary}});
  if (supersedes) predicate.set("supersedes", supersedes->hex());
  if (!left_out.empty()) {
    Json kinds = Json::array();
    for (const auto& kind : left_out) kinds.push(kind);
    predicate.set("left_out", kinds);
  }
  const Json subject = Json::object({{"name", title}, {"digest", Json::object({{"sha256", root.hex()}})}});
  return Json::object({{"_type", "https://in-toto.io/Statement/v1"},
                       {"subject", Json(Json::Array{subject})},
                       {"predicateType", kBundlePredicate},
                       {"predicate", predicate}})
      .dump_canonical();
}

namespace {

Result<Digest> digest_field(const Json& json, const std::string& name) {
  const std::string* text = json.string();
  if (!text)
    return damaged("expected a SHA-256, found " + std::string(json.type_name()), "statement, " + name);
  Result<Digest> digest = Digest::from_hex(*text);
  if (!digest) return damaged(digest.error().what, "statement, " + name);
  return digest;
}

Result<std::uint64_t> natural_field(const Json& json, const std::string& name) {
  const auto value = json.natural();
  if (!value)
    return damaged("expected a number, found " + std::string(json.type_name()), "statement, " + name);
  return *value;
}

}  // namespace

Result<Statement> Statement::decode(std::string_view text) {
  const Result<Json> json = Json::parse(text);
  if (!json) return damaged(json.error().what, "statement");
  if ((*json)["_type"].string_or("") != "https://in-toto.io/Statement/v1")
    return damaged("not an in-toto Statement v1", "statement");
  if ((*json)["predicateType"].string_or("") != kBundlePredicate)
    return damaged("expected predicate type " + std::string(kBundlePredicate), "statement");
  const auto& subjects = (*json)["subject"].items();
  if (subjects.size() != 1)
    return damaged("expected one subject, found " + std::to_string(subjects.size()), "statement");
  const Json& predicate = (*json)["predicate"];
  Statement out;
  out.title = subjects[0]["name"].string_or("");
  out.root = ASSAY_TRY(digest_field(predicate["root"], "root"));
  if (ASSAY_TRY(digest_field(subjects[0]["digest"]["sha256"], "subject")) != out.root)
    return damaged("subject and root differ", "statement");
  out.items = ASSAY_TRY(natural_field(predicate["items"], "items"));
  out.extents_offset = ASSAY_TRY(natural_field(predicate["extents"]["offset"], "extents.offset"));
  out.extents_size = ASSAY_TRY(natural_field(predicate["extents"]["size"], "extents.size"));
  out.extents_digest = ASSAY_TRY(digest_field(predicate["extents"]["sha256"], "extents.sha256"));
  out.generation = ASSAY_TRY(natural_field(predicate["generation"], "generation"));
  if (out.generation == 0) return damaged("generations count from 1, found 0", "statement, generation");
  if (const Json* before = predicate.find("supersedes"))
    out.supersedes = ASSAY_TRY(digest_field(*before, "supersedes"));
  for (const Json& kind : predicate["left_out"].items()) out.left_out.emplace_back(kind.string_or(""));
  out.summary = predicate["summary"];
  return out;
}

// ---- datasets

DatasetPlan blobs_plan(std::uint64_t stream) {
  return {std::string(kBlobsPath),
          {Dtype::u8, {stream}},
          {std::clamp<std::uint64_t>(stream, 1, kBlobChunk)},
          Filter::zstd};
}

DatasetPlan manifest_plan(std::uint64_t size) {
  return {std::string(kManifestPath),
          {Dtype::u8, {size}},
          {std::clamp<std::uint64_t>(size, 1, kTextChunk)},
          Filter::deflate};
}

DatasetPlan index_plan(std::uint64_t items) {
  return {std::string(kIndexPath),
          {Dtype::u64, {items}},
          {std::clamp<std::uint64_t>(items, 1, kIndexChunk)},
          Filter::deflate};
}

DatasetPlan array_plan(const std::string& name, const ItemType& type, bool packed) {
  DatasetPlan plan{"/" + escape_name(name), type, {}, Filter::none};
  if (packed) plan.chunk = chunk_shape(type), plan.filter = Filter::zstd;
  return plan;
}

std::uint64_t chunk_content_bytes(const DatasetPlan& plan, std::uint64_t number, std::uint64_t size) {
  if (plan.chunk.empty()) return number * kPiece >= size ? 0 : std::min(kPiece, size - number * kPiece);
  // Only one dimension has chunks that are neither 1 nor everything (chunk_shape), so a chunk at the edge is
  // cut there.
  std::uint64_t bytes = plan.type.element_size();
  for (std::size_t d = plan.chunk.size(); d-- > 0;) {
    const std::uint64_t extent = plan.type.shape[d], step = plan.chunk[d], grid = (extent + step - 1) / step;
    bytes *= std::min(step, extent - number % grid * step);
    number /= grid;
  }
  return bytes;
}

bool is_reserved_array_name(std::string_view name) {
  const std::string_view first = name.substr(0, name.find('/'));
  return first == "manifest" || first == "blobs" || first == "index";
}

std::uint64_t place_blob(std::uint64_t cursor, std::uint64_t size) {
  const std::uint64_t used = cursor % kBlobChunk;
  return used != 0 && size > kBlobChunk - used ? cursor - used + kBlobChunk : cursor;
}

}  // namespace assay::formats
