#include "verify/campaign_view.hpp"

#include "formats/search_run.hpp"

namespace assay::verify {

using formats::CampaignTable;

namespace {

constexpr std::string_view kCompleteness = "completeness.json";
constexpr std::string_view kSteps = "steps.jsonl";
constexpr std::size_t kLongestLine = 16u << 20;
constexpr std::size_t kProblemsKept = 1000;

// Names mostly need no unescaping; a manifest may have a million of them.
std::string unescaped(std::string_view field) {
  if (field.find('%') == field.npos) return std::string(field);
  auto name = formats::unescape_name(field);
  return name.ok() ? *std::move(name) : std::string(field);
}

}  // namespace

CampaignView::Builder::Builder(const formats::Manifest& manifest,
                               const std::function<bool(std::size_t)>& has_content)
    : manifest_(manifest), pending_(manifest.size()) {
  view_.table_ =
      CampaignTable([&manifest](std::string_view item) { return manifest.find(item).has_value(); });
  view_.items_ = manifest.size();
  view_.result_root_ = formats::result_root(manifest);
  for (std::size_t item = 0; item < manifest.size(); ++item) {
    const std::string item_name = name(item);
    const bool withheld =
        manifest.line(item).substr(manifest.name_field(item).size()).starts_with("\twithheld\t");
    view_.withheld_ += withheld;
    view_.result_root_hidden_ |= withheld && formats::in_result_root(item_name);
    if (!withheld && has_content && !has_content(item)) ++view_.left_out_;
    view_.table_.add_name(item_name);
    if (item_name.starts_with("columns/")) view_.sealed_columns_.push_back(manifest.entry(item));
    view_.has_completeness_ |= item_name == kCompleteness;
    pending_[item] = CampaignTable::wants(item_name) || item_name == kCompleteness;
  }
}

std::string CampaignView::Builder::name(std::size_t item) const {
  return unescaped(manifest_.name_field(item));
}

bool CampaignView::Builder::wants(std::size_t item) const { return pending_[item]; }

void CampaignView::Builder::note_problem(Error error) {
  if (view_.problems_.size() < kProblemsKept) view_.problems_.push_back(std::move(error));
  ++view_.problem_count_;
}

void CampaignView::Builder::add(std::size_t item, std::string_view content, bool whole) {
  if (!pending_[item] || !whole) return;
  pending_[item] = false;
  const std::string item_name = name(item);
  if (item_name == kCompleteness) {
    view_.sealed_completeness_ = std::string(content);
    return;
  }
  Status status = view_.table_.add_content(item_name, content);
  if (!status.ok()) note_problem(std::move(status.error()));
}

bool CampaignView::Builder::add_piece(std::size_t item, std::string_view piece, bool last) {
  if (!pending_[item] || name(item) != kSteps) return false;
  partial_line_ += piece;
  const std::size_t end =
      last ? partial_line_.size() : partial_line_.rfind('\n') + 1;  // npos + 1 is 0: no whole line
  Status status = view_.table_.add_steps(std::string_view(partial_line_).substr(0, end));
  partial_line_.erase(0, end);
  if (status.ok() && partial_line_.size() > kLongestLine)
    status = Error{Fault::malformed, "a line of more than 16 MiB", "", ""};
  if (!status.ok()) note_problem(std::move(status.error()).in(std::string(kSteps)));
  pending_[item] = status.ok() && !last;
  return pending_[item];
}

CampaignView CampaignView::Builder::finish() {
  for (std::size_t item = 0; item < pending_.size(); ++item)
    if (pending_[item]) view_.unread_.push_back(name(item));
  view_.table_.finish();
  return std::move(view_);
}

}  // namespace assay::verify
