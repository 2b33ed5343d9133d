// A smaller bundle of the same root. The confined child says what stays and where it lies; this process
// writes.
#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <set>
#include <unistd.h>
#include <utility>

#include "archives/export.hpp"
#include "toolkit/base/bytes.hpp"
#include "toolkit/base/files.hpp"

namespace assay::archives {

namespace {

constexpr std::uint64_t kContentPart = 4u << 20;

/// How an item's content comes along.
enum class How : unsigned char {
  absent,   ///< its digest alone
  content,  ///< its bytes follow
  place     ///< where they lie in the source as they are
};
constexpr std::size_t kRecord = 4 + 1 + 8;  // item, How, offset in the source

std::string record_of(std::uint32_t item, How how, std::uint64_t offset) {
  std::string record;
  put_u32_le(record, item);
  record += static_cast<char>(how);
  put_u64_le(record, offset);
  return record;
}

std::string with_length(const std::string& text) {
  std::string out;
  put_u64_le(out, text.size());
  return out + text;
}

}  // namespace

// ---- in the child

namespace {

Error nothing_of(const std::string& kind) {
  return {Fault::usage, "the bundle has nothing of kind \"" + kind + "\"", "--without",
          "kinds: programs transcripts checkpoints metrics columns source records texts campaign other"};
}

class Emitter {
 public:
  Emitter(const formats::Bundle& bundle, const std::vector<std::string>& kinds,
          const std::function<Status(std::string_view)>& emit)
      : bundle_(bundle), emit_(emit), kinds_(kinds.begin(), kinds.end()) {}

  Status run() {
    for (const std::string& kind : kinds_)
      if (!has_kind(kind)) return nothing_of(kind);
    for (const formats::Extent& extent : bundle_.extents())
      if (extent.chunk == 0 && extent.coding == formats::Extent::Coding::piece)
        contiguous_.emplace(extent.area, extent.offset);
    ASSAY_TRY(emit_(with_length(head().dump())));
    ASSAY_TRY(emit_(with_length(std::string(bundle_.manifest().text()))));
    for (const std::uint32_t item : order()) ASSAY_TRY(emit_item(item));
    return flush();
  }

 private:
  Status flush() {
    const std::string bytes = std::exchange(waiting_, {});
    return bytes.empty() ? Status() : emit_(bytes);
  }

  // Records are small and many.
  Status send(std::string_view bytes) {
    waiting_ += bytes;
    return waiting_.size() < (256u << 10) ? Status() : flush();
  }

  std::string kind_of(std::size_t item) const {
    return std::string(formats::kind_of_item(bundle_.manifest().entry(item).name));
  }

  bool has_kind(const std::string& kind) const {
    for (std::size_t i = 0; i < bundle_.manifest().size(); ++i)
      if (kind_of(i) == kind) return true;
    return false;
  }

  Json head() const {
    const formats::Statement& statement = bundle_.statement();
    std::set<std::string> left(statement.left_out.begin(), statement.left_out.end());
    left.insert(kinds_.begin(), kinds_.end());
    Json left_out = Json::array();
    for (const std::string& kind : left) left_out.push(kind);
    Json json =
        Json::object({{"root", statement.root.hex()},
                      {"title", statement.title},
                      {"summary", statement.summary},
                      {"generation", statement.generation},
                      {"left_out", std::move(left_out)},
                      {"origin", (bundle_.origin() ? *bundle_.origin() : bundle_.envelope()).encode()}});
    if (statement.supersedes) json.set("supersedes", statement.supersedes->hex());
    return json;
  }

  // As they are stored, so that each chunk is unpacked once; then those that no chunk holds.
  std::vector<std::uint32_t> order() const {
    std::vector<std::uint32_t> all = bundle_.storage_order();
    std::vector<bool> placed(bundle_.manifest().size());
    for (const std::uint32_t i : all) placed[i] = true;
    for (std::uint32_t i = 0; i < placed.size(); ++i)
      if (!placed[i]) all.push_back(i);
    return all;
  }

  Status emit_item(std::uint32_t item) {
    if (!bundle_.has_content(item) || kinds_.contains(kind_of(item)))
      return send(record_of(item, How::absent, 0));
    const auto there = contiguous_.find("/" + std::string(bundle_.manifest().name_field(item)));
    if (there != contiguous_.end()) return send(record_of(item, How::place, there->second));
    ASSAY_TRY(send(record_of(item, How::content, 0)));
    const std::uint64_t size = bundle_.manifest().size_of(item);
    if (size <= kContentPart) return size ? send(ASSAY_TRY(bundle_.read(item))) : Status();
    std::string part;
    for (std::uint64_t at = 0; at < size; at += part.size()) {
      part.resize(std::min(kContentPart, size - at));
      ASSAY_TRY(bundle_.read_range(item, at, part.data(), part.size()));
      ASSAY_TRY(send(part));
    }
    return {};
  }

  const formats::Bundle& bundle_;
  const std::function<Status(std::string_view)>& emit_;
  std::set<std::string> kinds_;
  std::map<std::string, std::uint64_t> contiguous_;  ///< dataset -> where its bytes start
  std::string waiting_;                              ///< to be sent
};

}  // namespace

Status emit_without(const formats::Bundle& bundle, const std::vector<std::string>& kinds,
                    const std::function<Status(std::string_view)>& emit) {
  return Emitter(bundle, kinds, emit).run();
}

// ---- in this process

namespace {

/// Where an item's bytes lie: descriptor, offset.
using Place = std::pair<int, std::uint64_t>;
constexpr Place kNowhere{-1, 0};

class Places final : public formats::ContentReader {
 public:
  explicit Places(const std::vector<Place>& places) : places_(places) {}
  Status read(std::size_t item, std::uint64_t offset, char* into, std::uint64_t length) const override {
    return read_at(places_[item].first, places_[item].second + offset, into, length);
  }

 private:
  const std::vector<Place>& places_;
};

// A file without a name: it goes with this process, however that ends.
Result<Fd> unnamed_file(const fs::path& folder) {
  Fd fd(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!fd) {  // a file system that knows no such files
    std::string name = (folder / ".assay-export-XXXXXX").string();
    fd = Fd(::mkostemp(name.data(), O_CLOEXEC));
    if (fd) ::unlink(name.c_str());
  }
  if (!fd)
    return Error{Fault::unreadable, std::string("cannot make a scratch file: ") + std::strerror(errno),
                 folder.string(), ""};
  return fd;
}

Error bad_frames() {
  return {Fault::damaged, "the confined reader of the bundle gave no sensible answer", "", ""};
}

}  // namespace

struct BundleReceiver::State {
  fs::path output;
  int source = -1;
  Fd scratch;
  std::uint64_t scratch_size = 0;
  std::string held;  ///< what is not whole yet, from `used` on
  std::size_t used = 0;
  std::optional<Json> head;
  std::optional<formats::Manifest> manifest;
  std::vector<formats::ManifestEntry> entries;
  std::vector<Place> places;
  std::vector<std::uint32_t> order;
  std::vector<bool> seen;
  std::uint64_t left = 0;  ///< bytes of the item's content that are still to come

  std::string_view rest() const { return std::string_view(held).substr(used); }

  // A text with its length before it, once it is whole.
  Result<std::optional<std::string>> take_text() {
    constexpr std::uint64_t kMost = formats::kMostManifest;
    if (rest().size() < 8) return std::optional<std::string>();
    const std::uint64_t size = get_u64_le(rest().data());
    if (size > kMost) return bad_frames();
    if (rest().size() < 8 + size) return std::optional<std::string>();
    std::optional<std::string> text(rest().substr(8, size));
    used += 8 + size;
    return text;
  }

  Result<bool> take_head() {
    auto text = ASSAY_TRY(take_text());
    if (!text) return false;
    if (!head) {
      head = ASSAY_TRY(Json::parse(*text));
      return true;
    }
    manifest = ASSAY_TRY(formats::Manifest::parse(*std::move(text)));
    for (std::size_t i = 0; i < manifest->size(); ++i) entries.push_back(manifest->entry(i));
    places.resize(entries.size(), kNowhere);
    seen.resize(entries.size());
    return true;
  }

  Result<bool> take_record() {
    if (rest().size() < kRecord) return false;
    const std::uint32_t item = get_u32_le(rest().data());
    const unsigned char how = static_cast<unsigned char>(rest()[4]);
    const std::uint64_t offset = get_u64_le(rest().data() + 5);
    if (item >= entries.size() || seen[item] || how > static_cast<unsigned char>(How::place))
      return bad_frames();
    seen[item] = true;
    order.push_back(item);
    if (how == static_cast<unsigned char>(How::place)) places[item] = {source, offset};
    if (how == static_cast<unsigned char>(How::content)) {
      places[item] = {scratch.get(), scratch_size};
      left = entries[item].size;
    }
    used += kRecord;
    return true;
  }

  Result<bool> take_content() {
    const std::string_view part = rest().substr(0, left);
    ASSAY_TRY(write_at(scratch.get(), scratch_size, part));
    scratch_size += part.size();
    left -= part.size();
    used += part.size();
    return !part.empty();
  }

  Status take(std::string_view bytes) {
    held += bytes;
    while (ASSAY_TRY(left ? take_content() : manifest ? take_record() : take_head())) {
    }
    held.erase(0, std::exchange(used, 0));
    return {};
  }

  Result<formats::WriteOptions> options() const {
    formats::WriteOptions options;
    options.title = (*head)["title"].string_or("");
    options.summary = (*head)["summary"];
    options.generation = (*head)["generation"].natural().value_or(0);
    if (const Json* before = head->find("supersedes"))
      options.supersedes = ASSAY_TRY(Digest::from_hex(before->string_or("")));
    for (const Json& kind : (*head)["left_out"].items()) options.left_out.emplace_back(kind.string_or(""));
    options.origin = ASSAY_TRY(formats::Envelope::decode((*head)["origin"].string_or("")));
    options.expected_root = ASSAY_TRY(Digest::from_hex((*head)["root"].string_or("")));
    options.order = order;
    return options;
  }
};

BundleReceiver::BundleReceiver(std::unique_ptr<State> state) : state_(std::move(state)) {}
BundleReceiver::BundleReceiver(BundleReceiver&&) noexcept = default;
BundleReceiver::~BundleReceiver() = default;

Result<BundleReceiver> BundleReceiver::create(const fs::path& output, int source) {
  auto state = std::make_unique<State>();
  state->output = output;
  state->source = source;
  state->scratch = ASSAY_TRY(unnamed_file(output.has_parent_path() ? output.parent_path() : "."));
  return BundleReceiver(std::move(state));
}

Status BundleReceiver::take(std::string_view bytes) { return state_->take(bytes); }

Result<formats::WriteReport> BundleReceiver::finish(const std::vector<const formats::Signer*>& signers,
                                                    bool force, Progress* progress) {
  const State& state = *state_;
  if (!state.manifest || state.left || !state.held.empty() || state.order.size() != state.entries.size())
    return bad_frames();
  formats::WriteOptions options = ASSAY_TRY(state.options());
  options.signers = signers;
  options.force = force;
  options.progress = progress;
  std::vector<formats::PlannedItem> items;
  for (std::size_t i = 0; i < state.entries.size(); ++i) {
    const formats::ManifestEntry& entry = state.entries[i];
    const bool fixed = state.places[i] == kNowhere;
    items.push_back({entry.name, &entry.type, entry.size, fixed ? &entry.digest : nullptr});
  }
  return formats::write_bundle(state.output, items, Places(state.places), options);
}

}  // namespace assay::archives
