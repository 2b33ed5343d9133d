// A bundle's campaign as the checks, list, show, diff and the reports see it: the table of its records, what
// could not be read, and what was sealed that can be derived again. It never holds programs, transcripts or
// checkpoints.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/bundle.hpp"
#include "formats/campaign_table.hpp"
#include "formats/manifest.hpp"
#include "toolkit/base/result.hpp"

namespace assay::verify {

class CampaignView {
 public:
  class Builder;

  /// Reads the records of a bundle one by one, each checked against its digest. For commands that do not walk
  /// it all.
  static Result<CampaignView> read(const formats::Bundle& bundle);

  /// Experiments, metrics, claims, baselines, head. Rows are in the order of the columns.
  const formats::CampaignTable& table() const { return table_; }
  const formats::CampaignHead& head() const { return table_.head(); }

  /// Records that do not follow docs/formats/campaign.md: they are in the bundle, and not in the table. Up to
  /// 1,000.
  const std::vector<Error>& problems() const { return problems_; }
  std::uint64_t problem_count() const { return problem_count_; }
  /// Records whose content the bundle does not give: withheld, left out, or too large to be read in a walk.
  /// While there are any, what is derived from all records cannot be derived again.
  const std::vector<std::string>& unread() const { return unread_; }

  /// The sealed columns/... items, and completeness.json where its content was at hand.
  const std::vector<formats::ManifestEntry>& sealed_columns() const { return sealed_columns_; }
  const std::optional<std::string>& sealed_completeness() const { return sealed_completeness_; }
  /// Of a search of assay's own: the result root that follows from its items, as the manifest has them.
  const std::optional<Digest>& result_root() const { return result_root_; }
  /// One of these items is withheld: a salted digest stands in its place, and the root cannot be computed.
  bool result_root_hidden() const { return result_root_hidden_; }

  bool has_completeness() const {
    return has_completeness_;
  }  ///< there is such an item, with or without content

  std::uint64_t items() const { return items_; }
  std::uint64_t withheld() const { return withheld_; }  ///< items of type `withheld`
  std::uint64_t left_out() const { return left_out_; }  ///< other items without content

 private:
  CampaignView() = default;

  formats::CampaignTable table_;
  std::vector<Error> problems_;
  std::vector<std::string> unread_;
  std::vector<formats::ManifestEntry> sealed_columns_;
  std::optional<std::string> sealed_completeness_;
  std::uint64_t problem_count_ = 0, items_ = 0, withheld_ = 0, left_out_ = 0;
  bool has_completeness_ = false, result_root_hidden_ = false;
  std::optional<Digest> result_root_;
};

class CampaignView::Builder {
 public:
  /// Takes the names from the manifest, which must outlive the builder. `has_content` is Bundle's; without it
  /// every item that is not withheld has content.
  explicit Builder(const formats::Manifest& manifest,
                   const std::function<bool(std::size_t)>& has_content = {});

  /// True if add() does anything with this item.
  bool wants(std::size_t item) const;
  /// One item's content, in any order, each at most once: an ItemSink of Bundle::walk. Not `whole`: content
  /// is empty because the item is too large. A record that does not follow its format becomes a problem, not
  /// an error.
  void add(std::size_t item, std::string_view content, bool whole = true);
  /// For an item that was too large: its content in pieces, in order, the last one said so. Only steps.jsonl
  /// is taken this way. True while more pieces are wanted.
  bool add_piece(std::size_t item, std::string_view piece, bool last);
  CampaignView finish();

 private:
  std::string name(std::size_t item) const;
  void note_problem(Error error);

  const formats::Manifest& manifest_;
  CampaignView view_;
  std::string partial_line_;   // of the item that comes in pieces
  std::vector<bool> pending_;  // items that are wanted and have not come
};

}  // namespace assay::verify
