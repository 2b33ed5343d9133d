#include "formats/recipe.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "formats/fields.hpp"

namespace assay::formats {

namespace {

constexpr std::int64_t kMost = 1'000'000'000;           // of steps, rows, lengths, widths
constexpr std::int64_t kLargestSeed = (1LL << 53) - 1;  // survives any reader of JSON
constexpr std::size_t kMostMembers = 200, kLongestText = 4096;

constexpr std::string_view kFormat = "assay-recipe/1";
const char* const kNames = "1 to 64 of [a-z0-9._-], not starting with . or -";

bool is_name(std::string_view text) {
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), legal) &&
         text[0] != '.' && text[0] != '-';
}

// Reads members one after the other, keeps the first that does not fit, and knows which were asked for: what
// is left over at the end is refused, since a recipe holds nothing that fixes no bits.
class Reader {
 public:
  explicit Reader(const Json& object, std::string path = "")
      : object_(object), path_(path), fields_(object, std::move(path)) {}

  const Json* member(std::string_view key) {
    known_.push_back(key);
    fields_.require(key);
    return fields_.ok() ? object_.find(key) : nullptr;
  }
  bool has(std::string_view key) {
    known_.push_back(key);
    return object_.find(key) != nullptr;
  }

  Reader& name(std::string_view key, std::string& out) {
    const Json* value = member(key);
    if (!value) return *this;
    if (!is_name(value->string_or(""))) return refuse(key, kNames);
    out = *value->string();
    return *this;
  }
  Reader& one_of(std::string_view key, std::string& out, std::initializer_list<std::string_view> allowed) {
    if (member(key)) fields_.one_of(key, out, allowed);
    return *this;
  }
  Reader& version(std::string_view key, std::string& out) {
    const Json* value = member(key);
    if (!value) return *this;
    const std::string_view text = value->string_or("");
    const auto printable = [](char c) { return c > ' ' && c < 0x7f; };
    if (text.empty() || text.size() > 64 || !std::all_of(text.begin(), text.end(), printable))
      return refuse(key, "a version of 1 to 64 printable characters");
    out = text;
    return *this;
  }
  Reader& digest(std::string_view key, Digest& out) {
    const Json* value = member(key);
    if (!value) return *this;
    const auto parsed = Digest::from_hex(value->string_or(""));
    if (!parsed) return refuse(key, "64 lower-case hex digits");
    out = *parsed;
    return *this;
  }
  Reader& integer(std::string_view key, std::int64_t& out, std::int64_t low, std::int64_t high) {
    const Json* value = member(key);
    if (!value) return *this;
    const auto number = value->integer();
    if (!number || *number < low || *number > high)
      return refuse(key, "an integer from " + std::to_string(low) + " to " + std::to_string(high));
    out = *number;
    return *this;
  }
  // An integer is a real too: 1 and 1.0 are one value here, written 1.0.
  Reader& real(std::string_view key, double& out, const char* expected, bool (*fits)(double)) {
    const Json* value = member(key);
    if (!value) return *this;
    const auto number = value->number();
    if (!number || !std::isfinite(*number) || !fits(*number)) return refuse(key, expected);
    out = *number == 0 ? 0.0 : *number;  // no -0.0
    return *this;
  }
  Reader& object(std::string_view key, Json& out, bool nulls) {
    const Json* value = member(key);
    if (!value) return *this;
    if (!value->is_object()) return refuse(key, "an object");
    return options(path_ + std::string(key) + ".", *value, nulls, out);
  }
  // Every member not asked for until now.
  Reader& rest(Json& out) {
    Json all = Json::object();
    if (fields_.ok())
      for (const Json::Member& member : object_.members())
        if (!is_known(member.key)) all.set(member.key, member.value);
    closed_ = true;
    return options(path_, all, false, out);
  }
  template <typename Read>
  Reader& inner(std::string_view key, const Read& read) {
    const Json* value = member(key);
    if (!value) return *this;
    Reader reader(*value, path_ + std::string(key) + ".");
    read(reader);
    take(reader.status());
    return *this;
  }

  Reader& refuse(std::string_view key, const std::string& expected) {
    fields_.refuse(key, expected);
    return *this;
  }
  void take(Status status) {
    if (!status && fields_.ok() && !error_) error_ = std::move(status.error());
  }
  bool ok() const { return fields_.ok() && !error_; }
  Status status() {
    if (!fields_.ok()) return fields_.status();
    if (error_) return *error_;
    if (!closed_)
      for (const Json::Member& member : object_.members())
        if (!is_known(member.key))
          return Error{Fault::malformed, "no such field in a recipe", "field \"" + path_ + member.key + "\"",
                       "a recipe holds what fixes the bits, and nothing else"};
    return {};
  }

 private:
  bool is_known(std::string_view key) const {
    return std::find(known_.begin(), known_.end(), key) != known_.end();
  }

  static bool is_option(const Json& value, bool nulls, unsigned depth) {
    if (value.is_null()) return nulls;
    if (value.is_bool()) return true;
    if (value.is_number()) return std::isfinite(*value.number());
    if (value.is_string()) return value.string()->size() <= kLongestText;
    if (!value.is_array() || depth == 0 || value.size() > kMostMembers) return false;
    return std::all_of(value.items().begin(), value.items().end(),
                       [&](const Json& item) { return is_option(item, nulls, depth - 1); });
  }
  Reader& options(const std::string& path, const Json& object, bool nulls, Json& out) {
    const auto wrong = [&](const std::string& what, const std::string& where) {
      take(Error{Fault::malformed, what, where, ""});
    };
    if (object.size() > kMostMembers)
      wrong("expected at most " + std::to_string(kMostMembers) + " members, found " +
                std::to_string(object.size()),
            "field \"" + path + "\"");
    for (const Json::Member& member : object.members()) {
      const std::string where = "field \"" + path + member.key + "\"";
      if (member.key.empty() || member.key.size() > 128) wrong("expected a name of 1 to 128 bytes", where);
      if (!is_option(member.value, nulls, 2))
        wrong("expected a number, text, true, false or an array of these, found " + describe(member.value),
              where);
    }
    out = object;
    return *this;
  }

  const Json& object_;
  std::string path_;
  Fields fields_;
  std::vector<std::string_view> known_;
  std::optional<Error> error_;
  bool closed_ = false;
};

bool positive(double value) { return value > 0; }
bool not_negative(double value) { return value >= 0; }
bool share(double value) { return value >= 0 && value <= 1; }

void read_shell(Reader& in, Recipe::Shell& out) {
  in.one_of("kind", out.kind, {"lm", "zoology"})
      .integer("layers", out.layers, 1, 1000)
      .integer("d_model", out.d_model, 1, 1'000'000)
      .integer("heads", out.heads, 1, 10'000)
      .integer("vocabulary", out.vocabulary, 2, 100'000'000)
      .real("norm_eps", out.norm_eps, "a number above 0", positive)
      .one_of("mlp", out.mlp, {"swiglu", "none"});
  if (in.ok() && out.d_model % out.heads != 0)
    in.refuse("heads", "a divisor of d_model, " + std::to_string(out.d_model));
}

void read_mixer(Reader& in, Recipe::Mixer& out) {
  std::string kind;
  in.one_of("kind", kind, {"program", "baseline"});
  out.program = kind == "program";
  if (!in.ok()) return;
  if (out.program)
    in.object("constructor", out.constructor, true);
  else
    in.name("name", out.baseline).object("options", out.options, false);
}

void read_task(Reader& in, Recipe::Task& out) {
  in.name("name", out.name).integer("seed", out.seed, 0, kLargestSeed);
  if (in.has("files")) {
    in.inner("files", [&](Reader& files) {
      Json all;
      files.rest(all);
      for (const Json::Member& file : all.members()) {
        const auto digest = Digest::from_hex(file.value.string_or(""));
        if (!is_name(file.key)) files.refuse(file.key, std::string("a name of ") + kNames);
        if (!digest) files.refuse(file.key, "64 lower-case hex digits");
        if (digest) out.files.emplace(file.key, *digest);
      }
    });
  }
  in.rest(out.options);
}

void read_batch(Reader& in, Recipe::Batch& out) {
  in.integer("rows", out.rows, 1, kMost)
      .integer("length", out.length, 1, kMost)
      .integer("leaf", out.leaf, 1, kMost);
  if (in.ok() && out.rows % out.leaf != 0)
    in.refuse("leaf", "a divisor of rows, " + std::to_string(out.rows));
}

void read_betas(Reader& in, std::array<double, 2>& out) {
  const Json* value = in.member("betas");
  if (!value) return;
  const bool two = value->is_array() && value->size() == 2;
  for (std::size_t i = 0; i < 2; ++i) {
    const auto beta = two ? value->items()[i].number() : std::nullopt;
    if (!beta || !(*beta >= 0 && *beta < 1)) {
      in.refuse("betas", "two numbers from 0 to below 1");
      return;
    }
    out[i] = *beta == 0 ? 0.0 : *beta;
  }
}

void read_optimizer(Reader& in, Recipe::Optimizer& out) {
  in.one_of("name", out.name, {"adamw"})
      .real("lr", out.lr, "a number from 0", not_negative)
      .real("eps", out.eps, "a number above 0", positive)
      .real("weight_decay", out.weight_decay, "a number from 0", not_negative)
      .real("clip", out.clip, "a number from 0", not_negative);
  read_betas(in, out.betas);
}

void read_schedule(Reader& in, Recipe::Schedule& out) {
  in.one_of("kind", out.kind, {"constant", "cosine", "linear_warmup_cosine"})
      .integer("warmup", out.warmup, 0, kMost)
      .real("final", out.final, "a number from 0 to 1", share);
  if (in.has("hold")) in.integer("hold", out.hold, 1, kMost);
}

void read_versions(Reader& in, const RecipeVersions* absent, RecipeVersions& out) {
  if (absent) out = *absent;
  if (in.has("contract") || !absent) in.digest("contract", out.contract);
  if (in.has("standins") || !absent) in.digest("standins", out.standins);
  if (in.has("torch") || !absent) in.version("torch", out.torch);
  if (in.has("einops") || !absent) in.version("einops", out.einops);
}

Json with(Json object, const Json& members) {
  for (const Json::Member& member : members.members()) object.set(member.key, member.value);
  return object;
}

Json mixer_json(const Recipe::Mixer& mixer) {
  if (mixer.program) return Json::object({{"kind", "program"}, {"constructor", mixer.constructor}});
  return Json::object({{"kind", "baseline"}, {"name", mixer.baseline}, {"options", mixer.options}});
}

Json task_json(const Recipe::Task& task) {
  Json json = Json::object({{"name", task.name}, {"seed", task.seed}});
  if (!task.files.empty()) {
    Json files = Json::object();
    for (const auto& [name, digest] : task.files) files.set(name, digest.hex());
    json.set("files", std::move(files));
  }
  return with(std::move(json), task.options);
}

Json optimizer_json(const Recipe::Optimizer& optimizer) {
  return Json::object({{"name", optimizer.name},
                       {"lr", optimizer.lr},
                       {"betas", Json(Json::Array{optimizer.betas[0], optimizer.betas[1]})},
                       {"eps", optimizer.eps},
                       {"weight_decay", optimizer.weight_decay},
                       {"clip", optimizer.clip}});
}

bool at(std::uint64_t step, std::int64_t every) {
  return every > 0 && step % static_cast<std::uint64_t>(every) == 0;
}

}  // namespace

const char* name_of(Precision precision) { return precision == Precision::fp32 ? "fp32" : "bf16"; }

bool Recipe::checkpoint_at(std::uint64_t step) const {
  return step == 0 || step == static_cast<std::uint64_t>(steps) || at(step, intervals.checkpoint);
}

bool Recipe::root_at(std::uint64_t step) const {
  return checkpoint_at(step) || at(step, intervals.state_root);
}

bool Recipe::evaluation_at(std::uint64_t step) const {
  return evaluation.every > 0 && step > 0 &&
         (step == static_cast<std::uint64_t>(steps) || at(step, evaluation.every));
}

Json Recipe::to_json() const {
  return Json::object(
      {{"format", kFormat},
       {"name", name},
       {"shell", Json::object({{"kind", shell.kind},
                               {"layers", shell.layers},
                               {"d_model", shell.d_model},
                               {"heads", shell.heads},
                               {"vocabulary", shell.vocabulary},
                               {"norm_eps", shell.norm_eps},
                               {"mlp", shell.mlp}})},
       {"mixer", mixer_json(mixer)},
       {"precision", name_of(precision)},
       {"task", task_json(task)},
       {"batch", Json::object({{"rows", batch.rows}, {"length", batch.length}, {"leaf", batch.leaf}})},
       {"steps", steps},
       {"seed", seed},
       {"optimizer", optimizer_json(optimizer)},
       {"schedule", Json::object({{"kind", schedule.kind},
                                  {"warmup", schedule.warmup},
                                  {"final", schedule.final},
                                  {"hold", schedule.hold}})},
       {"intervals",
        Json::object({{"state_root", intervals.state_root}, {"checkpoint", intervals.checkpoint}})},
       {"evaluation", Json::object({{"every", evaluation.every}, {"rows", evaluation.rows}})},
       {"contract", versions.contract.hex()},
       {"torch", versions.torch},
       {"einops", versions.einops},
       {"standins", versions.standins.hex()}});
}

std::string Recipe::canonical() const { return to_json().dump_canonical(); }
Digest Recipe::digest() const { return sha256(canonical()); }

Result<Recipe> Recipe::from_json(const Json& json, const RecipeVersions* absent) {
  Recipe out;
  Reader in(json);
  std::string format, precision;
  in.one_of("format", format, {kFormat})
      .name("name", out.name)
      .inner("shell", [&](Reader& shell) { read_shell(shell, out.shell); })
      .inner("mixer", [&](Reader& mixer) { read_mixer(mixer, out.mixer); })
      .one_of("precision", precision, {"fp32", "bf16"})
      .inner("task", [&](Reader& task) { read_task(task, out.task); })
      .inner("batch", [&](Reader& batch) { read_batch(batch, out.batch); })
      .integer("steps", out.steps, 1, 100'000'000)
      .integer("seed", out.seed, 0, kLargestSeed)
      .inner("optimizer", [&](Reader& optimizer) { read_optimizer(optimizer, out.optimizer); })
      .inner("schedule", [&](Reader& schedule) { read_schedule(schedule, out.schedule); })
      .inner("intervals",
             [&](Reader& intervals) {
               intervals.integer("state_root", out.intervals.state_root, 0, kMost)
                   .integer("checkpoint", out.intervals.checkpoint, 0, kMost);
             })
      .inner("evaluation", [&](Reader& evaluation) {
        evaluation.integer("every", out.evaluation.every, 0, kMost)
            .integer("rows", out.evaluation.rows, 0, kMost);
        if (evaluation.ok() && out.evaluation.every > 0 && out.evaluation.rows == 0)
          evaluation.refuse("rows", "an integer from 1 where there is an evaluation");
      });
  read_versions(in, absent, out.versions);
  ASSAY_TRY(in.status());
  out.precision = precision == "bf16" ? Precision::bf16 : Precision::fp32;
  return out;
}

Result<Recipe> Recipe::parse(std::string_view text, const RecipeVersions* absent) {
  constexpr std::size_t kLargest = 1u << 20;
  if (text.size() > kLargest)
    return Error{Fault::malformed,
                 "a recipe of " + std::to_string(text.size()) + " bytes, expected at most 1 MiB", "", ""};
  return from_json(ASSAY_TRY(parse_object(text)), absent);
}

}  // namespace assay::formats
