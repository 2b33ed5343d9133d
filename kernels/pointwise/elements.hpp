// One element of any type, read and written: the conversions of contract R5.1. Host and device.
#pragma once

#include "kernels/core/hd.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

ASSAY_HD bool is_integral(Type type) {
  return type != Type::f32 && type != Type::bf16 && type != Type::f64 && type != Type::c64;
}

ASSAY_HD float canonical32(float x) { return x != x ? float_of(kNan32) : x; }

ASSAY_HD std::int64_t load_integer(const void* data, Type type, std::int64_t i) {
  switch (type) {
    case Type::boolean:
      return static_cast<const std::uint8_t*>(data)[i] != 0;
    case Type::u8:
      return static_cast<const std::uint8_t*>(data)[i];
    case Type::i8:
      return static_cast<const std::int8_t*>(data)[i];
    case Type::i16:
      return static_cast<const std::int16_t*>(data)[i];
    case Type::i32:
      return static_cast<const std::int32_t*>(data)[i];
    default:
      return static_cast<const std::int64_t*>(data)[i];
  }
}

ASSAY_HD float load_float(const void* data, Type type, std::int64_t i) {
  switch (type) {
    case Type::f32:
      return static_cast<const float*>(data)[i];
    case Type::bf16:
      return from_bf16(static_cast<const std::uint16_t*>(data)[i]);
    case Type::f64:
      return static_cast<float>(static_cast<const double*>(data)[i]);
    case Type::c64:
      return static_cast<const float*>(data)[2 * i];
    default:
      return static_cast<float>(load_integer(data, type, i));
  }
}

ASSAY_HD double load_double(const void* data, Type type, std::int64_t i) {
  return type == Type::f64 ? static_cast<const double*>(data)[i] : load_float(data, type, i);
}

/// To i64: toward zero, saturating, NaN to 0. To a narrower integer: the low bits of that.
ASSAY_HD std::int64_t integer_of(double x) {
  if (x != x) return 0;
  if (x >= 9223372036854775808.0) return INT64_MAX;
  if (x < -9223372036854775808.0) return INT64_MIN;
  return static_cast<std::int64_t>(x);
}

ASSAY_HD void store_narrow(void* data, Type type, std::int64_t i, std::int64_t value) {
  switch (type) {
    case Type::u8:
      static_cast<std::uint8_t*>(data)[i] = static_cast<std::uint8_t>(value);
      break;
    case Type::i8:
      static_cast<std::int8_t*>(data)[i] = static_cast<std::int8_t>(value);
      break;
    case Type::i16:
      static_cast<std::int16_t*>(data)[i] = static_cast<std::int16_t>(value);
      break;
    case Type::i32:
      static_cast<std::int32_t*>(data)[i] = static_cast<std::int32_t>(value);
      break;
    case Type::i64:
      static_cast<std::int64_t*>(data)[i] = value;
      break;
    default:
      static_cast<std::uint8_t*>(data)[i] = value != 0;
      break;
  }
}

ASSAY_HD void store_float(void* data, Type type, std::int64_t i, float x) {
  switch (type) {
    case Type::f32:
      static_cast<float*>(data)[i] = canonical32(x);
      break;
    case Type::bf16:
      static_cast<std::uint16_t*>(data)[i] = to_bf16(x);
      break;
    case Type::c64:
      static_cast<float*>(data)[2 * i] = canonical32(x);
      static_cast<float*>(data)[2 * i + 1] = 0.0f;
      break;
    case Type::boolean:
      static_cast<std::uint8_t*>(data)[i] = x != 0.0f;
      break;
    default:
      break;
  }
}

ASSAY_HD void store_double(void* data, Type type, std::int64_t i, double x) {
  if (type == Type::f64) {
    if (x != x)
      reinterpret_cast<std::uint64_t*>(data)[i] = 0x7ff8000000000000;
    else
      static_cast<double*>(data)[i] = x;
  } else if (type == Type::boolean) {
    static_cast<std::uint8_t*>(data)[i] = x != 0.0;
  } else if (is_integral(type)) {
    store_narrow(data, type, i, integer_of(x));
  } else {
    store_float(data, type, i, static_cast<float>(x));
  }
}

ASSAY_HD void store_integer(void* data, Type type, std::int64_t i, std::int64_t value) {
  if (is_integral(type))
    store_narrow(data, type, i, value);
  else if (type == Type::f64)
    static_cast<double*>(data)[i] = static_cast<double>(value);
  else
    store_float(data, type, i, static_cast<float>(value));
}

/// out[o] = in[i], converted.
ASSAY_HD void convert_element(const void* in, Type from, std::int64_t i, void* out, Type to, std::int64_t o) {
  if (from == Type::c64 && to == Type::c64) {
    static_cast<float*>(out)[2 * o] = canonical32(static_cast<const float*>(in)[2 * i]);
    static_cast<float*>(out)[2 * o + 1] = canonical32(static_cast<const float*>(in)[2 * i + 1]);
  } else if (from == Type::c64 && to == Type::boolean) {
    static_cast<std::uint8_t*>(out)[o] =
        static_cast<const float*>(in)[2 * i] != 0.0f || static_cast<const float*>(in)[2 * i + 1] != 0.0f;
  } else if (is_integral(from)) {
    store_integer(out, to, o, load_integer(in, from, i));
  } else {
    store_double(out, to, o, load_double(in, from, i));
  }
}

}  // namespace assay::kernels
