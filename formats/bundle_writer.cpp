#include "formats/bundle_writer.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <numeric>

#include "formats/coding.hpp"
#include "formats/container.hpp"
#include "formats/layout.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/pipeline.hpp"
#include "toolkit/base/presorted.hpp"

namespace assay::formats {

namespace {

constexpr std::size_t kPiecesATask = 16;  ///< as many as there are hash lanes

/// A part of an item in one chunk of the packed blobs; derived from the order of storage, never stored.
struct Segment {
  std::size_t item = 0;
  std::uint64_t item_offset = 0, chunk_offset = 0, length = 0;
};

/// One chunk of the packed blobs, compressed and hashed.
struct PackedChunk {
  std::string stored;
  bool raw = false;
  Digest digest;
  std::vector<std::pair<std::size_t, std::vector<Digest>>> pieces;  ///< of items that span chunks
  std::vector<std::pair<std::size_t, ContentDigest>> digests;       ///< of items that do not
  std::uint64_t content = 0;
};

class BundleWriter {
 public:
  BundleWriter(const std::vector<PlannedItem>& items, const ContentReader& reader,
               const WriteOptions& options)
      : items_(items),
        reader_(reader),
        options_(options),
        digests_(items.size()),
        offsets_(items.size(), kNoBlob) {}

  Result<WriteReport> write(const std::filesystem::path& output) {
    file_ = ASSAY_TRY(AtomicFile::create(output, options_.force ? Existing::replace : Existing::refuse));
    container_ = ASSAY_TRY(ContainerWriter::create(file_->temporary()));
    ASSAY_TRY(plan());
    if (options_.progress) options_.progress->stage("sealing", content_, "B");
    ASSAY_TRY(write_arrays());
    reader_.arrays_done();
    ASSAY_TRY(write_blobs());
    ASSAY_TRY(reader_.content_seen());
    ASSAY_TRY(write_manifest());
    ASSAY_TRY(container_->close());
    ASSAY_TRY(write_tail());
    ASSAY_TRY(file_->commit());
    return report_;
  }

 private:
  // ---- where everything goes

  Status plan() {
    for (std::size_t k = 0; k < items_.size(); ++k) {
      const std::size_t i = options_.order.empty() ? k : options_.order[k];
      const PlannedItem& item = items_[i];
      if (item.fixed) {
        digests_[i] = *item.fixed;
        continue;
      }
      content_ += item.size;
      if (item.type->is_array()) {
        if (is_reserved_array_name(item.name))
          return Error{Fault::refused, "an array must not have this name: HDF5 paths would clash",
                       std::string(item.name), "rename it"};
        arrays_.push_back(i);
      } else {
        place(i);
      }
    }
    std::sort(arrays_.begin(), arrays_.end(),
              [&](auto a, auto b) { return items_[a].name < items_[b].name; });
    return {};
  }

  void place(std::size_t i) {
    const std::uint64_t size = items_[i].size;
    offsets_[i] = place_blob(stream_, size);
    stream_ = offsets_[i] + size;
    if (size == 0)
      digests_[i] = content_digest("");
    else
      blobs_.push_back(static_cast<std::uint32_t>(i));
  }

  std::size_t chunk_count() const { return (stream_ + kBlobChunk - 1) / kBlobChunk; }

  std::vector<Segment> segments(std::size_t number) const {
    const std::uint64_t begin = number * kBlobChunk, end = begin + kBlobChunk;
    auto it = std::partition_point(blobs_.begin(), blobs_.end(),
                                   [&](auto i) { return offsets_[i] + items_[i].size <= begin; });
    std::vector<Segment> out;
    for (; it != blobs_.end() && offsets_[*it] < end; ++it) {
      const std::uint64_t from = std::max(offsets_[*it], begin),
                          to = std::min(offsets_[*it] + items_[*it].size, end);
      out.push_back({*it, from - offsets_[*it], from - begin, to - from});
    }
    return out;
  }

  // ---- blobs

  Result<PackedChunk> pack(std::size_t number) const {
    PackedChunk packed;
    std::string bytes(std::min(stream_, kBlobChunk), '\0');
    for (const Segment& segment : segments(number)) {
      ASSAY_TRY(reader_.read(segment.item, segment.item_offset, bytes.data() + segment.chunk_offset,
                             segment.length));
      hash_segment(segment, std::string_view(bytes).substr(segment.chunk_offset, segment.length), packed);
      packed.content += segment.length;
    }
    packed.stored = zstd_frame(bytes, true);
    packed.raw = packed.stored.size() >= bytes.size();
    if (packed.raw) packed.stored = std::move(bytes);
    packed.digest = sha256(packed.stored);
    return packed;
  }

  void hash_segment(const Segment& segment, std::string_view content, PackedChunk& packed) const {
    reader_.saw(segment.item, segment.item_offset, content);
    if (segment.length == items_[segment.item].size) {
      packed.digests.emplace_back(segment.item, content_digest(content));
      return;
    }
    std::vector<std::string_view> pieces;
    for (std::uint64_t at = 0; at < content.size(); at += kPiece)
      pieces.push_back(content.substr(at, kPiece));
    std::vector<Digest> digests(pieces.size());
    sha256_many(pieces, digests);
    packed.pieces.emplace_back(segment.item, std::move(digests));
  }

  Status write_blobs() {
    const std::size_t dataset = ASSAY_TRY(container_->add(blobs_plan(stream_)));
    std::vector<Stored> stored;
    std::vector<Digest> open;  // pieces of the one item that spans chunks
    ASSAY_TRY(ordered_pipeline<PackedChunk>(
        chunk_count(), 2 + usable_cores(), [&](std::size_t i) { return pack(i); },
        [&](std::size_t i, const PackedChunk& packed) -> Status {
          ASSAY_TRY(container_->write_chunk(dataset, i, packed.stored, packed.raw));
          stored.push_back({packed.digest, packed.raw ? Extent::Coding::raw : Extent::Coding::zstd});
          for (auto& [item, digest] : packed.digests) digests_[item] = digest;
          for (auto& [item, pieces] : packed.pieces) {
            open.insert(open.end(), pieces.begin(), pieces.end());
            if (open.size() < (items_[item].size + kPiece - 1) / kPiece) continue;
            digests_[item] = content_digest(open, items_[item].size);
            open.clear();
          }
          advance(packed.content);
          return {};
        }));
    return collect({dataset, std::string(kBlobsPath), std::move(stored)});
  }

  // ---- arrays

  Status write_arrays() {
    for (const std::size_t i : arrays_) {
      const PlannedItem& item = items_[i];
      std::string sample(std::min<std::uint64_t>(item.size, 256 << 10), '\0');
      ASSAY_TRY(reader_.read(i, (item.size - sample.size()) / 2, sample.data(), sample.size()));
      const bool packed = item.size > 512 && !item.type->shape.empty() && compresses(sample);
      const DatasetPlan plan = array_plan(std::string(item.name), *item.type, packed);
      const std::size_t dataset = ASSAY_TRY(container_->add(plan));
      if (item.size == 0)
        digests_[i] = content_digest("");
      else if (packed)
        ASSAY_TRY(write_packed(i, plan, dataset));
      else
        ASSAY_TRY(write_pieces(i, plan, dataset));
    }
    return {};
  }

  struct ArrayChunk {
    std::string content, stored;
    bool raw = false;
    Digest digest;
  };

  Result<ArrayChunk> pack_array_chunk(std::size_t item, const DatasetPlan& plan, std::uint64_t number,
                                      std::uint64_t offset) const {
    ArrayChunk chunk;
    chunk.content.resize(chunk_content_bytes(plan, number, items_[item].size));
    ASSAY_TRY(reader_.read(item, offset, chunk.content.data(), chunk.content.size()));
    std::string padded;  // the last chunk, where the content ends within it
    if (chunk.content.size() < plan.chunk_bytes()) {
      padded = chunk.content;
      padded.resize(plan.chunk_bytes(), '\0');
    }
    const std::string& whole = padded.empty() ? chunk.content : padded;
    chunk.stored = zstd_frame(whole, false);
    chunk.raw = chunk.stored.size() >= whole.size();
    if (chunk.raw) chunk.stored = whole;
    chunk.digest = sha256(chunk.stored);
    return chunk;
  }

  Status write_packed(std::size_t item, const DatasetPlan& plan, std::size_t dataset) {
    std::vector<std::uint64_t> offsets(plan.chunk_count());
    for (std::uint64_t number = 1; number < offsets.size(); ++number)
      offsets[number] = offsets[number - 1] + chunk_content_bytes(plan, number - 1, items_[item].size);
    PieceHasher hasher;
    std::vector<Stored> stored;
    ASSAY_TRY(ordered_pipeline<ArrayChunk>(
        offsets.size(), 2 + usable_cores(),
        [&](std::size_t i) { return pack_array_chunk(item, plan, i, offsets[i]); },
        [&](std::size_t i, const ArrayChunk& chunk) -> Status {
          hasher.update(chunk.content);
          stored.push_back({chunk.digest, chunk.raw ? Extent::Coding::raw : Extent::Coding::zstd});
          advance(chunk.content.size());
          return container_->write_chunk(dataset, i, chunk.stored, chunk.raw);
        }));
    digests_[item] = hasher.finish();
    return collect({dataset, plan.path, std::move(stored)});
  }

  // Bytes that do not shrink go into the file as they are, each piece hashed once: its digest serves content
  // and extent.
  Status write_pieces(std::size_t item, const DatasetPlan& plan, std::size_t dataset) {
    const std::uint64_t size = items_[item].size, start = ASSAY_TRY(container_->contiguous_offset(dataset));
    std::vector<Digest> digests((size + kPiece - 1) / kPiece);
    constexpr std::uint64_t kTask = kPiece * kPiecesATask;
    ASSAY_TRY(parallel_for((size + kTask - 1) / kTask, [&](std::size_t task) -> Status {
      thread_local std::string buffer;
      const std::uint64_t at = task * kTask;
      buffer.resize(std::min(kTask, size - at));
      ASSAY_TRY(reader_.read(item, at, buffer.data(), buffer.size()));
      std::vector<std::string_view> pieces;
      for (std::uint64_t k = 0; k < buffer.size(); k += kPiece)
        pieces.push_back(std::string_view(buffer).substr(k, kPiece));
      sha256_many(pieces, std::span(digests).subspan(task * kPiecesATask, pieces.size()));
      advance(buffer.size());
      return write_at(file_->fd(), start + at, buffer);
    }));
    for (std::size_t i = 0; i < digests.size(); ++i)
      extents_.push_back({start + i * kPiece, std::min(kPiece, size - i * kPiece), digests[i], plan.path, i,
                          Extent::Coding::piece});
    digests_[item] = content_digest(digests, size);
    return {};
  }

  // ---- manifest and index

  Status write_manifest() {
    std::vector<std::uint32_t> order(items_.size());
    std::iota(order.begin(), order.end(), 0u);
    sort_presorted(order, [&](auto a, auto b) { return items_[a].name < items_[b].name; });
    ASSAY_TRY(check_names(order));
    TreeHasher tree;
    std::uint64_t size = 0;
    for (const std::uint32_t i : order) {
      const std::string line = line_of(i);
      tree.add(leaf_hash(line));
      size += line.size() + 1;
    }
    if (size > kMostManifest)
      return Error{Fault::refused,
                   "a manifest of " + std::to_string(size) + " bytes: readers take at most " +
                       std::to_string(kMostManifest),
                   "manifest", "seal the campaign in several bundles"};
    report_.root = tree.root();
    if (options_.expected_root && report_.root != *options_.expected_root)
      return Error{Fault::damaged, "the items give another root than was sealed", "manifest",
                   "verify the bundle"};
    std::size_t next = 0;
    std::string text;
    ASSAY_TRY(write_text(manifest_plan(size), [&](std::uint64_t bytes) {
      while (text.size() < bytes && next < order.size()) text += line_of(order[next++]) += '\n';
      std::string chunk = text.substr(0, bytes);
      text.erase(0, bytes);
      return chunk;
    }));
    std::size_t at = 0;
    return write_text(index_plan(items_.size()), [&](std::uint64_t bytes) {
      std::string chunk;
      for (; chunk.size() < bytes && at < order.size(); ++at) put_u64_le(chunk, offsets_[order[at]]);
      return chunk;
    });
  }

  std::string line_of(std::uint32_t i) const {
    return manifest_line({std::string(items_[i].name), *items_[i].type, items_[i].size, digests_[i]});
  }

  // What a reader would refuse must not be sealed.
  Status check_names(const std::vector<std::uint32_t>& order) const {
    Nesting nesting;
    for (std::size_t k = 0; k < order.size(); ++k) {
      const std::string_view name = items_[order[k]].name;
      ASSAY_TRY(check_item_name(name));
      if (k > 0 && items_[order[k - 1]].name == name)
        return Error{Fault::refused, "two items of one name", std::string(name), ""};
      if (nesting.refuses(name))
        return Error{Fault::refused, "an item inside another item", std::string(name),
                     "rename one of the two"};
    }
    return {};
  }

  // `next(n)` gives the next n bytes of the text, fewer at its end; called in order.
  template <typename Next>
  Status write_text(const DatasetPlan& plan, const Next& next) {
    const std::size_t dataset = ASSAY_TRY(container_->add(plan));
    const std::uint64_t step = plan.chunk_bytes();
    std::mutex mutex;
    std::vector<std::string> texts(plan.chunk_count());
    std::vector<Stored> stored;
    std::size_t made = 0;
    ASSAY_TRY(ordered_pipeline<std::string>(
        plan.chunk_count(), 2 + usable_cores(),
        [&](std::size_t i) -> Result<std::string> {
          std::string chunk;
          {
            const std::lock_guard lock(mutex);
            for (; made <= i; ++made) texts[made] = next(step);
            chunk = std::move(texts[i]);
          }
          chunk.resize(step, '\0');
          return zlib_stream(chunk);
        },
        [&](std::size_t i, const std::string& chunk) -> Status {
          stored.push_back({sha256(chunk), Extent::Coding::deflate});
          return container_->write_chunk(dataset, i, chunk, false);
        }));
    return collect({dataset, plan.path, std::move(stored)});
  }

  // ---- extents, statement, signatures

  struct Stored {
    Digest digest;
    Extent::Coding coding;
  };
  struct Chunked {
    std::size_t dataset;
    std::string path;
    std::vector<Stored> chunks;
  };

  Status collect(const Chunked& chunked) {
    const std::vector<StoredChunk> chunks = ASSAY_TRY(container_->chunks(chunked.dataset));
    for (const StoredChunk& chunk : chunks) {
      const Stored& stored = chunked.chunks[chunk.number];
      extents_.push_back(
          {chunk.offset, chunk.length, stored.digest, chunked.path, chunk.number, stored.coding});
    }
    return {};
  }

  // What lies between the chunks: the header, and HDF5's own structures.
  Status fill_gaps(std::uint64_t end) {
    std::sort(extents_.begin(), extents_.end(),
              [](const Extent& a, const Extent& b) { return a.offset < b.offset; });
    std::vector<Extent> all{{0, kUserBlock, Digest{}, "header", 0, Extent::Coding::none}};
    std::uint64_t at = kUserBlock;
    auto gap = [&](std::uint64_t to) -> Status {
      for (; at < to; at += std::min(kPiece, to - at)) {
        const std::string bytes = ASSAY_TRY(read_at(file_->fd(), at, std::min(kPiece, to - at)));
        all.push_back({at, bytes.size(), sha256(bytes), "hdf5", 0, Extent::Coding::none});
      }
      return {};
    };
    for (Extent& extent : extents_) {
      ASSAY_TRY(gap(extent.offset));
      at = extent.offset + extent.length;
      all.push_back(std::move(extent));
    }
    ASSAY_TRY(gap(end));
    extents_ = std::move(all);
    return {};
  }

  Status write_tail() {
    const std::uint64_t end = ASSAY_TRY(file_size(file_->fd()));
    ASSAY_TRY(fill_gaps(end));
    // Digests have one length, so the size of the block is known before the header's digest is.
    const Header header{end, end + encode_extents(extents_).size()};
    const std::string head = header.encode();
    extents_[0].digest = sha256(head);
    const std::string block = encode_extents(extents_);
    Statement statement{options_.title,    report_.root,    items_.size(),       end,
                        block.size(),      sha256(block),   options_.generation, options_.supersedes,
                        options_.left_out, options_.summary};
    const Envelope envelope = ASSAY_TRY(sign_statement(statement.encode(), options_.signers));
    std::string area = envelope.encode() + '\n';
    if (options_.origin) area += options_.origin->encode() + '\n';
    ASSAY_TRY(write_at(file_->fd(), 0, head));
    ASSAY_TRY(write_at(file_->fd(), end, block));
    ASSAY_TRY(write_at(file_->fd(), header.signatures, area));
    report_.file_bytes = header.signatures + area.size();
    report_.content_bytes = content_;
    return {};
  }

  void advance(std::uint64_t bytes) {
    const std::uint64_t done = done_ += bytes;
    if (options_.progress) options_.progress->update(done);
  }

  const std::vector<PlannedItem>& items_;
  const ContentReader& reader_;
  const WriteOptions& options_;
  std::optional<AtomicFile> file_;
  std::optional<ContainerWriter> container_;
  std::vector<ContentDigest> digests_;
  std::vector<std::uint64_t> offsets_;
  std::vector<std::uint32_t> blobs_;  // items in /blobs that have bytes, in the order of storage
  std::vector<std::size_t> arrays_;
  std::vector<Extent> extents_;
  std::uint64_t stream_ = 0, content_ = 0;
  std::atomic<std::uint64_t> done_{0};
  WriteReport report_;
};

}  // namespace

const ItemType& bytes_type() {
  static const ItemType kBytes;
  return kBytes;
}

Result<WriteReport> write_bundle(const std::filesystem::path& output, const std::vector<PlannedItem>& items,
                                 const ContentReader& reader, const WriteOptions& options) {
  if (options.signers.empty() && !options.origin)
    return Error{Fault::usage, "nobody signs: a bundle needs at least one signature", output.string(),
                 "give a key with --key; assay key new FILE makes one"};
  return BundleWriter(items, reader, options).write(output);
}

Result<Envelope> sign_statement(const std::string& statement, const std::vector<const Signer*>& signers) {
  Envelope envelope{std::string(kInTotoPayload), statement, {}};
  const Bytes message = pre_authentication_encoding(envelope.payload_type, envelope.payload);
  for (const Signer* signer : signers) {
    Bytes signature = ASSAY_TRY(signer->sign(message));
    envelope.signatures.push_back({signer->public_key().line(), std::move(signature)});
  }
  // Sorted as encode() does, so that what is in memory is what is on disk.
  return Envelope::decode(envelope.encode());
}

}  // namespace assay::formats
