#include "formats/container.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>
#include <unistd.h>

#include <hdf5.h>

#include "toolkit/base/files.hpp"

namespace assay::formats {

namespace {

// An HDF5 identifier that closes itself.
template <herr_t (*kClose)(hid_t)>
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) : id_(id) {}
  ~Handle() { reset(); }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      id_ = std::exchange(other.id_, H5I_INVALID_HID);
    }
    return *this;
  }
  void reset() {
    if (id_ >= 0) kClose(id_);
    id_ = H5I_INVALID_HID;
  }
  hid_t get() const { return id_; }
  hid_t release() { return std::exchange(id_, H5I_INVALID_HID); }
  explicit operator bool() const { return id_ >= 0; }

 private:
  hid_t id_ = H5I_INVALID_HID;
};
using File = Handle<H5Fclose>;
using Dataset = Handle<H5Dclose>;
using Group = Handle<H5Gclose>;
using Space = Handle<H5Sclose>;
using Type = Handle<H5Tclose>;
using Plist = Handle<H5Pclose>;
using Attribute = Handle<H5Aclose>;

// HDF5 does not say why; what the system said last does, where it is about the disk.
Error hdf5_error(const std::string& what, const std::string& where) {
  const int code = errno;
  const bool disk = code == ENOSPC || code == EFBIG || code == EDQUOT || code == EIO;
  return {Fault::unreadable, "HDF5 could not " + what + (disk ? std::string(": ") + std::strerror(code) : ""),
          where, "check that there is space and that the disk is healthy"};
}

// Once a process: no plugins from the reader's machine, no error stack on standard error.
void prepare_library() {
  static const bool kDone = [] {
    H5dont_atexit();  // its handler crashes where a file could not be closed for want of space
    H5open();
    H5PLset_loading_state(0);
    return true;
  }();
  (void)kDone;
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // a setting of each thread
}

hid_t native_type(Dtype dtype) {
  switch (dtype) {
    case Dtype::i8:
      return H5T_STD_I8LE;
    case Dtype::u16:
    case Dtype::bf16:
      return H5T_STD_U16LE;
    case Dtype::i16:
      return H5T_STD_I16LE;
    case Dtype::u32:
      return H5T_STD_U32LE;
    case Dtype::i32:
      return H5T_STD_I32LE;
    case Dtype::u64:
      return H5T_STD_U64LE;
    case Dtype::i64:
      return H5T_STD_I64LE;
    case Dtype::f32:
      return H5T_IEEE_F32LE;
    case Dtype::f64:
      return H5T_IEEE_F64LE;
    default:
      return H5T_STD_U8LE;
  }
}

Type make_type(const ItemType& type) {
  if (type.dtype == Dtype::str) {
    Type text(H5Tcopy(H5T_C_S1));
    H5Tset_size(text.get(), type.width);
    H5Tset_strpad(text.get(), H5T_STR_NULLPAD);
    H5Tset_cset(text.get(), H5T_CSET_UTF8);
    return text;
  }
  if (type.dtype == Dtype::f16) {  // IEEE binary16, as h5py writes it
    Type half(H5Tcopy(H5T_IEEE_F32LE));
    H5Tset_fields(half.get(), 15, 10, 5, 0, 10);
    H5Tset_size(half.get(), 2);
    H5Tset_ebias(half.get(), 15);
    return half;
  }
  return Type(H5Tcopy(native_type(type.dtype)));
}

// Types that HDF5 has no name for are stored as unsigned integers and carry their own name in an attribute.
bool needs_type_attribute(Dtype dtype) {
  return dtype == Dtype::bf16 || dtype == Dtype::boolean || dtype == Dtype::f8e4m3 || dtype == Dtype::f8e5m2;
}
constexpr const char* kTypeAttribute = "assay_type";

std::vector<hsize_t> dims_of(const std::vector<std::uint64_t>& shape) { return {shape.begin(), shape.end()}; }

Space make_space(const ItemType& type) {
  if (type.shape.empty()) return Space(H5Screate(H5S_SCALAR));
  const auto dims = dims_of(type.shape);
  return Space(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr));
}

// The first element of chunk `number`, row-major over the grid of chunks.
std::vector<hsize_t> chunk_start(const DatasetPlan& plan, std::uint64_t number) {
  std::vector<hsize_t> start(plan.chunk.size());
  for (std::size_t d = plan.chunk.size(); d-- > 0;) {
    const std::uint64_t grid = (plan.type.shape[d] + plan.chunk[d] - 1) / plan.chunk[d];
    start[d] = number % grid * plan.chunk[d];
    number /= grid;
  }
  return start;
}

Plist creation_list(const DatasetPlan& plan) {
  Plist list(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_obj_track_times(list.get(), false);
  H5Pset_fill_time(list.get(), H5D_FILL_TIME_NEVER);
  if (plan.chunk.empty()) {
    H5Pset_layout(list.get(), H5D_CONTIGUOUS);
    H5Pset_alloc_time(list.get(), H5D_ALLOC_TIME_EARLY);
    return list;
  }
  const auto chunk = dims_of(plan.chunk);
  H5Pset_chunk(list.get(), static_cast<int>(chunk.size()), chunk.data());
  H5Pset_alloc_time(list.get(), H5D_ALLOC_TIME_INCR);
  if (plan.filter == Filter::deflate) H5Pset_deflate(list.get(), 1);
  const unsigned level = 3;
  if (plan.filter == Filter::zstd) H5Pset_filter(list.get(), kZstdFilter, H5Z_FLAG_OPTIONAL, 1, &level);
  return list;
}

Plist link_list() {
  Plist list(H5Pcreate(H5P_LINK_CREATE));
  H5Pset_char_encoding(list.get(), H5T_CSET_UTF8);
  return list;
}

bool write_type_attribute(hid_t dataset, const std::string& text) {
  Type type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.get(), text.size());
  Space space(H5Screate(H5S_SCALAR));
  Attribute attribute(H5Acreate2(dataset, kTypeAttribute, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT));
  return attribute && H5Awrite(attribute.get(), type.get(), text.data()) >= 0;
}

}  // namespace

struct ContainerWriter::State {
  std::string name;
  File file;
  struct Open {
    DatasetPlan plan;
    Dataset dataset;
  };
  std::vector<Open> datasets;
  std::set<std::string> groups;

  // Each group by hand: those that HDF5 makes on the way carry the time of day.
  bool make_groups(const std::string& path) {
    Plist creation(H5Pcreate(H5P_GROUP_CREATE));
    H5Pset_obj_track_times(creation.get(), false);
    for (auto slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
      const std::string folder = path.substr(0, slash);
      if (!groups.insert(folder).second) continue;
      if (!Group(H5Gcreate2(file.get(), folder.c_str(), link_list().get(), creation.get(), H5P_DEFAULT)))
        return false;
    }
    return true;
  }
};

ContainerWriter::ContainerWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
ContainerWriter::ContainerWriter(ContainerWriter&&) noexcept = default;
ContainerWriter& ContainerWriter::operator=(ContainerWriter&&) noexcept = default;
ContainerWriter::~ContainerWriter() = default;

Result<ContainerWriter> ContainerWriter::create(const std::filesystem::path& path) {
  prepare_library();
  auto state = std::make_unique<State>();
  state->name = path.string();
  Plist access(H5Pcreate(H5P_FILE_ACCESS)), creation(H5Pcreate(H5P_FILE_CREATE));
  H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_V18);
  H5Pset_fclose_degree(access.get(), H5F_CLOSE_STRONG);
  H5Pset_userblock(creation.get(), kUserBlock);
  H5Pset_obj_track_times(creation.get(), false);
  state->file = File(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()));
  if (!state->file) return hdf5_error("create the file", path.string());
  return ContainerWriter(std::move(state));
}

Result<std::size_t> ContainerWriter::add(const DatasetPlan& plan) {
  Type type = make_type(plan.type);
  Space space = make_space(plan.type);
  Plist creation = creation_list(plan), link = link_list();
  if (!state_->make_groups(plan.path)) return hdf5_error("create the groups of " + plan.path, state_->name);
  Dataset dataset(H5Dcreate2(state_->file.get(), plan.path.c_str(), type.get(), space.get(), link.get(),
                             creation.get(), H5P_DEFAULT));
  if (!dataset) return hdf5_error("create dataset " + plan.path, state_->name);
  if (needs_type_attribute(plan.type.dtype) && !write_type_attribute(dataset.get(), plan.type.text()))
    return hdf5_error("write an attribute of " + plan.path, state_->name);
  state_->datasets.push_back({plan, std::move(dataset)});
  return state_->datasets.size() - 1;
}

Status ContainerWriter::write_chunk(std::size_t dataset, std::uint64_t number, std::string_view stored,
                                    bool raw) {
  const auto& open = state_->datasets[dataset];
  const auto start = chunk_start(open.plan, number);
  const std::uint32_t mask = raw && open.plan.filter != Filter::none ? 1 : 0;
  if (H5Dwrite_chunk(open.dataset.get(), H5P_DEFAULT, mask, start.data(), stored.size(), stored.data()) < 0)
    return hdf5_error("write chunk " + std::to_string(number) + " of " + open.plan.path, state_->name);
  return {};
}

Result<std::uint64_t> ContainerWriter::contiguous_offset(std::size_t dataset) {
  const auto& open = state_->datasets[dataset];
  const haddr_t offset = H5Dget_offset(open.dataset.get());
  if (offset == HADDR_UNDEF) return hdf5_error("allocate " + open.plan.path, state_->name);
  return static_cast<std::uint64_t>(offset);
}

namespace {

// HDF5 gives chunk addresses relative to the superblock, H5Dget_offset absolute ones.
bool chunk_at(hid_t dataset, const DatasetPlan& plan, std::uint64_t number, StoredChunk& chunk) {
  const auto start = chunk_start(plan, number);
  unsigned mask = 0;
  haddr_t offset = 0;
  hsize_t length = 0;
  if (H5Dget_chunk_info_by_coord(dataset, start.data(), &mask, &offset, &length) < 0 || offset == HADDR_UNDEF)
    return false;
  chunk = {number, static_cast<std::uint64_t>(offset) + kUserBlock, length, mask != 0};
  return true;
}

}  // namespace

Result<std::vector<StoredChunk>> ContainerWriter::chunks(std::size_t dataset) {
  const auto& open = state_->datasets[dataset];
  std::vector<StoredChunk> chunks(open.plan.chunk_count());
  for (std::uint64_t number = 0; number < chunks.size(); ++number) {
    if (!chunk_at(open.dataset.get(), open.plan, number, chunks[number]))
      return hdf5_error("find chunk " + std::to_string(number) + " of " + open.plan.path, state_->name);
  }
  return chunks;
}

Status ContainerWriter::close() {
  state_->datasets.clear();
  if (H5Fclose(state_->file.release()) < 0) return hdf5_error("write the file", state_->name);
  return {};
}

// ---- checking

namespace {

// A virtual file driver that reads an open descriptor: HDF5 opens no file of its own, so nothing that a
// hostile file names (external links, external storage, virtual sources) can be reached, and check and read
// share a descriptor.
struct DescriptorInfo {
  int fd;
  std::uint64_t end;
};
struct DescriptorFile {
  H5FD_t base;
  int fd;
  haddr_t end, eoa;
};

H5FD_t* descriptor_open(const char*, unsigned, hid_t access, haddr_t) {
  const auto* info = static_cast<const DescriptorInfo*>(H5Pget_driver_info(access));
  if (!info) return nullptr;
  auto* file = new DescriptorFile{};
  file->fd = info->fd;
  file->end = info->end;
  return &file->base;
}
herr_t descriptor_close(H5FD_t* file) {
  delete reinterpret_cast<DescriptorFile*>(file);
  return 0;
}
haddr_t descriptor_eoa(const H5FD_t* file, H5FD_mem_t) {
  return reinterpret_cast<const DescriptorFile*>(file)->eoa;
}
herr_t descriptor_set_eoa(H5FD_t* file, H5FD_mem_t, haddr_t eoa) {
  reinterpret_cast<DescriptorFile*>(file)->eoa = eoa;
  return 0;
}
haddr_t descriptor_eof(const H5FD_t* file, H5FD_mem_t) {
  return reinterpret_cast<const DescriptorFile*>(file)->end;
}
herr_t descriptor_read(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t at, std::size_t size, void* into) {
  const auto* self = reinterpret_cast<const DescriptorFile*>(file);
  if (at > self->end || size > self->end - at) return -1;
  return read_at(self->fd, at, static_cast<char*>(into), size).ok() ? 0 : -1;
}
herr_t descriptor_write(H5FD_t*, H5FD_mem_t, hid_t, haddr_t, std::size_t, const void*) { return -1; }
herr_t descriptor_query(const H5FD_t*, unsigned long* flags) {
  *flags = 0;
  return 0;
}

const H5FD_class_t& descriptor_class() {
  static const H5FD_class_t kClass = [] {
    H5FD_class_t c{};
    c.name = "assay_descriptor";
    c.maxaddr = HADDR_MAX / 2;
    c.fc_degree = H5F_CLOSE_STRONG;
    c.fapl_size = sizeof(DescriptorInfo);
    c.open = descriptor_open;
    c.close = descriptor_close;
    c.query = descriptor_query;
    c.get_eoa = descriptor_eoa;
    c.set_eoa = descriptor_set_eoa;
    c.get_eof = descriptor_eof;
    c.read = descriptor_read;
    c.write = descriptor_write;
    const H5FD_mem_t map[H5FD_MEM_NTYPES] = H5FD_FLMAP_SINGLE;
    std::copy(std::begin(map), std::end(map), c.fl_map);
    return c;
  }();
  return kClass;
}

class Checker {
 public:
  explicit Checker(const std::vector<ExpectedDataset>& expected) {
    for (const auto& dataset : expected) {
      expected_[dataset.plan.path] = &dataset;
      for (auto slash = dataset.plan.path.find('/', 1); slash != std::string::npos;
           slash = dataset.plan.path.find('/', slash + 1))
        groups_.insert(dataset.plan.path.substr(0, slash));
    }
  }

  std::vector<std::string> run(hid_t file) {
    walk(file, "", 0);
    for (const auto& [path, dataset] : expected_)
      if (!seen_.contains(path)) problem(path, "listed, but not in the file");
    return std::move(problems_);
  }

 private:
  void problem(const std::string& path, const std::string& what) {
    if (problems_.size() < kMost) problems_.push_back(escape_name(path) + ": " + what);
  }

  struct Visit {
    Checker* self;
    std::string path;
    unsigned depth;
  };

  void walk(hid_t group, const std::string& path, unsigned depth) {
    if (depth > 64) return problem(path, "groups nested deeper than 64");
    H5O_info_t info;
    if (H5Oget_info(group, &info) < 0) return problem(path, "cannot be read");
    if (info.num_attrs != 0) problem(path.empty() ? "/" : path, "a group with attributes");
    if (!objects_.insert(info.addr).second) return problem(path, "the same object as another path");
    Visit visit{this, path, depth};
    if (H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, visit_link, &visit) < 0)
      problem(path, "its links cannot be listed");
  }

  static herr_t visit_link(hid_t group, const char* name, const H5L_info_t* link, void* data) {
    auto* visit = static_cast<Visit*>(data);
    visit->self->check_link(group, name, *link, visit->path + "/" + name, visit->depth);
    return visit->self->problems_.size() < kMost ? 0 : 1;
  }

  void check_link(hid_t group, const char* name, const H5L_info_t& link, const std::string& path,
                  unsigned depth) {
    if (link.type != H5L_TYPE_HARD)
      return problem(path, link.type == H5L_TYPE_SOFT ? "a soft link" : "an external or user-defined link");
    H5O_info_t info;
    if (H5Oget_info_by_name(group, name, &info, H5P_DEFAULT) < 0) return problem(path, "cannot be read");
    if (info.type == H5O_TYPE_GROUP) {
      if (!groups_.contains(path)) return problem(path, "a group that no item needs");
      Group inner(H5Gopen2(group, name, H5P_DEFAULT));
      return inner ? walk(inner.get(), path, depth + 1) : problem(path, "cannot be opened");
    }
    const auto found = expected_.find(path);
    if (info.type != H5O_TYPE_DATASET || found == expected_.end())
      return problem(path, "not listed in the manifest");
    if (!objects_.insert(info.addr).second) return problem(path, "the same object as another path");
    seen_.insert(path);
    Dataset dataset(H5Dopen2(group, name, H5P_DEFAULT));
    if (!dataset) return problem(path, "cannot be opened");
    check_dataset(dataset.get(), *found->second, info);
  }

  void check_dataset(hid_t id, const ExpectedDataset& expected, const H5O_info_t& info) {
    const DatasetPlan& plan = expected.plan;
    Plist creation(H5Dget_create_plist(id));
    if (H5Pget_external_count(creation.get()) != 0) return problem(plan.path, "stored in another file");
    const H5D_layout_t layout = H5Pget_layout(creation.get());
    if (layout != (plan.chunk.empty() ? H5D_CONTIGUOUS : H5D_CHUNKED))
      return problem(plan.path, "another layout than listed");
    Type type(H5Dget_type(id)), wanted = make_type(plan.type);
    if (H5Tequal(type.get(), wanted.get()) <= 0)
      return problem(plan.path, "another type than " + plan.type.text());
    check_attribute(id, plan, info.num_attrs);
    if (!same_shape(id, plan.type)) return problem(plan.path, "another shape than " + plan.type.text());
    if (plan.chunk.empty()) {
      const std::uint64_t size = plan.type.byte_size().value_or(0);
      if (size && H5Dget_offset(id) != expected.offset)
        problem(plan.path, "its bytes lie elsewhere than the extents say");
      return;
    }
    check_chunks(id, creation.get(), expected);
  }

  void check_attribute(hid_t id, const DatasetPlan& plan, hsize_t count) {
    const bool wanted = needs_type_attribute(plan.type.dtype);
    if (count != (wanted ? 1 : 0)) return problem(plan.path, "another number of attributes than expected");
    if (!wanted) return;
    const std::string text = plan.type.text();
    Attribute attribute(H5Aopen(id, kTypeAttribute, H5P_DEFAULT));
    if (!attribute) return problem(plan.path, "the attribute assay_type is missing");
    Type type(H5Aget_type(attribute.get()));
    Space space(H5Aget_space(attribute.get()));
    std::string found(text.size(), '\0');
    const bool fits = H5Tget_class(type.get()) == H5T_STRING && H5Tis_variable_str(type.get()) == 0 &&
                      H5Tget_size(type.get()) == text.size() &&
                      H5Sget_simple_extent_npoints(space.get()) == 1;
    if (!fits || H5Aread(attribute.get(), type.get(), found.data()) < 0 || found != text)
      problem(plan.path, "the attribute assay_type is not \"" + text + "\"");
  }

  static bool same_shape(hid_t id, const ItemType& type) {
    Space space(H5Dget_space(id));
    const int rank = H5Sget_simple_extent_ndims(space.get());
    if (rank != static_cast<int>(type.shape.size())) return false;
    std::vector<hsize_t> dims(type.shape.size()), most(type.shape.size());
    if (rank > 0) H5Sget_simple_extent_dims(space.get(), dims.data(), most.data());
    return std::equal(dims.begin(), dims.end(), type.shape.begin()) && dims == most;
  }

  static bool same_filter(hid_t creation, Filter filter) {
    const int count = H5Pget_nfilters(creation);
    if (count != (filter == Filter::none ? 0 : 1)) return false;
    if (count == 0) return true;
    unsigned flags = 0;
    std::size_t values = 0;
    const H5Z_filter_t id = H5Pget_filter2(creation, 0, &flags, &values, nullptr, 0, nullptr, nullptr);
    return id == (filter == Filter::deflate ? H5Z_FILTER_DEFLATE : static_cast<H5Z_filter_t>(kZstdFilter));
  }

  void check_chunks(hid_t id, hid_t creation, const ExpectedDataset& expected) {
    const DatasetPlan& plan = expected.plan;
    std::vector<hsize_t> shape(plan.chunk.size());
    if (H5Pget_chunk(creation, static_cast<int>(shape.size()), shape.data()) !=
            static_cast<int>(shape.size()) ||
        !std::equal(shape.begin(), shape.end(), plan.chunk.begin()))
      return problem(plan.path, "another chunk shape than listed");
    if (!same_filter(creation, plan.filter)) return problem(plan.path, "other filters than listed");
    Space space(H5Dget_space(id));
    hsize_t count = 0;
    if (H5Dget_num_chunks(id, space.get(), &count) < 0 || count != expected.chunks.size())
      return problem(plan.path, std::to_string(expected.chunks.size()) + " chunks listed, found " +
                                    std::to_string(count));
    for (const StoredChunk& chunk : expected.chunks) {
      StoredChunk found;
      const bool same = chunk_at(id, plan, chunk.number, found) && found.offset == chunk.offset &&
                        found.length == chunk.length && found.raw == chunk.raw;
      if (!same)
        return problem(plan.path,
                       "chunk " + std::to_string(chunk.number) + " lies elsewhere than the extents say");
    }
  }

  static constexpr std::size_t kMost = 100;
  std::map<std::string, const ExpectedDataset*> expected_;
  std::set<std::string> groups_, seen_;
  std::set<haddr_t> objects_;
  std::vector<std::string> problems_;
};

}  // namespace

Result<std::vector<std::string>> check_container(int fd, std::uint64_t end,
                                                 const std::vector<ExpectedDataset>& expected) {
  prepare_library();
  static const hid_t kDriver = H5FDregister(&descriptor_class());
  Plist access(H5Pcreate(H5P_FILE_ACCESS));
  const DescriptorInfo info{fd, end};
  if (kDriver < 0 || H5Pset_driver(access.get(), kDriver, &info) < 0)
    return hdf5_error("take the file driver", "");
  H5Pset_fclose_degree(access.get(), H5F_CLOSE_STRONG);
  // An absolute name: for another HDF5 asks for the working directory, which the sandbox does not tell.
  File file(H5Fopen("/bundle", H5F_ACC_RDONLY, access.get()));
  if (!file) return std::vector<std::string>{"/: the HDF5 file cannot be opened"};
  return Checker(expected).run(file.get());
}

}  // namespace assay::formats
