#include "toolkit/cli/cuda_fit.hpp"

#include <algorithm>
#include <charconv>

#include "toolkit/base/text.hpp"

namespace assay::cli {

namespace {

int number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0 ? value : 0;
}

}  // namespace

CudaCode cuda_code_of(std::string_view architectures) {
  CudaCode code;
  for (const std::string_view item : split(architectures, ',')) {
    const std::string_view name = trim(item);
    const std::size_t dash = std::min(name.find('-'), name.size());
    const std::string_view kind = name.substr(dash);
    const int capability = number(name.substr(0, dash));
    if (capability == 0) continue;
    if (kind != "-virtual") code.code.push_back(capability);
    if (kind != "-real") code.ptx.push_back(capability);
  }
  return code;
}

bool runs_on(const CudaCode& code, int capability) {
  const auto fits = [&](int c) { return c / 10 == capability / 10 && c <= capability; };
  const auto compiles = [&](int c) { return c <= capability; };
  return std::any_of(code.code.begin(), code.code.end(), fits) ||
         std::any_of(code.ptx.begin(), code.ptx.end(), compiles);
}

std::string text_of(const CudaCode& code) {
  std::string text;
  for (const int c : code.code) text += (text.empty() ? "sm_" : " sm_") + std::to_string(c);
  for (std::size_t i = 0; i < code.ptx.size(); ++i)
    text += (i > 0 ? " " : text.empty() ? "PTX " : " and PTX ") + std::to_string(code.ptx[i]);
  return text.empty() ? "nothing" : text;
}

int capability_of(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == text.npos) return 0;
  const int major = number(text.substr(0, dot)), minor = number(text.substr(dot + 1));
  const bool whole = dot > 0 && dot + 2 == text.size();
  return whole && major > 0 ? major * 10 + minor : 0;
}

}  // namespace assay::cli
