// The content of a campaign while it is sealed: imported items, derived ones, and replacements of those that
// held secrets.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "archives/import.hpp"
#include "archives/seal.hpp"
#include "formats/bundle_writer.hpp"
#include "formats/campaign_table.hpp"
#include "formats/columns.hpp"

namespace assay::archives {

/// Reads imported items, wherever they lie. Files are opened for each read: there may be a million.
class ImportedContent {
 public:
  explicit ImportedContent(Import import) : import_(std::move(import)) {}

  const Import& import() const { return import_; }
  Import& import() { return import_; }
  std::size_t size() const { return import_.items.size(); }
  const ImportedItem& item(std::size_t i) const { return import_.items[i]; }
  Status read(std::size_t item, std::uint64_t offset, char* into, std::uint64_t length) const;
  Result<std::string> read(std::size_t item) const;
  void replace(std::size_t item, std::string text);  ///< the item is inline from now on

 private:
  Import import_;
};

/// Collects secrets from several threads.
class SecretLog {
 public:
  explicit SecretLog(const ImportedContent& content) : content_(content) {}
  /// Scans one part of an item; across the edges of parts too.
  void scan(std::size_t item, std::uint64_t offset, std::string_view part);
  bool empty() const { return found_.empty(); }
  /// By item, then offset.
  std::vector<FoundSecret> list() const;
  std::vector<std::size_t> items() const;
  void clear() { found_.clear(); }

 private:
  struct Found {
    std::uint64_t offset, length;
    const char* rule;
  };
  const ImportedContent& content_;
  std::mutex mutex_;
  std::map<std::size_t, std::vector<Found>> found_;
};

/// What write_bundle asks: imported items first, then columns.
class SealContent final : public formats::ContentReader {
 public:
  SealContent(const ImportedContent& content, SecretLog& secrets,
              std::optional<formats::CampaignTable>& table, const std::vector<formats::Column>& columns)
      : content_(content), secrets_(secrets), table_(table), columns_(columns) {}

  Status read(std::size_t item, std::uint64_t offset, char* into, std::uint64_t length) const override;
  void saw(std::size_t item, std::uint64_t offset, std::string_view part) const override;
  void arrays_done() const override;
  Status content_seen() const override;

 private:
  const ImportedContent& content_;
  SecretLog& secrets_;
  std::optional<formats::CampaignTable>& table_;
  const std::vector<formats::Column>& columns_;
  mutable std::mutex mutex_;
  mutable std::size_t cached_ = ~std::size_t{0};  ///< the column whose bytes are held: they are made whole
  mutable std::string cached_bytes_;
};

/// "3 secrets, the first in config.yaml at byte 120 (assigned-secret)": why sealing stopped.
Error secrets_error(const std::vector<FoundSecret>& secrets);

}  // namespace assay::archives
