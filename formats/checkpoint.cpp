#include "formats/checkpoint.hpp"

#include <algorithm>
#include <charconv>

#include "formats/item.hpp"

namespace assay::formats {

namespace {

constexpr std::string_view kDash = "\xe2\x80\x94 ";  // U+2014, space
constexpr char kEd25519 = 0x01;
constexpr std::size_t kMaxNote = 1u << 20;
constexpr std::size_t kMaxPath = 64;
constexpr std::string_view kProofHead = "c2sp.org/tlog-proof@v1";

Error unusable(std::string what) { return {Fault::untrusted, std::move(what), "", ""}; }

Bytes encoded_key(const PublicKey& key) {
  return Bytes(1, kEd25519).append(reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size());
}

// The first four bytes of SHA-256(name || LF || type || key).
Bytes key_id(std::string_view name, const PublicKey& key) {
  return Bytes(sha256(name, "\n", encoded_key(key)).view().substr(0, 4));
}

bool is_note_text(std::string_view text) {
  const bool control =
      std::any_of(text.begin(), text.end(), [](char c) { return c >= 0 && c < 0x20 && c != '\n'; });
  return text.ends_with('\n') && !control && first_invalid_utf8(text) == text.npos;
}

bool is_key_name(std::string_view name) {
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '+'; });
}

// The line up to the next LF, which is taken off `text`; nothing if there is no LF.
std::optional<std::string_view> take_line(std::string_view& text) {
  const auto end = text.find('\n');
  if (end == text.npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

enum class Line { ours, foreign, malformed, bad };

Line judge_line(std::string_view line, std::string_view text, const PublicKey& key) {
  if (!line.starts_with(kDash)) return Line::malformed;
  line.remove_prefix(kDash.size());
  const auto space = line.find(' ');
  const std::string_view name = line.substr(0, space);
  const Result<Bytes> bytes =
      space == line.npos ? Result<Bytes>(Bytes()) : from_base64(line.substr(space + 1));
  if (name.empty() || !bytes || bytes->size() < 5) return Line::malformed;
  if (!bytes->starts_with(key_id(name, key))) return Line::foreign;
  return key.verify(text, ByteView(*bytes).substr(4)) ? Line::ours : Line::bad;
}

std::optional<std::uint64_t> decimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || (text.size() > 1 && text[0] == '0'))
    return std::nullopt;
  return value;
}

std::optional<Digest> digest_line(std::string_view line) {
  const Result<Bytes> bytes = from_base64(line);
  if (!bytes || bytes->size() != 32) return std::nullopt;
  Digest digest;
  std::copy(bytes->begin(), bytes->end(), digest.bytes.begin());
  return digest;
}

struct ParsedProof {
  std::uint64_t index = 0;
  std::vector<Digest> path;
  std::string_view checkpoint;
};

Result<ParsedProof> parse_tlog_proof(std::string_view text) {
  const Error malformed{Fault::malformed, "not a proof of form " + std::string(kProofHead), "", ""};
  ParsedProof proof;
  if (text.size() > kMaxNote || take_line(text) != kProofHead) return malformed;
  auto line = take_line(text);
  if (line && line->starts_with("extra ")) line = take_line(text);
  if (!line || !line->starts_with("index ")) return malformed;
  const auto index = decimal(line->substr(6));
  if (!index) return malformed;
  proof.index = *index;
  for (line = take_line(text); line && !line->empty(); line = take_line(text)) {
    const auto digest = digest_line(*line);
    if (!digest || proof.path.size() == kMaxPath) return malformed;
    proof.path.push_back(*digest);
  }
  if (!line) return malformed;
  proof.checkpoint = text;
  return proof;
}

}  // namespace

Result<std::string> sign_note(std::string_view text, std::string_view name, const Signer& signer) {
  if (!is_note_text(text))
    return Error{Fault::usage, "a note's text is UTF-8 without control characters and ends in a line feed",
                 "", ""};
  if (!is_key_name(name))
    return Error{Fault::usage, "a key's name in a note is printable ASCII without space and plus", "", ""};
  const Bytes signature = ASSAY_TRY(signer.sign(text));
  std::string note(text);
  note.append("\n").append(kDash).append(name).append(" ");
  return note.append(to_base64(key_id(name, signer.public_key()) + signature)).append("\n");
}

Result<std::string> verify_note(std::string_view note, const PublicKey& key) {
  if (note.size() > kMaxNote || !is_note_text(note))
    return Error{Fault::malformed, "not a signed note", "", ""};
  const auto blank = note.rfind("\n\n");
  if (blank == note.npos)
    return Error{Fault::malformed, "not a signed note: no empty line before the signatures", "", ""};
  const std::string_view text = note.substr(0, blank + 1);
  std::string_view lines = note.substr(blank + 2);
  bool found = false;
  while (const auto line = take_line(lines)) {
    const Line judged = judge_line(*line, text, key);
    if (judged == Line::malformed)
      return Error{Fault::malformed, "not a signed note: a signature line is malformed", "", ""};
    if (judged == Line::bad)
      return unusable("the note's signature by " + key.fingerprint() + " does not fit its text");
    found = found || judged == Line::ours;
  }
  if (!found) return unusable("the note is not signed by " + key.fingerprint());
  return std::string(text);
}

std::string note_key(std::string_view name, const PublicKey& key) {
  return std::string(name) + "+" + to_hex(key_id(name, key)) + "+" + to_base64(encoded_key(key));
}

std::string checkpoint_origin(const Digest& root) { return "assay-bundle/" + root.hex(); }

Result<std::string> sign_checkpoint(const Checkpoint& checkpoint, const Signer& signer) {
  const std::string size = std::to_string(checkpoint.size);
  const std::string text = checkpoint.origin + "\n" + size + "\n" + to_base64(checkpoint.root.view()) + "\n";
  return sign_note(text, checkpoint.origin, signer);
}

Result<Checkpoint> verify_checkpoint(std::string_view note, const PublicKey& key) {
  const std::string text = ASSAY_TRY(verify_note(note, key));
  std::string_view left = text;
  const auto origin = take_line(left), size_text = take_line(left), root_text = take_line(left);
  const auto size = size_text ? decimal(*size_text) : std::nullopt;
  const auto root = root_text ? digest_line(*root_text) : std::nullopt;
  if (!origin || origin->empty() || !size || !root)
    return Error{Fault::malformed, "not a checkpoint: expected lines of origin, size and root", "", ""};
  return Checkpoint{std::string(*origin), *size, *root};
}

std::string format_tlog_proof(std::uint64_t index, const std::vector<Digest>& path,
                              std::string_view checkpoint) {
  std::string out(kProofHead);
  out.append("\nindex ").append(std::to_string(index)).append("\n");
  for (const Digest& digest : path) out.append(to_base64(digest.view())).append("\n");
  return out.append("\n").append(checkpoint);
}

Result<Checkpoint> verify_tlog_proof(std::string_view proof, std::string_view leaf, const PublicKey& key) {
  const ParsedProof parsed = ASSAY_TRY(parse_tlog_proof(proof));
  Checkpoint checkpoint = ASSAY_TRY(verify_checkpoint(parsed.checkpoint, key));
  if (root_from_path(leaf_hash(leaf), parsed.index, checkpoint.size, parsed.path) != checkpoint.root)
    return Error{Fault::damaged, "the item is not in the tree whose root was signed",
                 "index " + std::to_string(parsed.index), ""};
  return checkpoint;
}

}  // namespace assay::formats
