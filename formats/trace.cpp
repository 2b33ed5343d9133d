#include "formats/trace.hpp"

#include <bit>

#include "formats/fields.hpp"
#include "toolkit/base/bytes.hpp"
#include "toolkit/base/json.hpp"

namespace assay::formats {

namespace {

constexpr std::string_view kDomain{"assay-trace-v1\0", 15};  // with its zero
constexpr std::string_view kNothing{"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32};

std::string_view view_or_zeros(const std::optional<Digest>& digest) {
  return digest ? digest->view() : kNothing;
}

Error not_a(const char* kind, const std::string& why) {
  return {Fault::damaged, std::string("not a trace's ") + kind + ": " + why, "", ""};
}

Result<Digest> digest_of(const Json& object, const char* key, const char* kind) {
  const auto digest = Digest::from_hex(object[key].string_or(""));
  if (!digest)
    return not_a(kind, std::string("\"") + key + "\" must be 64 lower-case hex digits, found " +
                           describe(object[key]));
  return *digest;
}

Result<std::optional<Digest>> optional_digest(const Json& object, const char* key, const char* kind) {
  if (!object.find(key)) return std::optional<Digest>();
  return std::optional<Digest>(ASSAY_TRY(digest_of(object, key, kind)));
}

Result<std::uint32_t> bits_of(const Json& object, const char* key) {
  const auto bits = parse_bits(object[key].string_or(""));
  if (!bits)
    return not_a("row", std::string("\"") + key + "\" must be 8 lower-case hex digits, found " +
                            describe(object[key]));
  return *bits;
}

Result<Json> object_of(std::string_view line, const char* kind) {
  auto json = Json::parse(line);
  if (!json) return not_a(kind, json.error().what);
  if (!json->is_object()) return not_a(kind, "expected a JSON object, found " + describe(*json));
  return json;
}

std::string step_place(std::size_t line, std::uint64_t step) {
  return "line " + std::to_string(line) + ", step " + std::to_string(step);
}

// The next line of `text` without its line feed, and whether it had one.
struct Line {
  std::string_view text;
  bool whole = false;
};

Line take_line(std::string_view& text) {
  const auto end = text.find('\n');
  const Line line{text.substr(0, end), end != text.npos};
  text.remove_prefix(line.whole ? end + 1 : text.size());
  return line;
}

Result<TraceRow> checked_row(std::string_view line, std::uint64_t step, const Digest& before) {
  TraceRow row = ASSAY_TRY(TraceRow::parse(line));
  if (row.step != step)
    return not_a("row", "expected step " + std::to_string(step) + ", found " + std::to_string(row.step));
  const Digest chain = next_chain(before, row);
  if (chain != row.chain)
    return Error{Fault::damaged,
                 "the trace's chain is broken: expected " + chain.hex() + ", found " + row.chain.hex(), "",
                 "a row was changed, or the rows before it were"};
  return row;
}

// `strict`: an error ends the reading; else it is where the trace ends.
Result<Trace> read_trace(std::string_view text, bool strict) {
  Trace trace;
  const Line head = take_line(text);
  if (!head.whole) return Error{Fault::damaged, "not a trace: no line feed after its head", "line 1", ""};
  auto parsed = TraceHead::parse(head.text);
  if (!parsed) return std::move(parsed.error()).in("line 1");
  trace.head = *parsed;
  Digest chain = trace.head.chain();
  for (std::size_t number = 2; !text.empty(); ++number) {
    const Line line = take_line(text);
    const std::uint64_t step = trace.rows.size() + 1;
    if (!line.whole && strict)
      return Error{Fault::damaged, "the last line of the trace has no line feed", step_place(number, step),
                   ""};
    if (step > Trace::kMaxSteps)
      return Error{Fault::damaged, "a trace of more than " + std::to_string(Trace::kMaxSteps) + " steps", "",
                   ""};
    auto row = line.whole ? checked_row(line.text, step, chain) : not_a("row", "unfinished");
    if (!row && !strict) break;
    if (!row) return std::move(row.error()).in(step_place(number, step));
    chain = row->chain;
    trace.rows.push_back(*row);
  }
  return trace;
}

}  // namespace

std::string bits_text(std::uint32_t bits) {
  Bytes bytes;
  put_u32_be(bytes, bits);
  return to_hex(bytes);
}

std::optional<std::uint32_t> parse_bits(std::string_view text) {
  char bytes[4];
  if (text.size() != 8 || !hex_to(text, bytes)) return std::nullopt;
  return get_u32_be(bytes);
}

float float_of(std::uint32_t bits) { return std::bit_cast<float>(bits); }

// ---- head

Digest TraceHead::chain() const {
  return Sha256()
      .update(kDomain)
      .update(recipe.view())
      .update(view_or_zeros(program))
      .update(data.view())
      .update(root.view())
      .finish();
}

std::string TraceHead::line() const {
  Json json = Json::object({{"assay", "trace"},
                            {"version", 1},
                            {"recipe", recipe.hex()},
                            {"data", data.hex()},
                            {"root", root.hex()},
                            {"chain", chain().hex()}});
  if (program) json.set("program", program->hex());
  return json.dump_canonical();
}

Result<TraceHead> TraceHead::parse(std::string_view line) {
  const Json json = ASSAY_TRY(object_of(line, "head"));
  if (json["assay"].string_or("") != "trace" || json["version"].integer() != 1)
    return not_a("head", "expected \"assay\": \"trace\", \"version\": 1");
  TraceHead head;
  head.recipe = ASSAY_TRY(digest_of(json, "recipe", "head"));
  head.program = ASSAY_TRY(optional_digest(json, "program", "head"));
  head.data = ASSAY_TRY(digest_of(json, "data", "head"));
  head.root = ASSAY_TRY(digest_of(json, "root", "head"));
  const Digest chain = ASSAY_TRY(digest_of(json, "chain", "head"));
  if (chain != head.chain())
    return Error{Fault::damaged,
                 "the trace's head does not give its first link: expected " + head.chain().hex() +
                     ", found " + chain.hex(),
                 "", ""};
  if (head.line() != line) return not_a("head", "it is not in canonical form");
  return head;
}

// ---- rows

Digest next_chain(const Digest& before, const StepResult& result) {
  Bytes message(before.view());
  put_u64_le(message, result.step);
  put_u32_le(message, result.loss);
  put_u32_le(message, result.grad_norm);
  message += view_or_zeros(result.root);
  return sha256(message);
}

std::string TraceRow::line() const {
  Json json = Json::object({{"step", step},
                            {"loss", bits_text(loss)},
                            {"grad_norm", bits_text(grad_norm)},
                            {"chain", chain.hex()}});
  if (root) json.set("root", root->hex());
  return json.dump_canonical();
}

Result<TraceRow> TraceRow::parse(std::string_view line) {
  const Json json = ASSAY_TRY(object_of(line, "row"));
  TraceRow row;
  const auto step = json["step"].natural();
  if (!step || *step == 0)
    return not_a("row", "\"step\" must be an integer from 1, found " + describe(json["step"]));
  row.step = *step;
  row.loss = ASSAY_TRY(bits_of(json, "loss"));
  row.grad_norm = ASSAY_TRY(bits_of(json, "grad_norm"));
  row.root = ASSAY_TRY(optional_digest(json, "root", "row"));
  row.chain = ASSAY_TRY(digest_of(json, "chain", "row"));
  if (row.line() != line) return not_a("row", "it is not in canonical form");
  return row;
}

// ---- the whole

std::optional<Digest> Trace::chain_at(std::uint64_t step) const {
  if (step == 0) return head.chain();
  if (step > rows.size()) return std::nullopt;
  return rows[step - 1].chain;
}

void Trace::append(const StepResult& result) {
  TraceRow row;
  static_cast<StepResult&>(row) = result;
  row.chain = next_chain(last_chain(), result);
  rows.push_back(row);
}

std::string Trace::text() const {
  std::string text = head.line() + "\n";
  for (const TraceRow& row : rows) text += row.line() + "\n";
  return text;
}

Result<Trace> Trace::parse(std::string_view text) { return read_trace(text, true); }
Result<Trace> Trace::parse_unfinished(std::string_view text) { return read_trace(text, false); }

}  // namespace assay::formats
