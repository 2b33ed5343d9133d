#include "formats/id_list.hpp"

namespace assay::formats {

void IdList::add(std::uint32_t row) {
  if (open_ && row == last_ + 1) {
    last_ = row;
    return;
  }
  close();
  open_ = true;
  first_ = last_ = row;
}

std::string IdList::finish() {
  close();
  if (left_out_) text_ += " and " + std::to_string(left_out_) + " more";
  return std::move(text_);
}

void IdList::close() {
  if (!open_) return;
  open_ = false;
  std::string range(table_.id(first_));
  if (last_ > first_) range += (last_ == first_ + 1 ? ", " : "..") + std::string(table_.id(last_));
  if (left_out_ || text_.size() + range.size() > limit_)
    left_out_ += last_ - first_ + 1;
  else
    text_ += (text_.empty() ? "" : ", ") + range;
}

}  // namespace assay::formats
