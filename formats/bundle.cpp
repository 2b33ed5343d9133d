// Reading single items of an open bundle.
#include "formats/bundle.hpp"

#include <algorithm>
#include <cstring>

#include "formats/bundle_state.hpp"
#include "formats/coding.hpp"

namespace assay::formats {

Bundle::Bundle(std::unique_ptr<State> state) : state_(std::move(state)) {}
Bundle::Bundle(Bundle&&) noexcept = default;
Bundle::~Bundle() = default;

const std::string& Bundle::file_name() const { return state_->name; }
std::uint64_t Bundle::file_size() const { return state_->size; }
const Header& Bundle::header() const { return state_->header; }
const Envelope& Bundle::envelope() const { return state_->envelope; }
const std::optional<Envelope>& Bundle::origin() const { return state_->origin; }
const Statement& Bundle::statement() const { return state_->statement; }
const std::vector<Extent>& Bundle::extents() const { return state_->extents; }
const Manifest& Bundle::manifest() const { return state_->manifest; }
const std::vector<std::uint32_t>& Bundle::storage_order() const { return state_->blob_order; }
std::uint64_t Bundle::container_end() const { return state_->header.extents; }

Result<std::string> Bundle::State::stored(const Extent& extent) const {
  Result<std::string> bytes = read_at(file.get(), extent.offset, extent.length);
  if (!bytes)
    return Error{Fault::damaged, bytes.error().what, byte_range(extent.area, extent.offset, extent.length),
                 ""};
  if (sha256(*bytes) != extent.digest) {
    return Error{Fault::damaged, "the stored bytes are not those that were signed",
                 byte_range(extent.area == "header" || extent.area == "hdf5"
                                ? extent.area
                                : extent.area + " chunk " + std::to_string(extent.chunk),
                            extent.offset, extent.length),
                 ""};
  }
  return bytes;
}

Result<std::string> Bundle::State::blob_chunk(std::uint64_t number) const {
  const Extent& extent = extents[dataset(std::string(kBlobsPath))->at(number)];
  const std::string bytes = ASSAY_TRY(stored(extent));
  Result<std::string> decoded = decode_chunk(bytes, extent.coding, blob_chunk_bytes());
  if (!decoded)
    return Error{Fault::damaged, decoded.error().what, byte_range(extent.area, extent.offset, extent.length),
                 ""};
  return decoded;
}

std::uint64_t Bundle::place(std::size_t item) const {
  return item < state_->index.size() ? state_->index[item] : kNoBlob;
}

bool Bundle::has_content(std::size_t item) const {
  if (state_->manifest.is_blob(item)) return state_->index[item] != kNoBlob;
  const ManifestEntry entry = state_->manifest.entry(item);
  if (entry.type.dtype == Dtype::withheld) return false;
  if (entry.size > 0) return state_->dataset(state_->array_path(item));
  // An empty array has no extent that would tell; an export leaves out whole kinds.
  const auto& kinds = state_->statement.left_out;
  return std::find(kinds.begin(), kinds.end(), kind_of_item(entry.name)) == kinds.end();
}

namespace {

Error left_out(const ManifestEntry& entry) {
  const bool withheld = entry.type.dtype == Dtype::withheld;
  return {Fault::missing,
          withheld ? "withheld by the authors: only a salted digest is sealed"
                   : "left out of this bundle when it was exported",
          entry.name,
          withheld ? "ask the authors to disclose it" : "ask for the whole bundle; its root is the same"};
}

}  // namespace

// Bytes [offset, offset + length) of the packed stream.
static Status read_blob_range(const Bundle::State& state, std::uint64_t offset, char* into,
                              std::uint64_t length) {
  while (length > 0) {
    const std::uint64_t number = offset / kBlobChunk, inside = offset % kBlobChunk;
    const std::lock_guard lock(state.cache_mutex);
    if (state.cached_chunk != number) {
      state.cached_chunk = kNoBlob;
      state.cached_bytes = ASSAY_TRY(state.blob_chunk(number));
      state.cached_chunk = number;
    }
    const std::uint64_t part = std::min<std::uint64_t>(length, state.cached_bytes.size() - inside);
    std::copy_n(state.cached_bytes.data() + inside, part, into);
    offset += part, into += part, length -= part;
  }
  return {};
}

// The same of an array; `step` is the content bytes that a stored chunk holds, where the arrangement is
// uniform.
static Status read_array_range(const Bundle::State& state, std::size_t item, std::uint64_t offset, char* into,
                               std::uint64_t length) {
  const ManifestEntry entry = state.manifest.entry(item);
  const auto* chunks = state.dataset(state.array_path(item));
  const DatasetPlan plan = array_plan(entry.name, entry.type, state.is_packed(*chunks));
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < chunks->size() && length > 0; ++i) {
    const Extent& extent = state.extents[(*chunks)[i]];
    const std::uint64_t holds = chunk_content_bytes(plan, i, entry.size);
    if (at + holds > offset) {
      const std::string stored = ASSAY_TRY(state.stored(extent));
      Result<std::string> bytes =
          decode_chunk(stored, extent.coding, plan.chunk.empty() ? holds : plan.chunk_bytes());
      if (!bytes)
        return Error{Fault::damaged, bytes.error().what,
                     byte_range(extent.area, extent.offset, extent.length), ""};
      const std::uint64_t from = offset - at, part = std::min(length, holds - from);
      std::memcpy(into, bytes->data() + from, part);
      offset += part, into += part, length -= part;
    }
    at += holds;
  }
  if (length > 0)
    return Error{Fault::damaged, "the array's chunks hold fewer bytes than its type says", entry.name, ""};
  return {};
}

Status Bundle::read_range(std::size_t item, std::uint64_t offset, char* into, std::uint64_t length) const {
  const ManifestEntry entry = state_->manifest.entry(item);
  if (!has_content(item)) return left_out(entry);
  if (offset > entry.size || length > entry.size - offset)
    return Error{Fault::usage, "a range outside the item", entry.name, ""};
  if (length == 0) return {};
  if (entry.type.dtype == Dtype::bytes)
    return read_blob_range(*state_, state_->index[item] + offset, into, length);
  return read_array_range(*state_, item, offset, into, length);
}

Result<std::string> Bundle::read(std::size_t item, std::uint64_t limit) const {
  const ManifestEntry entry = state_->manifest.entry(item);
  if (entry.size > limit) {
    return Error{Fault::refused,
                 std::to_string(entry.size) + " bytes, more than the " + std::to_string(limit) +
                     " that are read at once",
                 entry.name, "assay export writes it to a file"};
  }
  std::string content(entry.size, '\0');
  ASSAY_TRY(read_range(item, 0, content.data(), entry.size));
  if (content_digest(content) != entry.digest)
    return Error{Fault::damaged, "the content is not what was sealed", entry.name, ""};
  return content;
}

Result<std::string> Bundle::read(std::string_view name) const {
  const auto item = state_->manifest.find(name);
  if (!item)
    return Error{Fault::missing, "no such item in the bundle", std::string(name),
                 "assay show FILE manifest lists them"};
  return read(*item);
}

std::vector<ExpectedDataset> Bundle::expected_datasets() const {
  std::vector<ExpectedDataset> out;
  auto add = [&](DatasetPlan plan) {
    ExpectedDataset dataset{std::move(plan), {}, 0};
    if (const auto* chunks = state_->dataset(dataset.plan.path)) {
      dataset.offset = state_->extents[chunks->front()].offset;
      for (const std::size_t i : *chunks) {
        const Extent& extent = state_->extents[i];
        dataset.chunks.push_back(
            {extent.chunk, extent.offset, extent.length, extent.coding == Extent::Coding::raw});
      }
    }
    out.push_back(std::move(dataset));
  };
  add(blobs_plan(state_->stream));
  add(manifest_plan(state_->manifest.text().size()));
  add(index_plan(state_->manifest.size()));
  for (std::size_t i = 0; i < state_->manifest.size(); ++i) {
    const ManifestEntry entry = state_->manifest.entry(i);
    if (!entry.type.is_array() || !has_content(i)) continue;
    const auto* chunks = state_->dataset(state_->array_path(i));
    add(array_plan(entry.name, entry.type, chunks && state_->is_packed(*chunks)));
  }
  return out;
}

}  // namespace assay::formats
