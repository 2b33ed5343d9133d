#include "archives/secrets.hpp"

#include <algorithm>
#include <cstring>

#include "archives/secrets_rules.hpp"
#include "archives/secrets_scan.hpp"

namespace assay::archives {

namespace {

bool is_specific(const Secret& secret) { return std::strcmp(secret.rule, "assigned-secret") != 0; }

// Where two overlap, one covers both and has the name that says more.
std::vector<Secret> merged(std::vector<Secret> found) {
  std::stable_sort(found.begin(), found.end(),
                   [](const Secret& a, const Secret& b) { return a.offset < b.offset; });
  std::vector<Secret> out;
  for (const Secret& next : found) {
    if (out.empty() || next.offset >= out.back().offset + out.back().length) {
      out.push_back(next);
      continue;
    }
    Secret& last = out.back();
    last.length = std::max(last.offset + last.length, next.offset + next.length) - last.offset;
    if (!is_specific(last)) last.rule = next.rule;
  }
  return out;
}

}  // namespace

std::vector<Secret> find_secrets(std::string_view content) {
  std::vector<Secret> found;
  secrets::find_literals(content, secrets::best_path(), [&](const secrets::Hit& hit) {
    if (const auto secret = secrets::judge(content, hit)) found.push_back(*secret);
  });
  return merged(std::move(found));
}

std::string redact(std::string_view content, const std::vector<Secret>& secrets) {
  std::string out;
  std::size_t done = 0;
  for (const Secret& secret : secrets) {
    out += content.substr(done, secret.offset - done);
    out.append("[REDACTED:").append(secret.rule).append("]");
    done = secret.offset + secret.length;
  }
  return out.append(content.substr(done));
}

}  // namespace assay::archives
