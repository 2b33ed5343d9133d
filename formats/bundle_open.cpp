// Opening a bundle: everything that is checked before any content is read. The order is that of
// docs/formats/bundle.md, "Reading": header, signatures, extents, manifest; nothing is parsed before its
// digest or signature holds.
#include <algorithm>

#include "formats/bundle.hpp"
#include "formats/bundle_state.hpp"
#include "formats/coding.hpp"
#include "formats/keys.hpp"
#include "toolkit/base/parallel.hpp"

namespace assay::formats {

std::string byte_range(const std::string& area, std::uint64_t offset, std::uint64_t length) {
  return area + ", bytes " + std::to_string(offset) + " to " +
         std::to_string(offset + (length ? length - 1 : 0));
}

namespace {

constexpr std::uint64_t kMostSignatureBytes = 16u << 20;
// Name (every byte escaped), type (32 axes), size and digest, with room to spare.
constexpr std::uint64_t kLongestManifestLine = 4096;

struct Opening {
  Bundle::State& state;

  Error damaged(std::string what, const std::string& area, std::uint64_t offset, std::uint64_t length) const {
    return {Fault::damaged, std::move(what), byte_range(area, offset, length),
            "compare the file with the author's copy; nothing in this one can be relied on"};
  }
  Error bad_signature_area(std::string what) const {
    return damaged(std::move(what), "signatures", state.header.signatures,
                   state.size - state.header.signatures);
  }

  Status read_header() {
    if (state.size < kUserBlock)
      return damaged("not an assay bundle: " + std::to_string(state.size) + " bytes, expected at least 4,096",
                     "header", 0, state.size);
    const std::string bytes = ASSAY_TRY(read_at(state.file.get(), 0, kUserBlock));
    state.header = ASSAY_TRY(Header::decode(bytes));
    const auto& [extents, signatures] = state.header;
    if (extents < kUserBlock || signatures < extents)
      return damaged("the header's offsets are out of order", "header", 0, kUserBlock);
    if (signatures >= state.size) {
      return damaged("the file ends early: " + std::to_string(state.size) + " bytes, expected more than " +
                         std::to_string(signatures),
                     "signatures", state.size, 1);
    }
    return {};
  }

  Status check_signatures(const Envelope& envelope) const {
    const Bytes message = pre_authentication_encoding(envelope.payload_type, envelope.payload);
    for (const auto& signature : envelope.signatures) {
      const Result<PublicKey> key = PublicKey::parse(signature.keyid);
      if (!key) return bad_signature_area("a signature that names no Ed25519 key");
      if (!key->verify(message, signature.sig))
        return bad_signature_area("bad signature: the bytes are not what " + key->fingerprint() + " signed");
    }
    return {};
  }

  Result<Envelope> read_envelope(std::string_view line) const {
    Result<Envelope> envelope = Envelope::decode(line);
    if (!envelope) return bad_signature_area(envelope.error().what);
    if (envelope->payload_type != kInTotoPayload)
      return bad_signature_area("payload type " + envelope->payload_type + ", expected " +
                                std::string(kInTotoPayload));
    ASSAY_TRY(check_signatures(*envelope));
    return envelope;
  }

  Status read_signatures() {
    const std::uint64_t length = state.size - state.header.signatures;
    if (length > kMostSignatureBytes)
      return bad_signature_area("a signature area of " + std::to_string(length) + " bytes");
    const std::string area = ASSAY_TRY(read_at(state.file.get(), state.header.signatures, length));
    const auto feed = area.find('\n');
    if (feed == area.npos || area.back() != '\n')
      return bad_signature_area("the signature area does not end in a line feed");
    state.envelope = ASSAY_TRY(read_envelope(std::string_view(area).substr(0, feed)));
    Result<Statement> statement = Statement::decode(state.envelope.payload);
    if (!statement) return bad_signature_area(statement.error().where + ": " + statement.error().what);
    state.statement = std::move(*statement);
    if (state.statement.encode() != state.envelope.payload)
      return bad_signature_area("the statement is not in its canonical form");
    const std::string_view rest = std::string_view(area).substr(feed + 1);
    return rest.empty() ? require_signer() : read_origin(rest.substr(0, rest.size() - 1));
  }

  Status require_signer() const {
    if (state.envelope.signatures.empty()) return bad_signature_area("no signature at all");
    return {};
  }

  // A second line: the authors' own envelope, in a bundle that `export --without` made from theirs.
  Status read_origin(std::string_view line) {
    if (line.find('\n') != line.npos) return bad_signature_area("more than two lines");
    state.origin = ASSAY_TRY(read_envelope(line));
    const Result<Statement> origin = Statement::decode(state.origin->payload);
    if (!origin || state.origin->signatures.empty() || !says_the_same(*origin))
      return bad_signature_area(
          "the original statement does not fit: its signatures, or what it says of root, items, title, "
          "generation or summary");
    return {};
  }

  // The first statement of an export may be signed by nobody. It says how the bundle is stored and what was
  // left out; in all else it must repeat the authors.
  bool says_the_same(const Statement& origin) const {
    Statement expected = origin;
    expected.extents_offset = state.statement.extents_offset;
    expected.extents_size = state.statement.extents_size;
    expected.extents_digest = state.statement.extents_digest;
    expected.left_out = state.statement.left_out;
    return origin.encode() == state.origin->payload && expected.encode() == state.envelope.payload;
  }

  Status read_extents() {
    const auto& [begin, end] = state.header;
    const std::string block = ASSAY_TRY(read_at(state.file.get(), begin, end - begin));
    const Statement& statement = state.statement;
    if (statement.extents_offset != begin || statement.extents_size != end - begin)
      return damaged("the header's offsets are not those that were signed", "header", 0, kUserBlock);
    if (sha256(block) != statement.extents_digest)
      return damaged("the extents are not those that were signed", "extents", begin, end - begin);
    Result<std::vector<Extent>> extents = decode_extents(block, begin);
    if (!extents)
      return damaged(extents.error().where + ": " + extents.error().what, "extents", begin, end - begin);
    state.extents = std::move(*extents);
    return group_extents();
  }

  Status group_extents() {
    for (std::size_t i = 0; i < state.extents.size(); ++i) {
      const Extent& extent = state.extents[i];
      if (extent.area == "header" || extent.area == "hdf5") continue;
      state.datasets[extent.area].push_back(i);
    }
    for (auto& [path, chunks] : state.datasets) {
      std::sort(chunks.begin(), chunks.end(),
                [&](auto a, auto b) { return state.extents[a].chunk < state.extents[b].chunk; });
      for (std::size_t i = 0; i < chunks.size(); ++i)
        if (state.extents[chunks[i]].chunk != i)
          return extents_problem("chunks of " + path + " are missing or named twice");
    }
    if (state.extents.empty() || state.extents[0].area != "header" || state.extents[0].length != kUserBlock)
      return extents_problem("the first extent is not the header");
    auto header = state.stored(state.extents[0]);
    return header ? Status() : std::move(header.error());
  }

  Error extents_problem(std::string what) const {
    return damaged(std::move(what), "extents", state.header.extents,
                   state.header.signatures - state.header.extents);
  }

  // The chunks of a small dataset (manifest, index), one after the other. `most` bytes are expected: a chunk
  // of a few hundred bytes can unpack to 256 KiB, so their number is looked at before any is unpacked.
  Result<std::string> read_text(std::string_view path, std::uint64_t chunk_bytes, std::uint64_t most) const {
    const auto* chunks = state.dataset(std::string(path));
    if (!chunks) return std::string();
    if (const std::uint64_t needed = (most + chunk_bytes - 1) / chunk_bytes; chunks->size() > needed)
      return extents_problem(std::string(path) + " has " + std::to_string(chunks->size()) +
                             " chunks, its items need at most " + std::to_string(needed));
    std::vector<std::string> parts(chunks->size());
    ASSAY_TRY(parallel_for(parts.size(), [&](std::size_t i) -> Status {
      const Extent& extent = state.extents[(*chunks)[i]];
      const std::string stored = ASSAY_TRY(state.stored(extent));
      Result<std::string> bytes = decode_chunk(stored, extent.coding, chunk_bytes);
      if (!bytes) return damaged(bytes.error().what, std::string(path), extent.offset, extent.length);
      if (i + 1 < parts.size() && bytes->size() != chunk_bytes)
        return extents_problem("a short chunk inside " + std::string(path));
      parts[i] = std::move(*bytes);
      return {};
    }));
    std::string text;
    text.reserve(parts.size() * chunk_bytes);
    for (auto& part : parts) {
      text += part;
      part = {};
    }
    return text;
  }

  std::uint64_t most_manifest_bytes() const {
    std::uint64_t most = 0;
    if (__builtin_mul_overflow(state.statement.items, kLongestManifestLine, &most)) return kMostManifest;
    return std::clamp<std::uint64_t>(most, 1, kMostManifest);
  }

  Status read_manifest() {
    std::string text = ASSAY_TRY(read_text(kManifestPath, kTextChunk, most_manifest_bytes()));
    while (!text.empty() && text.back() == '\0') text.pop_back();  // the last chunk is padded
    Result<Manifest> manifest = Manifest::parse(std::move(text));
    if (!manifest) return Error{Fault::damaged, manifest.error().what, manifest.error().where, ""};
    state.manifest = std::move(*manifest);
    if (state.manifest.size() != state.statement.items)
      return extents_problem(std::to_string(state.statement.items) + " items signed, the manifest lists " +
                             std::to_string(state.manifest.size()));
    if (state.manifest.root() != state.statement.root)
      return Error{Fault::damaged, "the manifest's Merkle root is not the one that was signed", "manifest",
                   ""};
    return {};
  }

  Status read_index() {
    const std::size_t items = state.manifest.size();
    const DatasetPlan plan = index_plan(items);
    const std::string bytes =
        ASSAY_TRY(read_text(kIndexPath, kIndexChunk * 8, std::max<std::uint64_t>(items, 1) * 8));
    if (bytes.size() != plan.chunk_count() * plan.chunk_bytes())
      return extents_problem("the index has another length than the manifest needs");
    if (!all_zero(std::string_view(bytes).substr(items * 8)))
      return extents_problem("bytes after the end of the index");
    state.index.resize(items);
    for (std::size_t i = 0; i < items; ++i) {
      state.index[i] = get_u64_le(bytes.data() + 8 * i);
      ASSAY_TRY(place_item(i));
    }
    // Sizes are looked up only where offsets are equal (empty items): a million look-ups are seconds.
    std::sort(state.blob_order.begin(), state.blob_order.end(), [&](auto a, auto b) {
      const std::uint64_t left = state.index[a], right = state.index[b];
      return left != right ? left < right : state.manifest.size_of(a) < state.manifest.size_of(b);
    });
    return check_placement();
  }

  Status place_item(std::size_t i) {
    if (state.index[i] == kNoBlob) return {};
    const std::string name(state.manifest.name_field(i));
    if (!state.manifest.is_blob(i)) return extents_problem("an array among the blobs: " + name);
    std::uint64_t end = 0;
    if (__builtin_add_overflow(state.index[i], state.manifest.size_of(i), &end))
      return extents_problem("an index entry out of range: " + name);
    state.stream = std::max(state.stream, end);
    state.blob_order.push_back(static_cast<std::uint32_t>(i));
    return {};
  }

  // Only an export may lack content, and its statement says of which kinds.
  Status check_left_out() const {
    const auto& kinds = state.statement.left_out;
    for (std::size_t i = 0; i < state.index.size(); ++i) {
      if (state.index[i] != kNoBlob) continue;
      const ManifestEntry entry = state.manifest.entry(i);
      const bool array_is_there =
          entry.type.is_array() && (entry.size == 0 || state.dataset(state.array_path(i)));
      if (array_is_there || entry.type.dtype == Dtype::withheld) continue;
      const std::string kind(kind_of_item(entry.name));
      if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end())
        return extents_problem("no content for " + escape_name(entry.name) +
                               ", and the statement does not leave out " + kind);
    }
    return {};
  }

  // Items lie one after the other, each in one chunk or from the start of one; and the chunks that this needs
  // are there.
  Status check_placement() const {
    std::uint64_t cursor = 0;
    for (const std::uint32_t i : state.blob_order) {
      if (state.index[i] != place_blob(cursor, state.manifest.size_of(i)))
        return extents_problem("a gap or an overlap in /blobs at " +
                               std::string(state.manifest.name_field(i)));
      cursor = state.index[i] + state.manifest.size_of(i);
    }
    const auto* chunks = state.dataset(std::string(kBlobsPath));
    const std::uint64_t needed = (state.stream + kBlobChunk - 1) / kBlobChunk;
    if ((chunks ? chunks->size() : 0) != needed)
      return extents_problem("/blobs needs " + std::to_string(needed) + " chunks, another number is listed");
    return {};
  }
};

}  // namespace

Result<Bundle> Bundle::open(Fd file, std::string name) {
  auto state = std::make_unique<State>();
  state->size = ASSAY_TRY(assay::file_size(file.get()));
  state->file = std::move(file);
  state->name = std::move(name);
  Opening opening{*state};
  Status status = opening.read_header();
  if (status.ok()) status = opening.read_signatures();
  if (status.ok()) status = opening.read_extents();
  if (status.ok()) status = opening.read_manifest();
  if (status.ok()) status = opening.read_index();
  if (status.ok()) status = opening.check_left_out();
  if (!status) return std::move(status.error()).in(state->name);
  return Bundle(std::move(state));
}

}  // namespace assay::formats
