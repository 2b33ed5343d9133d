#include "archives/export.hpp"

#include <algorithm>
#include <fstream>
#include <set>

#include "formats/campaign.hpp"
#include "formats/safetensors.hpp"
#include "toolkit/base/bytes.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/partial_files.hpp"

namespace assay::archives {

namespace {

constexpr std::uint64_t kPart = 4u << 20;
constexpr std::string_view kSuffix = ".safetensors/";

// A frame: u32 length of the name, name, u64 size, bytes; little-endian.
std::string frame_head(std::string_view name, std::uint64_t size) {
  std::string head;
  put_u32_le(head, static_cast<std::uint32_t>(name.size()));
  head += name;
  put_u64_le(head, size);
  return head;
}

class FileEmitter {
 public:
  FileEmitter(const formats::Bundle& bundle, const std::function<Status(std::string_view)>& emit)
      : bundle_(bundle), emit_(emit) {}

  Status run(const std::optional<std::set<std::string>>& wanted) {
    for (const std::uint32_t item : bundle_.storage_order()) {
      const std::string name = bundle_.manifest().entry(item).name;
      if (wanted && !wanted->contains(name) && !wanted->contains(name.substr(0, name.rfind('/')))) continue;
      ASSAY_TRY(name.ends_with(std::string(kSuffix) + std::string(formats::kSafetensorsHeader))
                    ? emit_checkpoint(item, name)
                    : emit_item(item, name));
    }
    return {};
  }

 private:
  Status emit_item(std::size_t item, const std::string& name) {
    ASSAY_TRY(emit_(frame_head(name, bundle_.manifest().size_of(item))));
    return emit_content(item);
  }

  Status emit_content(std::size_t item) {
    const std::uint64_t size = bundle_.manifest().size_of(item);
    if (size <= kPart) return emit_(ASSAY_TRY(bundle_.read(item)));
    std::string part;
    for (std::uint64_t at = 0; at < size; at += part.size()) {
      part.resize(std::min(kPart, size - at));
      ASSAY_TRY(bundle_.read_range(item, at, part.data(), part.size()));
      ASSAY_TRY(emit_(part));
    }
    return {};
  }

  // The header's item holds the JSON; the file is its length, the JSON, and the tensors in the order of their
  // data.
  Status emit_checkpoint(std::size_t header_item, const std::string& header_name) {
    const std::string file =
        header_name.substr(0, header_name.size() - formats::kSafetensorsHeader.size() - 1);
    const std::string header = ASSAY_TRY(bundle_.read(header_item));
    const auto [first, last] = bundle_.manifest().range(file + "/");
    std::uint64_t data = 0;
    for (std::size_t i = first; i < last; ++i)
      if (i != header_item) data += bundle_.manifest().size_of(i);
    const auto tensors = formats::safetensors_tensors(header, data, file);
    if (!tensors) return Error{Fault::damaged, "the header does not fit the tensors beside it", file, ""};
    std::string head = frame_head(file, 8 + header.size() + data);
    put_u64_le(head, header.size());
    ASSAY_TRY(emit_(head + header));
    for (const formats::Tensor& tensor : *tensors) {
      const auto item = bundle_.manifest().find(file + "/" + tensor.name);
      if (!item || !bundle_.has_content(*item))
        return Error{Fault::missing, "a tensor without content in this bundle", file + "/" + tensor.name,
                     "export without it: --without checkpoints"};
      ASSAY_TRY(emit_content(*item));
    }
    return {};
  }

  const formats::Bundle& bundle_;
  const std::function<Status(std::string_view)>& emit_;
};

// The items of one experiment and what its record points to.
Result<std::set<std::string>> experiment_items(const formats::Bundle& bundle, const std::string& id) {
  const std::string folder = "experiments/" + id + "/";
  const auto [first, last] = bundle.manifest().range(folder);
  if (first == last)
    return Error{Fault::missing, "no experiment " + id, bundle.file_name(), "assay list FILE shows them"};
  std::set<std::string> wanted;
  for (std::size_t i = first; i < last; ++i) wanted.insert(bundle.manifest().entry(i).name);
  const auto record = bundle.manifest().find(folder + "experiment.json");
  if (!record || !bundle.has_content(*record)) return wanted;
  const formats::Experiment experiment =
      ASSAY_TRY(formats::Experiment::parse(ASSAY_TRY(bundle.read(*record))));
  for (const auto& [role, name] : experiment.files) wanted.insert(name);
  return wanted;
}

}  // namespace

Status emit_files(const formats::Bundle& bundle, const ExportSelection& selection,
                  const std::function<Status(std::string_view)>& emit) {
  std::optional<std::set<std::string>> wanted;
  if (selection.experiment) wanted = ASSAY_TRY(experiment_items(bundle, *selection.experiment));
  return FileEmitter(bundle, emit).run(wanted);
}

// ---- receiving

struct FolderReceiver::State {
  fs::path folder, temporary;
  bool finished = false, with_git = false;
  std::string head;  // of a frame, until it is whole
  bool in_file = false;
  std::uint64_t left = 0;  // bytes of the open file that are still to come
  std::ofstream file;
  fs::path path;
  std::vector<fs::path> heads;  // files called HEAD
  std::uint64_t files = 0, bytes = 0;

  ~State() {
    std::error_code ignored;
    if (!finished) fs::remove_all(temporary, ignored);
    forget_partial(temporary);
  }

  static Error of_git(const std::string& name) {
    return Error{Fault::refused, "the bundle holds files of git's own, which can make git run commands", name,
                 "--with-git gives them back all the same: call no git in that folder"};
  }

  // A folder of any name is a repository to git where it looks like one (gitrepository-layout(5)).
  Status refuse_repositories() const {
    if (with_git) return {};
    for (const fs::path& found : heads) {
      const fs::path at = found.parent_path();
      if (fs::exists(at / "commondir") || (fs::exists(at / "objects") && fs::exists(at / "refs")))
        return of_git(found.lexically_relative(temporary).string());
    }
    return {};
  }

  // Takes what belongs to the head; true once a file is open.
  Result<bool> take_head(std::string_view& input) {
    while (!input.empty()) {
      head += input.front();
      input.remove_prefix(1);
      if (head.size() < 4) continue;
      const std::uint64_t name_size = get_u32_le(head.data());
      if (name_size == 0 || name_size > 1024)
        return Error{Fault::damaged, "a frame with a name of " + std::to_string(name_size) + " bytes", "",
                     ""};
      if (head.size() < 12 + name_size) continue;
      left = get_u64_le(head.data() + 4 + name_size);
      ASSAY_TRY(open_file(head.substr(4, name_size)));
      head.clear();
      return true;
    }
    return false;
  }

  Status open_file(const std::string& name) {
    path = ASSAY_TRY(inside(temporary, name));
    if (!with_git && leads_into_git(name)) return of_git(name);
    if (path.filename() == "HEAD") heads.push_back(path);
    std::error_code code;
    fs::create_directories(path.parent_path(), code);
    if (code || fs::exists(fs::symlink_status(path)))
      return Error{Fault::unreadable, "cannot create the file", path.string(),
                   "two items of a bundle cannot share a path"};
    file.open(path, std::ios::binary);
    if (!file)
      return Error{Fault::unreadable, "cannot create the file", path.string(), "check space and permissions"};
    in_file = true;
    ++files;
    return left == 0 ? close_file() : Status();
  }

  Status close_file() {
    file.close();
    in_file = false;
    if (!file)
      return Error{Fault::unreadable, "cannot write the file", path.string(), "check that there is space"};
    return {};
  }

  Status take_bytes(std::string_view& input) {
    const std::uint64_t part = std::min<std::uint64_t>(left, input.size());
    file.write(input.data(), static_cast<std::streamsize>(part));
    if (!file)
      return Error{Fault::unreadable, "cannot write the file", path.string(), "check that there is space"};
    input.remove_prefix(part);
    left -= part;
    bytes += part;
    return left == 0 ? close_file() : Status();
  }
};

fs::path named_folder(const fs::path& folder) {
  return folder.has_filename() ? folder : folder.parent_path();
}

FolderReceiver::FolderReceiver(std::unique_ptr<State> state) : state_(std::move(state)) {}
FolderReceiver::FolderReceiver(FolderReceiver&&) noexcept = default;
FolderReceiver::~FolderReceiver() = default;
std::uint64_t FolderReceiver::files() const { return state_->files; }
std::uint64_t FolderReceiver::bytes() const { return state_->bytes; }

Result<FolderReceiver> FolderReceiver::create(const fs::path& wanted, bool with_git) {
  const fs::path folder = named_folder(wanted);  // a name beside "campaign/" would else lie in it
  if (fs::exists(fs::symlink_status(folder)))
    return Error{Fault::refused, "already there", folder.string(), "name a folder that does not exist"};
  auto state = std::make_unique<State>();
  state->folder = folder;
  state->with_git = with_git;
  state->temporary = folder;
  state->temporary += ".partial-" + sha256(fs::absolute(folder).string()).hex().substr(0, 16);
  std::error_code code;
  fs::remove_all(state->temporary, code);  // of a killed run
  remember_partial(state->temporary);      // before it is there: a signal may come in between
  if (!fs::create_directories(state->temporary, code))
    return Error{Fault::unreadable, "cannot create the folder: " + code.message(), folder.string(), ""};
  return FolderReceiver(std::move(state));
}

Status FolderReceiver::take(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!state_->in_file && !ASSAY_TRY(state_->take_head(bytes))) return {};
    if (state_->in_file && !bytes.empty()) ASSAY_TRY(state_->take_bytes(bytes));
  }
  return {};
}

Status FolderReceiver::finish() {
  if (state_->in_file || !state_->head.empty())
    return Error{Fault::damaged, "the export ended in the middle of a file", state_->folder.string(), ""};
  ASSAY_TRY(state_->refuse_repositories());
  std::error_code code;
  fs::rename(state_->temporary, state_->folder, code);
  if (code)
    return Error{Fault::unreadable, "cannot rename the folder: " + code.message(), state_->folder.string(),
                 ""};
  state_->finished = true;
  return {};
}

}  // namespace assay::archives
