// --meta and --claims: what the author says about a campaign, checked before it is sealed.
#include <algorithm>
#include <set>
#include <span>

#include "archives/import_parts.hpp"
#include "formats/campaign.hpp"
#include "formats/fields.hpp"

namespace assay::archives {

namespace {

constexpr std::string_view kMetaFields[] = {"title", "authors", "licence", "doi", "paper", "description"};
constexpr std::string_view kAuthorFields[] = {"name", "orcid", "affiliation"};
constexpr std::string_view kClaimsFields[] = {"claims", "baselines"};
constexpr const char* kMeta = "--meta";
constexpr const char* kClaims = "--claims";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "10.", a registrant of 4 to 9 digits, "/", a suffix (DOI Handbook, 2.2; the usual form, without a
// resolver's address).
bool is_doi(std::string_view text) {
  if (!text.starts_with("10.") || text.size() > 256) return false;
  text.remove_prefix(3);
  const auto slash = text.find('/');
  if (slash == text.npos || slash < 4 || slash > 9 || slash + 1 == text.size()) return false;
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(slash), is_digit) &&
         std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; });
}

// An SPDX identifier or expression: "Apache-2.0", "MIT OR Apache-2.0".
bool is_licence(std::string_view text) {
  return !text.empty() && text.size() <= 200 && std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("-.+() :").find(c) != std::string_view::npos;
  });
}

// A field that is not known is most often a known one misspelt ("license"): refused, not sealed unseen.
Status only_fields(const Json& object, const std::string& path, std::span<const std::string_view> known) {
  for (const auto& member : object.members()) {
    if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
    std::string list;
    for (const auto name : known) list += (list.empty() ? "" : ", ") + std::string(name);
    return Error{Fault::malformed, "no such field", "field \"" + path + member.key + "\"",
                 "the fields are " + list};
  }
  return {};
}

Status check_author(const Json& json, const std::string& path) {
  if (!json.is_object())
    return Error{Fault::malformed, "expected an object with a name, found " + formats::describe(json),
                 "field \"" + path + "\"", ""};
  formats::Fields fields(json, path + ".");
  std::string name, orcid, affiliation;
  fields.require("name").text("name", name).text("orcid", orcid).text("affiliation", affiliation);
  if (fields.ok() && name.empty()) fields.refuse("name", "a name");
  if (fields.find("orcid") && fields.ok() && !is_orcid(orcid))
    fields.refuse("orcid", "an ORCID iD such as 0000-0002-1825-0097 whose last character is its checksum");
  ASSAY_TRY(fields.status());
  return only_fields(json, path + ".", kAuthorFields);
}

Status check_authors(const Json& authors) {
  for (std::size_t i = 0; i < authors.size(); ++i)
    ASSAY_TRY(check_author(authors.items()[i], "authors[" + std::to_string(i) + "]"));
  return {};
}

Status checked(Status status, const char* option) {
  if (status.ok()) return status;
  return std::move(status.error()).in(option);
}

Status check_meta_fields(const Json& meta) {
  if (!meta.is_object())
    return Error{Fault::malformed, "expected an object, found " + formats::describe(meta), "", ""};
  formats::Fields fields(meta);
  std::string title, licence, doi, paper, description;
  Json authors;
  fields.text("title", title).array("authors", authors).text("licence", licence).text("doi", doi);
  fields.text("paper", paper).text("description", description);
  if (fields.find("title") && fields.ok() && title.empty()) fields.refuse("title", "a title");
  if (fields.find("licence") && fields.ok() && !is_licence(licence))
    fields.refuse("licence", "an SPDX identifier such as Apache-2.0");
  if (fields.find("doi") && fields.ok() && !is_doi(doi))
    fields.refuse("doi", "a DOI such as 10.5281/zenodo.1, without an address before it");
  ASSAY_TRY(fields.status());
  ASSAY_TRY(only_fields(meta, "", kMetaFields));
  return check_authors(authors);
}

Status require_source(const Json& source, const std::string& path) {
  if (source["document"].string()) return {};
  return Error{
      Fault::malformed,
      "no source: expected {\"document\": \"...\", \"where\": \"...\"}, found " + formats::describe(source),
      "field \"" + path + ".source\"", "say where the statement stands"};
}

Status check_claims_fields(const Json& document) {
  if (!document.is_object())
    return Error{Fault::malformed, "expected an object, found " + formats::describe(document), "", ""};
  ASSAY_TRY(only_fields(document, "", kClaimsFields));
  if (document.find("claims")) {
    const auto claims = ASSAY_TRY(formats::parse_claims(document.dump()));
    for (std::size_t i = 0; i < claims.size(); ++i)
      ASSAY_TRY(require_source(claims[i].source, "claims[" + std::to_string(i) + "]"));
  }
  if (document.find("baselines")) {
    const auto baselines = ASSAY_TRY(formats::parse_baselines(document.dump()));
    for (std::size_t i = 0; i < baselines.size(); ++i)
      ASSAY_TRY(require_source(baselines[i].source, "baselines[" + std::to_string(i) + "]"));
  }
  return {};
}

// What --claims brings is in no file of the campaign's, unless the author says otherwise.
Json marked_external(const Json& list, const char* key) {
  Json out = Json::array();
  for (Json entry : list.items()) {
    if (!entry.find("external")) entry.set("external", true);
    out.push(std::move(entry));
  }
  return Json::object({{key, std::move(out)}});
}

// Each baseline that a claim names must be described.
Status check_references(const CampaignDocuments& documents) {
  if (documents.claims.is_null()) return {};
  std::set<std::string> known;
  if (!documents.baselines.is_null())
    for (const auto& baseline : ASSAY_TRY(formats::parse_baselines(documents.baselines.dump())))
      known.insert(baseline.id);
  const auto claims = ASSAY_TRY(formats::parse_claims(documents.claims.dump()));
  for (const auto& claim : claims) {
    std::string baseline = claim.baseline;
    if (claim.of.starts_with("above:")) baseline = claim.of.substr(6);
    if (baseline.empty() || known.contains(baseline)) continue;
    return Error{Fault::malformed,
                 "claim \"" + claim.id + "\" names the baseline \"" + baseline +
                     "\", which baselines.json does not describe",
                 "claims.json", "describe it under \"baselines\""};
  }
  return {};
}

}  // namespace

bool is_orcid(std::string_view text) {
  if (text.size() != 19) return false;
  unsigned total = 0;
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (i % 5 == 4) {
      if (text[i] != '-') return false;
      continue;
    }
    if (!is_digit(text[i])) return false;
    total = (total + static_cast<unsigned>(text[i] - '0')) * 2 % 11;
  }
  const unsigned check = (12 - total) % 11;
  return text[18] == (check == 10 ? 'X' : static_cast<char>('0' + check));
}

Status check_meta(const Json& meta) { return checked(check_meta_fields(meta), kMeta); }

Status check_claims(const Json& claims) { return checked(check_claims_fields(claims), kClaims); }

Status add_documents(CampaignDocuments documents, const ImportOptions& options,
                     std::vector<ImportedItem>& items) {
  if (options.meta) {
    ASSAY_TRY(check_meta(*options.meta));
    for (const auto& member : options.meta->members()) documents.head.set(member.key, member.value);
  }
  if (options.claims) {
    ASSAY_TRY(check_claims(*options.claims));
    if (const Json* claims = options.claims->find("claims"))
      documents.claims = marked_external(*claims, "claims");
    if (const Json* baselines = options.claims->find("baselines"))
      documents.baselines = marked_external(*baselines, "baselines");
  }
  ASSAY_TRY(check_references(documents));
  items.push_back(ImportedItem::inline_text("campaign.json", documents.head.dump_pretty()));
  if (!documents.claims.is_null())
    items.push_back(ImportedItem::inline_text("claims.json", documents.claims.dump_pretty()));
  if (!documents.baselines.is_null())
    items.push_back(ImportedItem::inline_text("baselines.json", documents.baselines.dump_pretty()));
  return {};
}

}  // namespace assay::archives
