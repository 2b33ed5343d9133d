#include "archives/git/tags.hpp"

namespace assay::archives::git {

namespace {

constexpr std::string_view kTags = "refs/tags/";
constexpr std::uint64_t kLongestTagObject = 1u << 20;

ArchiveTag read_tag(const GitRepository& repository, const Reference& reference) {
  ArchiveTag tag;
  tag.name = reference.name.substr(kTags.size());
  const Result<std::string> raw = repository.read(reference.target, ObjectType::tag, kLongestTagObject);
  if (!raw) {
    tag.problem = "no annotated tag: " + raw.error().what;
    if (repository.size_of(reference.target, ObjectType::commit)) tag.commit = reference.target;
    return tag;
  }
  const Result<TagText> text = TagText::parse(*raw);
  if (!text) {
    tag.problem = text.error().what;
    return tag;
  }
  if (text->name != tag.name) tag.problem = "the reference and the tag differ in name";
  if (text->type == "commit") tag.commit = text->object;
  tag.time = text->tagger.time;
  tag.signature = verify_signature(text->signature, text->payload(), tag.signer);
  return tag;
}

}  // namespace

Result<std::vector<ArchiveTag>> read_tags(const GitRepository& repository) {
  std::vector<ArchiveTag> tags;
  for (const Reference& reference : ASSAY_TRY(repository.references(std::string(kTags))))
    tags.push_back(read_tag(repository, reference));
  return tags;
}

Status check_tag_is_free(const GitRepository& repository, const std::string& name,
                         const HistoryCommit* generation) {
  const std::string full = std::string(kTags) + name;
  const auto target = ASSAY_TRY(repository.find_reference(full));
  if (!target) return {};
  const ArchiveTag tag = read_tag(repository, {full, *target});
  if (generation && tag.commit == generation->oid) return {};
  return Error{Fault::refused, "the tag is there already, on another commit", name,
               "choose another name; a tag never moves"};
}

std::string tag_reference(const std::string& name) { return std::string(kTags) + name; }

Result<std::optional<Oid>> write_tag(GitRepository& repository, const std::string& name, const Oid& commit,
                                     const std::string& title, const formats::Signer& signer,
                                     const Person& tagger) {
  if (ASSAY_TRY(repository.find_reference(tag_reference(name)))) return std::optional<Oid>();
  TagText tag;
  tag.object = commit, tag.name = name, tag.tagger = tagger;
  tag.message = name + ": " + title + "\n";  // the name first: no title can pass for the start of a signature
  tag.signature = ASSAY_TRY(formats::sshsig_sign(signer, tag.payload(), "git"));
  return std::optional<Oid>(ASSAY_TRY(repository.write(ObjectType::tag, tag.encode())));
}

}  // namespace assay::archives::git
