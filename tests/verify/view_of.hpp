// Small campaigns for the tests of verify, without a bundle.
#pragma once

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "formats/columns.hpp"
#include "formats/completeness.hpp"
#include "verify/campaign_view.hpp"

namespace assay::verify {

using Items = std::map<std::string, std::string>;  ///< name -> content

inline formats::Manifest manifest_of(const Items& items,
                                     const std::map<std::string, formats::ItemType>& types = {}) {
  std::string text;
  for (const auto& [name, content] : items) {
    const auto type = types.find(name);
    text += formats::manifest_line({name, type == types.end() ? formats::ItemType{} : type->second,
                                    content.size(), formats::content_digest(content)}) +
            "\n";
  }
  auto manifest = formats::Manifest::parse(text);
  EXPECT_TRUE(manifest.ok()) << manifest.error().what;
  return *std::move(manifest);
}

/// The view of exactly these items, nothing derived.
inline CampaignView view_of(const Items& items, const std::map<std::string, formats::ItemType>& types = {}) {
  const formats::Manifest manifest = manifest_of(items, types);
  CampaignView::Builder builder(manifest);
  std::size_t item = 0;
  for (const auto& [name, content] : items) builder.add(item++, content);
  return builder.finish();
}

/// The view as seal would leave it: with columns and completeness.json.
inline CampaignView sealed_view_of(Items items) {
  std::map<std::string, formats::ItemType> types;
  const CampaignView plain = view_of(items);
  for (const auto& column : formats::columns_of(plain.table())) {
    types[column.name] = column.type;
    items[column.name] = formats::column_content(plain.table(), column);
  }
  items["completeness.json"] = formats::completeness_report(plain.table()).dump_pretty();
  return view_of(items, types);
}

}  // namespace assay::verify
