#include "archives/import.hpp"

namespace assay::archives {

ImportedItem ImportedItem::inline_text(std::string name, std::string text) {
  ImportedItem item;
  item.name = std::move(name);
  item.size = text.size();
  item.special_ = std::make_unique<Special>();
  item.special_->text = std::move(text);
  return item;
}

ImportedItem ImportedItem::whole_file(std::string name, std::uint64_t size, std::string path) {
  ImportedItem item;
  item.name = std::move(name);
  item.size = size;
  if (path.empty() || path == item.name) return item;
  item.special_ = std::make_unique<Special>();
  item.special_->path = std::move(path);
  return item;
}

ImportedItem ImportedItem::file_range(std::string name, formats::ItemType type, std::uint64_t size,
                                      std::string path, std::uint64_t offset) {
  ImportedItem item;
  item.name = std::move(name);
  item.size = size;
  item.special_ = std::make_unique<Special>();
  item.special_->type = std::move(type);
  item.special_->path = std::move(path);
  item.special_->offset = offset;
  return item;
}

const formats::ItemType& ImportedItem::type() const {
  static const formats::ItemType kBytes;
  return special_ ? special_->type : kBytes;
}

const std::string* ImportedItem::text() const {
  return special_ && special_->text ? &*special_->text : nullptr;
}

const std::string& ImportedItem::path() const {
  return special_ && !special_->path.empty() ? special_->path : name;
}

std::uint64_t ImportedItem::offset() const { return special_ ? special_->offset : 0; }

}  // namespace assay::archives
