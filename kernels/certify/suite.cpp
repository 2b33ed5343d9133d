#include "kernels/certify/suite.hpp"

#include <array>
#include <cstring>

#include "kernels/core/hd.hpp"

namespace assay::kernels::certify {

namespace {

// Philox 4x32-10 (Salmon et al., SC'11). Plainly, and apart from kernels/random: a certificate's inputs must
// not change with the operator under test.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::uint64_t seed) {
  std::uint32_t key[2] = {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0],
                        b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9, key[1] += 0xBB67AE85;
  }
  return counter;
}

class Stream {
 public:
  explicit Stream(std::uint64_t seed) : seed_(seed) {}
  std::uint32_t word() {
    if (left_ == 0) {
      block_ = philox({static_cast<std::uint32_t>(at_), static_cast<std::uint32_t>(at_ >> 32), 0, 0}, seed_);
      ++at_, left_ = 4;
    }
    return block_[4 - left_--];
  }
  float uniform() { return static_cast<float>(word() >> 8) * 0x1p-24F; }

 private:
  std::uint64_t seed_, at_ = 0;
  std::array<std::uint32_t, 4> block_{};
  int left_ = 0;
};

constexpr std::uint32_t kSpecial[] = {
    0x00000000, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0x00000001,
    0x807fffff, 0x007fffff, 0x00800000, 0x80800000, 0x7f7fffff, 0xff7fffff, 0x3f000000, 0x40000000,
    0x42b17218, 0xc2d00000, 0x42b16b00, 0xc2ce8ed0, 0x3f7fffff, 0x3f800001, 0x33800000, 0xb3800000,
    0x4b800000, 0xcb000001, 0x40490fdb, 0x3fc90fdb, 0xc0490fdb, 0x5f000000, 0x3e99999a, 0xbf19999a};

float value(Stream& stream, Fill fill, std::int64_t i) {
  switch (fill) {
    case Fill::normal: {
      // Exact: each term a multiple of 2^-20 below 1, their sum below 12.
      std::int64_t sum = 0;
      for (int k = 0; k < 12; ++k) sum += stream.word() >> 12;
      return static_cast<float>(sum - 6 * (std::int64_t{1} << 20)) * 0x1p-20F;
    }
    case Fill::uniform:
      return stream.uniform();
    case Fill::wide: {
      const std::uint32_t u = stream.word();
      return float_of((u & 0x807fffff) | (67 + (stream.word() % 121)) << 23);
    }
    case Fill::bits:
      return float_of(stream.word());
    case Fill::special:
      return float_of(kSpecial[static_cast<std::size_t>(i) % std::size(kSpecial)]);
    case Fill::subnormal:
      return float_of(stream.word() & 0x807fffff);
    case Fill::index:
      break;
  }
  return 0;
}

void put(std::string& out, const void* bytes, std::size_t size) {
  out.append(static_cast<const char*>(bytes), size);
}

void put_index(std::string& out, Type type, std::int64_t v) {
  const auto i32 = static_cast<std::int32_t>(v);
  const auto i16 = static_cast<std::int16_t>(v);
  const auto i8 = static_cast<std::int8_t>(v);
  const auto f64 = static_cast<double>(v);
  switch (type) {
    case Type::i64:
      return put(out, &v, 8);
    case Type::i32:
      return put(out, &i32, 4);
    case Type::i16:
      return put(out, &i16, 2);
    case Type::f64:
      return put(out, &f64, 8);
    default:
      return put(out, &i8, 1);
  }
}

std::uint64_t key_of(const std::string& key) {
  const Digest digest = sha256(key);
  std::uint64_t seed = 0;
  std::memcpy(&seed, digest.bytes.data(), 8);
  return seed;
}

std::string text_of(const Sizes& sizes) {
  std::string text;
  for (const std::int64_t size : sizes) text += std::to_string(size) + ",";
  return text;
}

}  // namespace

std::string make_values(const std::string& key, Type type, std::int64_t count, Fill fill,
                        std::int64_t limit) {
  Stream stream(key_of(key));
  std::string out;
  out.reserve(static_cast<std::size_t>(count * size_of(type)));
  for (std::int64_t i = 0; i < count; ++i) {
    if (fill == Fill::index || (type != Type::f32 && type != Type::bf16 && type != Type::c64)) {
      put_index(out, type, stream.word() % static_cast<std::uint32_t>(type == Type::boolean ? 2 : limit));
      continue;
    }
    for (int part = 0; part < (type == Type::c64 ? 2 : 1); ++part) {
      const float v = value(stream, fill, i);
      const std::uint16_t narrow = to_bf16(v);
      type == Type::bf16 ? put(out, &narrow, 2) : put(out, &v, 4);
    }
  }
  return out;
}

Case::Case(std::string name, const Place& place) : name_(std::move(name)), place_(place) {}

Case::~Case() {
  for (const Memory& memory : memory_) place_.cuda ? device_free(memory.base) : std::free(memory.base);
}

View Case::allocate(Type type, const Sizes& sizes, const std::vector<int>& order, std::int64_t gap,
                    std::size_t& bytes) {
  View view;
  view.type = type;
  view.rank = static_cast<int>(sizes.size());
  std::int64_t step = 1 + gap;
  for (int k = view.rank - 1; k >= 0; --k) {
    const auto d = static_cast<std::size_t>(order.empty() ? k : order[static_cast<std::size_t>(k)]);
    view.size[d] = sizes[d];
    view.stride[d] = step;
    step *= sizes[d] ? sizes[d] : 1;
  }
  bytes = static_cast<std::size_t>(step * size_of(type));
  const std::size_t room = (bytes + 255) / 256 * 256 + 256;
  view.data = place_.cuda ? device_allocate(room) : std::aligned_alloc(256, room);
  memory_.push_back({view.data, bytes});
  return view;
}

namespace {

// Calls f(offset in elements) for every element in row-major order.
template <typename F>
void walk(const View& view, F&& f) {
  const std::int64_t count = view.count();
  std::int64_t at[kMaxRank] = {}, offset = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    f(offset);
    for (int d = view.rank - 1; d >= 0; --d) {
      offset += view.stride[d];
      if (++at[d] < view.size[d]) break;
      offset -= at[d] * view.stride[d];
      at[d] = 0;
    }
  }
}

std::int64_t span_of(const View& view) {
  std::int64_t last = 0;
  for (int d = 0; d < view.rank; ++d) last += (view.size[d] - 1) * view.stride[d];
  return view.count() ? last + 1 : 0;
}

void one_nan(std::string& bytes, Type type) {
  if (type == Type::f32 || type == Type::c64) {
    for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) {
      std::uint32_t u;
      std::memcpy(&u, &bytes[i], 4);
      if ((u & 0x7fffffff) > 0x7f800000) std::memcpy(&bytes[i], &kNan32, 4);
    }
  } else if (type == Type::bf16) {
    for (std::size_t i = 0; i + 2 <= bytes.size(); i += 2) {
      std::uint16_t u;
      std::memcpy(&u, &bytes[i], 2);
      if ((u & 0x7fff) > 0x7f80) std::memcpy(&bytes[i], &kNan16, 2);
    }
  }
}

}  // namespace

View Case::input(Type type, const Sizes& sizes, Fill fill, const std::vector<int>& order, std::int64_t gap,
                 std::int64_t limit) {
  std::size_t bytes = 0;
  const View view = allocate(type, sizes, order, gap, bytes);
  const auto width = static_cast<std::size_t>(size_of(type));
  const std::string key = name_ + " input " + std::to_string(inputs_++) + " " + text_of(sizes);
  const std::string values = make_values(key, type, view.count(), fill, limit);
  std::string memory(bytes, '\x5a');
  std::size_t i = 0;
  walk(view, [&](std::int64_t offset) {
    std::memcpy(&memory[static_cast<std::size_t>(offset) * width], &values[width * i++], width);
  });
  if (place_.cuda)
    to_device(view.data, memory.data(), bytes);
  else
    std::memcpy(view.data, memory.data(), bytes);
  return view;
}

View Case::scratch(Type type, const Sizes& sizes) {
  std::size_t bytes = 0;
  const View view = allocate(type, sizes, {}, 0, bytes);
  const std::string poison(bytes, '\xa5');
  if (place_.cuda)
    to_device(view.data, poison.data(), bytes);
  else
    std::memcpy(view.data, poison.data(), bytes);
  return view;
}

View Case::output(Type type, const Sizes& sizes, const std::vector<int>& order) {
  std::size_t bytes = 0;
  const View view = allocate(type, sizes, order, 0, bytes);
  // 0x7fa5a5a5 is a NaN (0x7fa5 in bf16 too), and not the one that operators may store.
  std::string poison;
  while (poison.size() < bytes)
    poison += type == Type::f32 || type == Type::bf16 || type == Type::c64 ? "\xa5\x7f\xa5\x7f"
                                                                           : "\xa5\xa5\xa5\xa5";
  if (place_.cuda)
    to_device(view.data, poison.data(), bytes);
  else
    std::memcpy(view.data, poison.data(), bytes);
  outputs_.push_back(view);
  return view;
}

void Case::also_hash(const View& view) { outputs_.push_back(view); }

std::string Case::contents(const View& view) const {
  const auto width = static_cast<std::size_t>(size_of(view.type));
  const char* memory = view.as<const char>();
  std::string copied;
  if (place_.cuda) {
    copied.resize(static_cast<std::size_t>(span_of(view)) * width);
    device_wait();
    if (!to_host(copied.data(), view.data, copied.size())) copied.assign(copied.size(), '\xee');
    memory = copied.data();
  }
  std::string packed;
  packed.reserve(static_cast<std::size_t>(view.count()) * width);
  walk(view, [&](std::int64_t offset) {
    packed.append(memory + offset * static_cast<std::int64_t>(width), width);
  });
  one_nan(packed, view.type);
  return packed;
}

Digest Case::digest() const {
  Sha256 hash;
  for (const View& view : outputs_) {
    std::string head = std::to_string(static_cast<int>(view.type)) + ":";
    for (int d = 0; d < view.rank; ++d) head += std::to_string(view.size[d]) + ",";
    hash.update(head).update(contents(view));
  }
  return hash.finish();
}

Suite::Suite(bool cuda, int threads)
    : threads_(std::make_unique<PlainThreads>(threads)), workspace_(std::make_unique<PlainWorkspace>(cuda)) {
  place_.cuda = cuda;
  place_.threads = threads_.get();
  place_.workspace = workspace_.get();
}
Suite::~Suite() = default;

void Suite::run(const std::string& name, const Body& body) {
  Case one(name, place_);
  const Status status = body(one);
  lines_.push_back({name, status == Status::ok ? one.digest().hex() : kernels::text_of(status)});
  if (place_.cuda) device_wait();
  workspace_->reset();
}

}  // namespace assay::kernels::certify
