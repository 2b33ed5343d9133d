// Reading a whole bundle: every extent hashed, every item hashed, on all cores, each stored byte read once.
#include <algorithm>
#include <sys/mman.h>

#include "formats/bundle.hpp"
#include "formats/bundle_state.hpp"
#include "formats/coding.hpp"
#include "toolkit/base/pipeline.hpp"

namespace assay::formats {

namespace {

constexpr std::size_t kPiecesATask = 16;  ///< as many as there are hash lanes

/// One item, or a part of one, in the bytes of a task.
struct Slice {
  std::size_t item = 0;
  std::uint64_t at = 0, length = 0;  ///< in Done::bytes
  std::uint64_t item_offset = 0;     ///< of the part in the item
  std::vector<Digest> pieces;        ///< of a part: the digests of its pieces
  bool good = true;                  ///< the stored bytes were read, and a whole item's digest holds
};

struct Done {
  std::string bytes;
  std::vector<Slice> slices;
  std::vector<Bundle::Damage> damage;
  std::uint64_t stored = 0;
};

struct Task {
  enum class Kind { plain, blob, pieces, packed } kind = Kind::plain;
  std::vector<std::size_t> extents;  ///< of one dataset, in chunk order
  std::size_t item = 0;              ///< of arrays
};

class Walk {
 public:
  explicit Walk(const Bundle::State& state) : state_(state) { plan(); }

  std::size_t size() const { return tasks_.size(); }

  Result<Done> run(std::size_t i) const {
    const Task& task = tasks_[i];
    Done done;
    for (const std::size_t e : task.extents) done.stored += state_.extents[e].length;
    switch (task.kind) {
      case Task::Kind::plain:
        check_plain(task, done);
        break;
      case Task::Kind::blob:
        check_blob(task, done);
        break;
      case Task::Kind::pieces:
        check_pieces(task, done);
        break;
      case Task::Kind::packed:
        check_packed(task, done);
        break;
    }
    return done;
  }

 private:
  void plan() {
    std::unordered_map<std::string_view, std::size_t> arrays;
    for (std::size_t i = 0; i < state_.manifest.size(); ++i)
      if (state_.index[i] == kNoBlob) arrays.emplace(state_.manifest.name_field(i), i);
    for (std::size_t e = 0; e < state_.extents.size(); ++e) {
      const Extent& extent = state_.extents[e];
      const std::string_view area = extent.area;
      if (area == kBlobsPath)
        tasks_.push_back({Task::Kind::blob, {e}, 0});
      else if (const auto array = area[0] == '/' ? arrays.find(area.substr(1)) : arrays.end();
               array != arrays.end())
        plan_array(e, array->second);
      else
        tasks_.push_back({Task::Kind::plain, {e}, 0});
    }
  }

  // An array's extents become tasks where its first one stands; the order of the sink is the order of
  // storage.
  void plan_array(std::size_t e, std::size_t item) {
    const Extent& extent = state_.extents[e];
    if (extent.chunk != 0) return;
    const auto& chunks = *state_.dataset(extent.area);
    if (state_.is_packed(chunks)) return tasks_.push_back({Task::Kind::packed, chunks, item});
    for (std::size_t i = 0; i < chunks.size(); i += kPiecesATask) {
      const auto end = std::min(chunks.size(), i + kPiecesATask);
      tasks_.push_back({Task::Kind::pieces,
                        {chunks.begin() + static_cast<std::ptrdiff_t>(i),
                         chunks.begin() + static_cast<std::ptrdiff_t>(end)},
                        item});
    }
  }

  Bundle::Damage damage(const Extent& extent, std::string text) const {
    const bool dataset = extent.area[0] == '/';
    return {dataset ? extent.area + " chunk " + std::to_string(extent.chunk) : extent.area,
            extent.offset,
            extent.length,
            {},
            std::move(text)};
  }

  // The stored bytes are those that were signed, yet an item in them is not what the manifest says.
  Bundle::Damage wrong_content(std::size_t item, const Extent& extent) const {
    const std::string name = state_.manifest.entry(item).name;
    return {name, extent.offset, extent.length, {name}, "the content is not what was sealed"};
  }

  void check_plain(const Task& task, Done& done) const {
    for (const std::size_t e : task.extents) {
      if (auto stored = state_.stored(state_.extents[e]); !stored)
        done.damage.push_back(damage(state_.extents[e], stored.error().what));
    }
  }

  // The blob items of chunk `number`, in order.
  void slices_of_chunk(std::uint64_t number, std::uint64_t bytes, std::vector<Slice>& out) const {
    const std::uint64_t begin = number * kBlobChunk, end = begin + bytes;
    auto it = std::partition_point(state_.blob_order.begin(), state_.blob_order.end(), [&](auto i) {
      return state_.index[i] + state_.manifest.size_of(i) < begin ||
             (state_.index[i] + state_.manifest.size_of(i) == begin && state_.index[i] < begin);
    });
    for (; it != state_.blob_order.end() && state_.index[*it] < end; ++it) {
      const std::uint64_t from = std::max(state_.index[*it], begin),
                          to = std::min(state_.index[*it] + state_.manifest.size_of(*it), end);
      out.push_back({*it, from - begin, to - from, from - state_.index[*it], {}, true});
    }
  }

  void check_blob(const Task& task, Done& done) const {
    const Extent& extent = state_.extents[task.extents[0]];
    const std::uint64_t bytes = state_.blob_chunk_bytes();
    slices_of_chunk(extent.chunk, bytes, done.slices);
    auto content = [&]() -> Result<std::string> {
      const std::string stored = ASSAY_TRY(state_.stored(extent));
      return decode_chunk(stored, extent.coding, bytes);
    }();
    if (!content) return spoil(extent, content.error().what, done);
    done.bytes = std::move(*content);
    for (Slice& slice : done.slices) hash_slice(extent, slice, done);
    if (!only_zeros_between(done)) done.damage.push_back(damage(extent, "bytes that belong to no item"));
  }

  static bool only_zeros_between(const Done& done) {
    std::uint64_t at = 0;
    for (const Slice& slice : done.slices) {
      if (!all_zero(std::string_view(done.bytes).substr(at, slice.at - at))) return false;
      at = slice.at + slice.length;
    }
    return all_zero(std::string_view(done.bytes).substr(at));
  }

  void spoil(const Extent& extent, const std::string& text, Done& done) const {
    Bundle::Damage found = damage(extent, text);
    for (const Slice& slice : done.slices)
      if (found.items.size() < 16) found.items.push_back(state_.manifest.entry(slice.item).name);
    for (Slice& slice : done.slices) slice.good = false;
    done.damage.push_back(std::move(found));
  }

  void hash_slice(const Extent& extent, Slice& slice, Done& done) const {
    const std::string_view content = std::string_view(done.bytes).substr(slice.at, slice.length);
    if (slice.length == state_.manifest.size_of(slice.item)) {
      const ManifestEntry entry = state_.manifest.entry(slice.item);
      slice.good = content_digest(content) == entry.digest;
      if (!slice.good) done.damage.push_back(wrong_content(slice.item, extent));
      return;
    }
    std::vector<std::string_view> pieces;
    for (std::uint64_t at = 0; at < content.size(); at += kPiece)
      pieces.push_back(content.substr(at, kPiece));
    slice.pieces.resize(pieces.size());
    sha256_many(pieces, slice.pieces);
  }

  // Mapped, not read: nothing is parsed here, and a copy would cost a quarter of the time. A file that
  // shrinks meanwhile ends the (confined) process.
  void check_pieces(const Task& task, Done& done) const {
    const Extent& first = state_.extents[task.extents.front()];
    const Extent& last = state_.extents[task.extents.back()];
    const std::uint64_t page = first.offset % 4096, length = last.offset + last.length - first.offset;
    const bool whole = state_.manifest.size_of(task.item) <= kWholeItem;
    done.slices.push_back({task.item, 0, whole ? length : 0, first.chunk * kPiece, {}, true});
    bool joined = true;
    for (std::size_t i = 1; i < task.extents.size(); ++i)
      joined &= state_.extents[task.extents[i]].offset ==
                state_.extents[task.extents[i - 1]].offset + state_.extents[task.extents[i - 1]].length;
    if (!joined) return spoil(first, "the pieces of an array do not follow each other", done);
    void* mapped = mmap(nullptr, length + page, PROT_READ, MAP_PRIVATE, state_.file.get(),
                        static_cast<off_t>(first.offset - page));
    if (mapped == MAP_FAILED) return spoil(first, "cannot be read", done);
    const std::string_view bytes(static_cast<const char*>(mapped) + page, length);
    hash_pieces(task, bytes, done);
    if (whole) done.bytes = bytes;
    munmap(mapped, length + page);
  }

  void hash_pieces(const Task& task, std::string_view bytes, Done& done) const {
    std::vector<std::string_view> pieces;
    for (const std::size_t e : task.extents) {
      pieces.push_back(bytes.substr(0, state_.extents[e].length));
      bytes.remove_prefix(state_.extents[e].length);
    }
    std::vector<Digest>& digests = done.slices[0].pieces;
    digests.resize(pieces.size());
    sha256_many(pieces, digests);
    for (std::size_t i = 0; i < pieces.size(); ++i)
      if (digests[i] != state_.extents[task.extents[i]].digest)
        spoil(state_.extents[task.extents[i]], "the stored bytes are not those that were signed", done);
  }

  void check_packed(const Task& task, Done& done) const {
    const ManifestEntry entry = state_.manifest.entry(task.item);
    const DatasetPlan plan = array_plan(entry.name, entry.type, true);
    const bool whole = entry.size <= kWholeItem;
    PieceHasher hasher;
    done.slices.push_back({task.item, 0, whole ? entry.size : 0, 0, {}, true});
    done.bytes.reserve(whole ? entry.size : 0);
    for (const std::size_t e : task.extents) {
      const Extent& extent = state_.extents[e];
      auto content = [&]() -> Result<std::string> {
        const std::string stored = ASSAY_TRY(state_.stored(extent));
        return decode_chunk(stored, extent.coding, plan.chunk_bytes());
      }();
      if (!content) {
        spoil(extent, content.error().what, done);
        continue;
      }
      const std::string_view part =
          std::string_view(*content).substr(0, chunk_content_bytes(plan, extent.chunk, entry.size));
      if (!all_zero(std::string_view(*content).substr(part.size())))
        done.damage.push_back(damage(extent, "bytes that belong to no item"));
      hasher.update(part);
      if (whole) done.bytes += part;
    }
    Slice& slice = done.slices[0];
    if (!slice.good) return;
    slice.good = hasher.finish() == entry.digest;
    if (!slice.good) done.damage.push_back(wrong_content(task.item, state_.extents[task.extents[0]]));
  }

  const Bundle::State& state_;
  std::vector<Task> tasks_;
};

// Takes the tasks' results in order: puts items that span several tasks together, and tells sink and damage.
class Collector {
 public:
  Collector(const Bundle::State& state, const Bundle::ItemSink& sink, const Bundle::DamageSink& damage)
      : state_(state), sink_(sink), damage_(damage) {}

  Status take(Done done) {
    for (Bundle::Damage& found : done.damage) damage_(std::move(found));
    for (Slice& slice : done.slices) ASSAY_TRY(take_slice(done.bytes, slice));
    return {};
  }

 private:
  struct Open {
    std::vector<Digest> pieces;
    std::string bytes;
    bool good = true;
  };

  Status take_slice(std::string_view bytes, Slice& slice) {
    const std::uint64_t size = state_.manifest.size_of(slice.item);
    if (slice.pieces.empty()) {
      const bool whole = slice.length == size;
      return slice.good ? sink_(slice.item, bytes.substr(slice.at, slice.length), whole) : Status();
    }
    Open& open = open_[slice.item];
    open.good &= slice.good;
    open.pieces.insert(open.pieces.end(), slice.pieces.begin(), slice.pieces.end());
    if (size <= kWholeItem) open.bytes += bytes.substr(slice.at, slice.length);
    if (open.pieces.size() < (size + kPiece - 1) / kPiece) return {};
    const Open whole = std::move(open);
    open_.erase(slice.item);
    if (!whole.good) return {};
    const ManifestEntry entry = state_.manifest.entry(slice.item);
    if (content_digest(whole.pieces, size) == entry.digest)
      return sink_(slice.item, whole.bytes, size <= kWholeItem);
    damage_({entry.name, 0, 0, {entry.name}, "the content is not what was sealed"});
    return {};
  }

  const Bundle::State& state_;
  const Bundle::ItemSink& sink_;
  const Bundle::DamageSink& damage_;
  std::unordered_map<std::size_t, Open> open_;
};

}  // namespace

// Items without a stored byte, and items that no extent holds.
static Status take_rest(const Bundle& bundle, const std::vector<bool>& seen, const Bundle::ItemSink& sink,
                        const Bundle::DamageSink& damage) {
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (seen[i] || !bundle.has_content(i)) continue;
    const ManifestEntry entry = bundle.manifest().entry(i);
    if (entry.size == 0 && entry.digest == content_digest(""))
      ASSAY_TRY(sink(i, {}, true));
    else
      damage({entry.name, 0, 0, {entry.name}, "the content is not what was sealed"});
  }
  return {};
}

Status Bundle::walk(const ItemSink& sink, const DamageSink& damage,
                    const std::function<void(std::uint64_t, std::uint64_t)>& progress) const {
  const Walk walk(*state_);
  std::vector<bool> seen(state_->manifest.size());
  Collector collector(*state_, sink, damage);
  std::uint64_t done = 0;
  ASSAY_TRY(ordered_pipeline<Done>(
      walk.size(), 2 + usable_cores(), [&](std::size_t i) { return walk.run(i); },
      [&](std::size_t, Done result) {
        done += result.stored;
        if (progress) progress(done, state_->header.extents);
        for (const Slice& slice : result.slices) seen[slice.item] = true;
        return collector.take(std::move(result));
      }));
  return take_rest(*this, seen, sink, damage);
}

}  // namespace assay::formats
