// Who signed the commits and tags, and whether the trust given allows it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "archives/git/check.hpp"
#include "archives/git/history.hpp"
#include "archives/git/tags.hpp"
#include "formats/trust.hpp"

namespace assay::archives::git {

class SignerCheck {
 public:
  SignerCheck(const formats::Trust* trust, std::int64_t now) : trust_(trust), now_(now) {}

  void commit(const HistoryCommit& commit, const FindingSink& sink);
  void tag(const ArchiveTag& tag, const FindingSink& sink);
  std::vector<SignerCount> counts() const;

 private:
  void judge(const std::string& subject, const formats::PublicKey& key, std::int64_t made,
             const FindingSink& sink);
  std::string principal_of(const formats::PublicKey& key) const;

  const formats::Trust* trust_;
  std::int64_t now_;
  std::map<formats::PublicKey, std::uint64_t> commits_;
};

}  // namespace assay::archives::git
