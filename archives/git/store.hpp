// The git archive: a repository of bundles. docs/formats/archive.md has the layout. No function here runs
// stock git or reads any git configuration, neither the user's nor the archive's own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "formats/finding.hpp"
#include "formats/keys.hpp"
#include "formats/trust.hpp"
#include "toolkit/base/json.hpp"
#include "toolkit/base/progress.hpp"
#include "toolkit/base/result.hpp"

namespace assay::archives::git {

/// Author and committer of what is written, and its time in seconds since 1970 (the zone written is always
/// +0000).
struct Identity {
  std::string name, email;
  std::int64_t when = 0;
};

struct InitReport {
  bool created = false;  ///< false: it was an archive already
  std::string commit;    ///< of the initial commit; empty when none was made (no signer)
};
/// A new archive in `path`, which is made if need be and must be empty otherwise. Without a signer no commit
/// is made: the first add makes it, since every commit of an archive is signed.
Result<InitReport> init(const std::filesystem::path& path, const formats::Signer* signer,
                        const Identity& identity);

struct AddOptions {
  Identity identity;
  std::optional<std::string> tag;       ///< an annotated, signed tag of this name
  std::optional<std::string> message;   ///< a paragraph for the commit message
  std::optional<std::string> campaign;  ///< folder for a first generation; else it is made from the title
  Progress* progress = nullptr;
};

struct AddReport {
  bool added = false;  ///< false: this very file was in the archive already
  std::string campaign, root, title, commit, bundle, object, tag;
  std::uint64_t generation = 1, size = 0;
  std::vector<std::string> notes;  ///< what the user may want to know; nothing of it is a failure
};
/// Puts the bundle in `bundle_file` into the archive. Whatever moment it is killed at, the same call made
/// again succeeds.
Result<AddReport> add(const std::filesystem::path& path, const std::filesystem::path& bundle_file,
                      const formats::Signer& signer, const AddOptions& options);

struct Generation {
  std::string campaign, root, supersedes, title;  ///< supersedes: empty for a first generation
  std::uint64_t generation = 0;
  std::string commit;
  std::int64_t time = 0;  ///< committer's, as the committer says
  std::string signature;  ///< "valid", "bad" or "none"
  std::optional<formats::PublicKey> signer;
  std::string bundle;            ///< path in the tree
  std::filesystem::path object;  ///< of the stored bundle
  std::uint64_t size = 0;
  std::vector<std::string> tags;
};
/// Every generation, newest first, as the commits tell it: nothing is checked but the commits' own
/// signatures.
Result<std::vector<Generation>> log(const std::filesystem::path& path);

struct SignerCount {
  formats::PublicKey key;
  std::string principal;  ///< empty: unknown
  std::uint64_t commits = 0;
};
struct CheckReport {
  std::vector<formats::Finding> findings;
  std::uint64_t generations = 0, commits = 0, tags = 0, bytes = 0;  ///< bytes: of bundles hashed
  std::vector<SignerCount> signers;
};
/// Checks the whole history against itself and every stored bundle (findings A1xx). `trust` null: any key
/// will do. `now`: seconds since 1970. Reports to confined_progress() (toolkit/base/sandbox.hpp). An Error
/// only where there is no archive to look at.
Result<CheckReport> check(const std::filesystem::path& path, const formats::Trust* trust, std::int64_t now);

Json to_json(const InitReport& report);
Json to_json(const AddReport& report);
Json to_json(const Generation& generation);
Json to_json(const CheckReport& report);

}  // namespace assay::archives::git
