#include "archives/git/object_text.hpp"

#include <algorithm>
#include <charconv>

#include "toolkit/base/bytes.hpp"

namespace assay::archives::git {

namespace {

Error bad(const std::string& what) { return Error{Fault::damaged, what, "", ""}; }

constexpr std::string_view kArmourStart = "-----BEGIN SSH SIGNATURE-----\n";

std::string encode_person(const Person& person) {
  return person.name + " <" + person.email + "> " + std::to_string(person.time) + " " + person.zone;
}

Result<Person> parse_person(std::string_view text) {
  const auto open = text.find(" <"), close = text.find("> ");
  if (open == text.npos || close == text.npos || close < open)
    return bad("a person that is not NAME <EMAIL> TIME ZONE");
  Person person;
  person.name = text.substr(0, open);
  person.email = text.substr(open + 2, close - open - 2);
  const std::string_view rest = text.substr(close + 2);
  const auto space = rest.find(' ');
  if (space == rest.npos) return bad("a person without a time zone");
  const auto [end, code] = std::from_chars(rest.data(), rest.data() + space, person.time);
  if (code != std::errc() || end != rest.data() + space) return bad("a time that is no number");
  person.zone = rest.substr(space + 1);
  return person;
}

// Takes the next line "KEY VALUE" off `rest` if it starts with KEY.
bool take_header(std::string_view& rest, std::string_view key, std::string_view& value) {
  if (!rest.starts_with(key) || rest.size() <= key.size() || rest[key.size()] != ' ') return false;
  const auto end = rest.find('\n');
  if (end == rest.npos) return false;
  value = rest.substr(key.size() + 1, end - key.size() - 1);
  rest.remove_prefix(end + 1);
  return true;
}

// The value of a header that goes on over lines starting with a space.
std::string take_continued(std::string_view& rest, std::string_view first) {
  std::string value(first);
  while (rest.starts_with(' ')) {
    const auto end = std::min(rest.find('\n'), rest.size() - 1);
    value += '\n';
    value += rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
  }
  return value;
}

std::string indent(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (c == '\n') out += ' ';
  }
  return out;
}

}  // namespace

bool is_oid(std::string_view text) {
  return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

Status check_person(const Person& person) {
  for (const std::string* field : {&person.name, &person.email}) {
    const char* which = field == &person.name ? "name" : "e-mail address";
    const auto illegal = [](unsigned char c) { return c < 0x20 || c == 0x7f || c == '<' || c == '>'; };
    if (field->empty() || field->front() == ' ' || field->back() == ' ' || field->size() > 200)
      return Error{Fault::usage, std::string("an author's ") + which + " is needed for the commit", "", ""};
    if (std::any_of(field->begin(), field->end(), illegal) || first_invalid_utf8(*field) != field->npos)
      return Error{Fault::usage, std::string("the author's ") + which + " holds a character that git refuses",
                   "", ""};
  }
  if (person.time < 0) return Error{Fault::usage, "a commit's time cannot lie before 1970", "", ""};
  return {};
}

std::string CommitText::payload() const {
  CommitText plain = *this;
  plain.signature.clear();
  return plain.encode();
}

std::string CommitText::encode() const {
  std::string out = "tree " + tree + "\n";
  for (const Oid& parent : parents) out += "parent " + parent + "\n";
  out += "author " + encode_person(author) + "\ncommitter " + encode_person(committer) + "\n";
  if (!signature.empty()) out += "gpgsig " + indent(signature) + "\n";
  return out + "\n" + message;
}

Result<CommitText> CommitText::parse(std::string_view raw) {
  CommitText commit;
  std::string_view rest = raw, value;
  if (!take_header(rest, "tree", value)) return bad("a commit without a tree");
  commit.tree = value;
  while (take_header(rest, "parent", value)) commit.parents.emplace_back(value);
  if (!take_header(rest, "author", value)) return bad("a commit without an author");
  commit.author = ASSAY_TRY(parse_person(value));
  if (!take_header(rest, "committer", value)) return bad("a commit without a committer");
  commit.committer = ASSAY_TRY(parse_person(value));
  if (take_header(rest, "gpgsig", value)) commit.signature = take_continued(rest, value);
  if (!rest.starts_with('\n'))
    return bad("a commit with a header other than tree, parent, author, committer, gpgsig");
  commit.message = rest.substr(1);
  const bool oids = is_oid(commit.tree) && std::all_of(commit.parents.begin(), commit.parents.end(), is_oid);
  if (!oids || commit.encode() != raw) return bad("a commit that is not in git's canonical form");
  return commit;
}

std::string TagText::payload() const {
  return "object " + object + "\ntype " + type + "\ntag " + name + "\ntagger " + encode_person(tagger) +
         "\n\n" + message;
}

std::string TagText::encode() const { return payload() + (signature.empty() ? "" : signature + "\n"); }

Result<TagText> TagText::parse(std::string_view raw) {
  TagText tag;
  std::string_view rest = raw, value;
  if (!take_header(rest, "object", value)) return bad("a tag without an object");
  tag.object = value;
  if (!take_header(rest, "type", value)) return bad("a tag without a type");
  tag.type = value;
  if (!take_header(rest, "tag", value)) return bad("a tag without a name");
  tag.name = value;
  if (!take_header(rest, "tagger", value)) return bad("a tag without a tagger");
  tag.tagger = ASSAY_TRY(parse_person(value));
  if (!rest.starts_with('\n')) return bad("a tag with a header other than object, type, tag, tagger");
  rest.remove_prefix(1);
  const std::size_t start = rest.starts_with(kArmourStart) ? 0 : rest.find("\n" + std::string(kArmourStart));
  if (start != rest.npos) {
    const std::size_t cut = start == 0 ? 0 : start + 1;
    tag.signature = rest.substr(cut);
    if (!tag.signature.ends_with('\n')) return bad("a tag whose signature has no final line feed");
    tag.signature.pop_back();
    rest = rest.substr(0, cut);
  }
  tag.message = rest;
  if (!is_oid(tag.object) || tag.encode() != raw) return bad("a tag that is not in git's canonical form");
  return tag;
}

namespace {

// Git sorts folders as if their name ended in a slash.
bool tree_less(const TreeEntry& a, const TreeEntry& b) {
  return a.name + (a.is_folder() ? "/" : "") < b.name + (b.is_folder() ? "/" : "");
}

Result<TreeEntry> take_entry(std::string_view& rest) {
  const auto space = rest.find(' ');
  const auto zero = rest.find('\0');
  if (space == rest.npos || zero == rest.npos || zero < space || rest.size() - zero - 1 < 20)
    return bad("a tree whose entries do not end where they should");
  TreeEntry entry;
  entry.mode = rest.substr(0, space);
  entry.name = rest.substr(space + 1, zero - space - 1);
  entry.oid = to_hex(rest.substr(zero + 1, 20));
  rest.remove_prefix(zero + 21);
  return entry;
}

Status check_entry(const TreeEntry& entry) {
  static constexpr std::string_view kModes[] = {kModeFile, kModeFolder, "100755", "120000", "160000"};
  if (std::find(std::begin(kModes), std::end(kModes), entry.mode) == std::end(kModes))
    return bad("a tree entry of unknown mode");
  if (entry.name.empty() || entry.name == "." || entry.name == ".." ||
      entry.name.find('/') != entry.name.npos)
    return bad("a tree entry with an illegal name");
  return {};
}

}  // namespace

std::string encode_tree(std::vector<TreeEntry> entries) {
  std::sort(entries.begin(), entries.end(), tree_less);
  std::string out;
  for (const TreeEntry& entry : entries) {
    out += entry.mode + ' ' + entry.name + '\0';
    out += from_hex(entry.oid).ok() ? *from_hex(entry.oid) : std::string(20, '\0');
  }
  return out;
}

Result<std::vector<TreeEntry>> parse_tree(std::string_view raw) {
  std::vector<TreeEntry> entries;
  while (!raw.empty()) {
    TreeEntry entry = ASSAY_TRY(take_entry(raw));
    ASSAY_TRY(check_entry(entry));
    if (!entries.empty() && !tree_less(entries.back(), entry))
      return bad("a tree whose entries are not in order");
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace assay::archives::git
