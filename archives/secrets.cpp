#include "archives/secrets.hpp"

#include <algorithm>
#include <cstring>
#include <functional>

#include "archives/secrets_rules.hpp"
#include "archives/secrets_scan.hpp"
#include "archives/secrets_wide.hpp"

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

void find_plain(std::string_view content, const std::function<void(const Secret&)>& use) {
  secrets::find_literals(content, secrets::best_path(), [&](const secrets::Hit& hit) {
    if (const auto secret = secrets::judge(content, hit)) use(*secret);
  });
}

// From a character's place in the text to its byte's in the content.
Secret widened(const Secret& secret, const secrets::WideText& wide) {
  const std::uint64_t offset = wide.offset + 2 * secret.offset;
  return {offset, std::min(2 * secret.length, wide.end - offset), secret.rule, true};
}

// In big-endian text that ends here the last character has no zero after it.
void append_mark(std::string& out, const Secret& secret) {
  const std::string mark = std::string("[REDACTED:") + secret.rule + "]";
  if (!secret.wide) {
    out += mark;
    return;
  }
  for (const char c : mark) out.append({c, '\0'});
  if (secret.length % 2) out.pop_back();
}

}  // namespace

std::vector<Secret> find_secrets(std::string_view content) {
  std::vector<Secret> found;
  find_plain(content, [&](const Secret& secret) { found.push_back(secret); });
  for (const secrets::WideText& wide : secrets::wide_texts(content))
    find_plain(wide.text, [&](const Secret& secret) { found.push_back(widened(secret, wide)); });
  return merged(std::move(found));
}

std::string redact(std::string_view content, const std::vector<Secret>& secrets) {
  std::string out;
  std::size_t done = 0;
  for (const Secret& secret : secrets) {
    out += content.substr(done, secret.offset - done);
    append_mark(out, secret);
    done = secret.offset + secret.length;
  }
  return out.append(content.substr(done));
}

}  // namespace assay::archives
