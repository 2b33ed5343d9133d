#include "replay/search/tree.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/fields.hpp"
#include "toolkit/base/files.hpp"

namespace assay::search {

namespace {

Error cannot(const std::string& what, const fs::path& path) {
  return {Fault::unreadable, what + ": " + std::strerror(errno), path.string(), ""};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

class Taker {
 public:
  Taker(const fs::path& root, const TreeOptions& options) : root_(root), options_(options) {}

  Result<Tree> run() {
    tree_.root = clean(root_.string());
    ASSAY_TRY(folder(root_));
    std::sort(tree_.files.begin(), tree_.files.end(),
              [](const TreeFile& a, const TreeFile& b) { return a.path < b.path; });
    std::sort(tree_.left_out.begin(), tree_.left_out.end());
    return std::move(tree_);
  }

 private:
  bool excluded(const fs::path& path) const {
    return std::find(options_.exclude.begin(), options_.exclude.end(), path) != options_.exclude.end();
  }

  std::string clean(const std::string& text) const {
    return options_.redactor ? options_.redactor->text(text) : text;
  }

  // Two names that held the same key, written in two ways, stay two.
  std::string relative(const fs::path& path) {
    const std::string name = path.lexically_relative(root_).generic_string(), kept = clean(name);
    std::string free = kept;
    if (kept != name)
      for (int i = 2; !taken_.insert(free).second; ++i) free = kept + "-" + std::to_string(i);
    return free;
  }

  Status folder(const fs::path& path) {
    std::error_code code;
    std::vector<fs::path> entries;
    for (fs::directory_iterator it(path, code), end; !code && it != end; it.increment(code))
      entries.push_back(it->path());
    if (code) return Error{Fault::unreadable, "cannot list: " + code.message(), path.string(), ""};
    std::sort(entries.begin(), entries.end());
    for (const fs::path& entry : entries) ASSAY_TRY(one(entry));
    return {};
  }

  Status one(const fs::path& path) {
    if (excluded(path)) return {};
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) return cannot("cannot look at", path);
    if (S_ISDIR(info.st_mode)) {
      const std::string name = path.filename().string();
      if (name != ".git" && name != "__pycache__") return folder(path);
      tree_.left_out.push_back(relative(path));
      return {};
    }
    TreeFile file;
    file.path = relative(path);
    file.mode = info.st_mode & 07777;
    file.modified = info.st_mtime;
    if (S_ISLNK(info.st_mode)) return link(path, std::move(file));
    if (S_ISREG(info.st_mode)) return regular(path, std::move(file));
    tree_.left_out.push_back(file.path);
    return {};
  }

  Status link(const fs::path& path, TreeFile file) {
    std::error_code code;
    file.link = clean(fs::read_symlink(path, code).string());
    if (code) return Error{Fault::unreadable, "cannot read a link: " + code.message(), path.string(), ""};
    tree_.files.push_back(std::move(file));
    return {};
  }

  Status regular(const fs::path& path, TreeFile file) {
    std::string content = ASSAY_TRY(read_file(path));
    if (options_.redactor) content = options_.redactor->text(content);
    if (!options_.root_as.empty() && options_.root_as != tree_.root)
      content = replaced(content, tree_.root, options_.root_as);
    file.size = content.size();
    file.digest = sha256(content);
    file.kept = content.size() <= options_.largest && options_.keep && options_.keep(file);
    if (file.kept) {
      const fs::path target = options_.into / file.path;
      std::error_code code;
      fs::create_directories(target.parent_path(), code);
      ASSAY_TRY(write_file(target, content, Existing::replace));
    }
    tree_.files.push_back(std::move(file));
    return {};
  }

  const fs::path root_;
  const TreeOptions& options_;
  Tree tree_;
  std::set<std::string> taken_;  // names that were redacted
};

Json file_json(const TreeFile& file) {
  char mode[8];
  std::snprintf(mode, sizeof mode, "%o", file.mode);
  Json json =
      Json::object({{"path", file.path}, {"mode", mode}, {"modified", static_cast<long>(file.modified)}});
  if (file.link) return json.set("link", *file.link);
  return json.set("size", static_cast<unsigned long>(file.size))
      .set("sha256", file.digest.hex())
      .set("kept", file.kept);
}

Result<TreeFile> file_of(const Json& json) {
  TreeFile file;
  std::string mode = "644", digest;
  formats::Fields fields(json);
  fields.require("path")
      .text("path", file.path)
      .text("mode", mode)
      .text("link", file.link)
      .text("sha256", digest)
      .boolean("kept", file.kept);
  ASSAY_TRY(fields.status());
  file.mode = static_cast<unsigned>(std::strtoul(mode.c_str(), nullptr, 8)) & 07777;
  file.modified = json["modified"].integer().value_or(0);
  if (file.link) return file;
  file.size = json["size"].natural().value_or(0);
  file.digest = ASSAY_TRY(Digest::from_hex(digest));
  return file;
}

}  // namespace

bool TreeFile::same_content(const TreeFile& other) const {
  return link == other.link && (link || (size == other.size && digest == other.digest));
}

Json Tree::to_json() const {
  Json list = Json::array(), left = Json::array();
  for (const TreeFile& file : files) list.push(file_json(file));
  for (const std::string& path : left_out) left.push(Json(path));
  return Json::object({{"assay", "tree"},
                       {"version", 1},
                       {"root", root},
                       {"files", std::move(list)},
                       {"left_out", std::move(left)}});
}

Result<Tree> Tree::parse(std::string_view text) {
  const Json json = ASSAY_TRY(formats::parse_object(text));
  if (json["assay"].string_or("") != "tree" || json["version"].integer() != 1)
    return Error{Fault::malformed, "expected \"assay\": \"tree\", \"version\": 1", "", ""};
  Tree tree;
  tree.root = json["root"].string_or("");
  for (const Json& entry : json["files"].items()) tree.files.push_back(ASSAY_TRY(file_of(entry)));
  for (const Json& entry : json["left_out"].items()) tree.left_out.emplace_back(entry.string_or(""));
  return tree;
}

const TreeFile* Tree::find(std::string_view path) const {
  const auto at =
      std::lower_bound(files.begin(), files.end(), path,
                       [](const TreeFile& file, std::string_view key) { return file.path < key; });
  return at != files.end() && at->path == path ? &*at : nullptr;
}

Result<Tree> take_tree(const fs::path& root, const TreeOptions& options) {
  return Taker(root, options).run();
}

Status restore_tree(const Tree& tree, const fs::path& contents, const fs::path& into) {
  for (const TreeFile& file : tree.files) {
    const fs::path target = ASSAY_TRY(inside(into, file.path));
    std::error_code code;
    fs::create_directories(target.parent_path(), code);
    if (file.link) {
      fs::create_symlink(*file.link, target, code);
    } else if (file.kept) {
      const std::string content = ASSAY_TRY(read_file(ASSAY_TRY(inside(contents, file.path))));
      ASSAY_TRY(write_file(target, content, Existing::refuse, file.mode));
      const timespec times[2] = {{file.modified, 0}, {file.modified, 0}};
      ::utimensat(AT_FDCWD, target.c_str(), times, 0);
    }
    if (code) return Error{Fault::unreadable, "cannot write: " + code.message(), target.string(), ""};
  }
  return {};
}

std::vector<TreeDifference> compare_trees(const Tree& expected, const Tree& found) {
  using Kind = TreeDifference::Kind;
  std::vector<TreeDifference> differences;
  for (const TreeFile& file : expected.files) {
    const TreeFile* other = found.find(file.path);
    if (!other)
      differences.push_back({file.path, Kind::missing});
    else if (!file.same_content(*other))
      differences.push_back({file.path, Kind::changed});
  }
  for (const TreeFile& file : found.files)
    if (!expected.find(file.path)) differences.push_back({file.path, Kind::added});
  return differences;
}

}  // namespace assay::search
