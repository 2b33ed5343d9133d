// The files of a system's own tree as they were sealed below source/, for the rules that read them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/bundle.hpp"

namespace assay::verify {

class SealedTree {
 public:
  /// `mark`: a file that tells where the tree's root is ("logs/evolve.log"): the shortest item name
  /// source/.../MARK that there is, else source/ itself.
  SealedTree(const formats::ItemSource& items, std::initializer_list<std::string_view> marks);

  /// A root that is known: "source/out/".
  SealedTree(const formats::ItemSource& items, std::string root) : items_(items), root_(std::move(root)) {}

  /// Names relative to the root, below `folder` ("steps/"), in the manifest's order.
  std::vector<std::string> files(std::string_view folder) const;
  bool has(std::string_view name) const;
  /// Nothing where it is not there, withheld or left out. Fault::damaged where it cannot be read.
  Result<std::optional<std::string>> read(std::string_view name) const;
  /// The same as JSON, with Python's NaN; null where it is not there. Errors name the file.
  Result<Json> json(std::string_view name) const;
  const std::string& root() const { return root_; }

 private:
  const formats::ItemSource& items_;
  std::string root_;
};

/// config.yaml of the run as JSON: the one nearest to the top of what was sealed, be it of the run's own tree
/// or of the record of the same run. Where there is none that can be read, null, and why in `problem`.
Result<Json> read_run_config(const formats::ItemSource& items, std::string& problem);

}  // namespace assay::verify
