#include "tests/bench/campaign.hpp"

#include <fmt/format.h>

namespace assay::bench {
namespace {

// Chosen once so that one search is 75 MB and `tar | zstd -3` makes 17 to 18 MB of it; never changed since.
constexpr std::uint64_t kFounders = 140;
constexpr unsigned kProgramChange = 20;  // per mille of lines a step
constexpr unsigned kProseChange = 750;  // per mille of sentences: each step argues anew on its parent's frame

std::size_t program_bytes(Body body) { return body == Body::full ? 18700 : 1500; }
std::size_t prose_bytes(Body body, std::size_t full) { return body == Body::full ? full : 400; }

Lines split(const std::string& text) {
  Lines lines;
  std::size_t start = 0;
  for (std::size_t end; (end = text.find('\n', start)) != std::string::npos; start = end + 1)
    lines.push_back(text.substr(start, end - start));
  return lines;
}

double score_of(const Made& made) {
  double sum = 0;
  for (std::size_t i = 0; i < kTasks.size(); ++i)
    sum += static_cast<double>(made.right[i]) / kTasks[i].samples;
  return sum / static_cast<double>(kTasks.size());
}

}  // namespace

const std::array<Task, 7> kTasks = {{{"arc_challenge", 1172},
                                     {"arc_easy", 2376},
                                     {"boolq", 3270},
                                     {"hellaswag", 10042},
                                     {"piqa", 1838},
                                     {"social_iqa", 1954},
                                     {"winogrande", 1267}}};

Search::Search(std::uint64_t seed, std::uint64_t first_id, std::vector<std::string> samples, Body body)
    : random_(seed), first_id_(first_id), samples_(std::move(samples)), body_(body) {
  made_.reserve(kSearch);
}

const Made& Search::next() {
  const std::uint64_t id = first_id_ + made_.size();
  if (made_.size() < kFounders) {
    made_.push_back(founder(id));
  } else {
    const std::uint64_t parent = random_.below(made_.size());
    made_.push_back(child(id, made_[parent]));
  }
  return made_.back();
}

Made Search::founder(std::uint64_t id) {
  Made made;
  made.id = id;
  made.program = split(samples_[(id - first_id_) % samples_.size()]);
  const std::size_t head = size_of(made.program);
  if (head < program_bytes(body_)) {
    const Lines rest = functions(random_, program_bytes(body_) - head);
    made.program.insert(made.program.end(), rest.begin(), rest.end());
  }
  made.motivation = prose(random_, prose_bytes(body_, 4500));
  made.analysis = prose(random_, prose_bytes(body_, 8200));
  measure(made);
  return made;
}

Made Search::child(std::uint64_t id, const Made& parent) {
  Made made;
  made.id = id;
  made.parents = {parent.id};
  made.program = changed_program(random_, parent.program, kProgramChange);
  made.motivation = changed_prose(random_, parent.motivation, kProseChange);
  made.analysis = changed_prose(random_, parent.analysis, kProseChange);
  measure(made);
  return made;
}

void Search::measure(Made& made) {
  const double floor = 3.3 + 0.6 * random_.unit();
  for (std::size_t i = 0; i < kCurvePoints; ++i)
    made.curve[i] = floor + 7.6 / (1.0 + 1.4 * static_cast<double>(i)) + 0.05 * random_.unit();
  for (std::size_t i = 0; i < kTasks.size(); ++i)
    made.right[i] = static_cast<unsigned>((0.2 + 0.25 * random_.unit()) * kTasks[i].samples);
}

std::string campaign_json(std::uint64_t experiments) {
  std::string metrics =
      R"({"name": "train_loss", "kind": "curve", "direction": "lower", "unit": "nat/token"})";
  for (const Task& task : kTasks)
    metrics += fmt::format(R"(,
   {{"name": "{}", "kind": "score", "direction": "higher", "range": [0, 1], "samples": {}, "group": "test"}})",
                           task.name, task.samples);
  return fmt::format(
      R"({{"assay": "campaign", "version": 1, "title": "Generated search of {} experiments", "system": "bench",
 "licence": "CC0-1.0", "lineage": "tree",
 "metrics": [
   {}],
 "scores": {{"average": {{"of": "test", "how": "mean"}}}}}}
)",
      experiments, metrics);
}

std::string experiment_json(Random& random, const Made& made) {
  const std::string parent = made.parents.empty() ? "" : fmt::format("\"{}\"", made.parents[0]);
  const std::string folder = fmt::format("experiments/{}/", made.id);
  const std::uint64_t minute = made.id * 7;
  return fmt::format(R"({{"id": "{0}", "name": "design_{0}", "index": {0}, "parents": [{1}],
 "status": "ok", "score": {2:.17g}, "created": "20{3:02}-{4:02}-{5:02}T{6:02}:{7:02}:{8:02}Z",
 "seeds": {{"init": "{9}"}},
 "files": {{"program": "{10}program.py", "motivation": "{10}motivation.md", "analysis": "{10}analysis.md", "log": "{10}train.log"}}}}
)",
                     made.id, parent, score_of(made), 25 + minute / 483840, 1 + minute / 40320 % 12,
                     1 + minute / 1440 % 28, minute / 60 % 24, minute % 60, random.below(60), random.next(),
                     folder);
}

std::string metrics_csv(const Made& made) {
  std::string text = "metric,step,value\n";
  for (std::size_t i = 0; i < kCurvePoints; ++i)
    text += fmt::format("train_loss,{},{:.4f}\n", i == 0 ? 1 : i * 100, made.curve[i]);
  for (std::size_t i = 0; i < kTasks.size(); ++i)
    text +=
        fmt::format("{},,{:.4f}\n", kTasks[i].name, static_cast<double>(made.right[i]) / kTasks[i].samples);
  return text;
}

std::string training_log(Random& random, const Made& made, Body body) {
  std::string text = fmt::format("experiment {} on 1 node, 2,000 steps, batch 256 x 2048\n", made.id);
  const unsigned every = body == Body::full ? 22 : 250;
  for (unsigned step = every; step <= 2000; step += every) {
    const double loss = made.curve[step / 100] + 0.1 * random.unit();
    const double norm = 0.3 + random.unit();
    const std::uint64_t tokens = 18100000 + random.below(600000);
    const std::uint64_t milliseconds = 29000 + random.below(900);
    text += fmt::format(
        "[step {:06}/002000] train_loss {:.4f} grad_norm {:.4f} lr {:.3e} step_ms {}.{} tokens/s {}.{:02}\n",
        step, loss, norm, 3e-4 * (2000 - step + 20) / 2000, milliseconds / 10, milliseconds % 10,
        tokens / 100, tokens % 100);
  }
  return text;
}

}  // namespace assay::bench
