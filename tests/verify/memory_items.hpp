// A campaign in memory, for tests of the queries.
#pragma once

#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "formats/bundle.hpp"

namespace assay::verify {

class MemoryItems final : public formats::ItemSource {
 public:
  void put(const std::string& name, std::string content) { contents_[name] = std::move(content); }
  void withhold(const std::string& name) { withheld_.insert(name); }
  void leave_out(const std::string& name) { left_out_.insert(name); }

  /// Makes the manifest; call it after the last put().
  const MemoryItems& seal() {
    std::string text;
    for (const auto& [name, content] : contents_) {
      formats::ManifestEntry entry{name, {}, content.size(), formats::content_digest(content)};
      if (withheld_.count(name)) entry.type.dtype = formats::Dtype::withheld;
      text += formats::manifest_line(entry) + "\n";
    }
    auto manifest = formats::Manifest::parse(text);
    EXPECT_TRUE(manifest.ok()) << (manifest.ok() ? "" : manifest.error().what);
    if (manifest.ok()) manifest_ = *std::move(manifest);
    return *this;
  }

  const formats::Manifest& manifest() const override { return manifest_; }
  bool has_content(std::size_t item) const override {
    const std::string name = manifest_.entry(item).name;
    return !withheld_.count(name) && !left_out_.count(name);
  }
  Result<std::string> read(std::size_t item) const override {
    ++reads;
    return contents_.at(manifest_.entry(item).name);
  }
  mutable std::size_t reads = 0;

 private:
  std::map<std::string, std::string> contents_;
  std::set<std::string> withheld_, left_out_;
  formats::Manifest manifest_;
};

/// Five experiments: 1 <- 2, 1 <- 3, 2 <- 4, 5 without parents on record; hostile text in names; steps for 2
/// and 4.
inline MemoryItems small_campaign() {
  MemoryItems items;
  items.put(
      "campaign.json",
      R"({"assay":"campaign","version":1,"title":"Small <b>campaign</b>","system":"test","licence":"Apache-2.0",)"
      R"("authors":[{"name":"A. Author","orcid":"0000-0002-1825-0097"}],"metrics":[)"
      R"({"name":"train_loss","kind":"curve","direction":"lower"},)"
      R"({"name":"acc","kind":"score","direction":"higher","range":[0,1],"samples":100,"group":"test"}],"lineage":"tree"})");
  const auto experiment = [&items](const std::string& id, const std::string& fields) {
    items.put("experiments/" + id + "/experiment.json", "{\"id\":\"" + id + "\"" + fields + "}");
  };
  experiment(
      "1",
      R"J(,"name":"root","index":1,"parents":[],"status":"ok","score":1.5,"files":{"program":"experiments/1/program.py"})J");
  experiment(
      "2",
      R"J(,"name":"gate","index":2,"parents":["1"],"status":"ok","score":2.25,"seeds":{"init":"42"},)J"
      R"J("files":{"program":"experiments/2/program.py","motivation":"experiments/2/motivation.md"},"extra":{"island":3})J");
  experiment("3", R"J(,"name":"=HYPERLINK(\"x\")","index":3,"parents":["1"],"status":"failed")J");
  experiment("4",
             R"J(,"name":"gate \u001b[31mred\u001b[0m <script>alert(1)</script>","index":4,"parents":["2"],)J"
             R"J("status":"ok","score":2.5,"files":{"program":"experiments/4/program.py"})J");
  experiment("5", R"J(,"name":"loner","index":5,"status":"ok","score":0.5)J");
  items.put("experiments/1/program.py", "import torch\n\nclass Net:\n    width = 1\n    depth = 2\n");
  items.put("experiments/2/program.py",
            "import torch\n\nclass Net:\n    width = 2\n    depth = 2\n    gate = True\n");
  items.put("experiments/4/program.py",
            "import torch\n\nclass Net:\n    width = 2\n    depth = 3\n    gate = True\n");
  items.put("experiments/2/motivation.md", "Gates help.\n");
  items.put("experiments/1/metrics.csv",
            "metric,step,value\ntrain_loss,1,11.0\ntrain_loss,100,5.5\ntrain_loss,200,4.0\nacc,,0.40\n");
  items.put("experiments/2/metrics.csv",
            "metric,step,value\ntrain_loss,1,11.0\ntrain_loss,100,5.0\ntrain_loss,200,3.5\nacc,,0.55\n");
  items.put("experiments/4/metrics.csv",
            "metric,step,value\ntrain_loss,1,10.5\ntrain_loss,100,4.5\ntrain_loss,200,3.25\nacc,,nan\n");
  items.put(
      "steps.jsonl",
      R"({"id":"s1","experiment":"2","order":1,"agent":"researcher","time":"2025-01-01T00:00:00","model":"m","status":"ok",)"
      R"("transcript":"source/call_1.json","writes":["name","motivation","program"],"reads":{"parents":["1"],"knowledge":["k1","k9"]}})"
      "\n"
      R"({"id":"s2","experiment":"2","order":2,"agent":"analyzer","status":"ok","writes":["analysis"],)"
      R"("messages":[{"role":"user","content":"Analyse the frobnicator."}],"response":"It is good."})"
      "\n"
      R"({"id":"s3","experiment":"4","order":1,"agent":"researcher","transcript":"source/lost.json","writes":["program"],"reads":{"parents":["2"]}})"
      "\n");
  items.put("knowledge.jsonl", R"({"id":"k1","content":"Gating controls memory.","source":"arXiv:1"})"
                               "\n");
  items.put("source/call_1.json",
            R"({"messages":[{"role":"user","content":"Invent a gate."}],"response":"gate"})");
  items.put(
      "claims.json",
      R"({"claims":[{"id":"best","text":"Ours is best","kind":"gain","experiments":["4"],"metric":"acc","baseline":"b","value":0.6,"gain":0.1,"external":true,"source":{"document":"paper","where":"Table 1"}}]})");
  items.put(
      "baselines.json",
      R"({"baselines":[{"id":"b","name":"Base","metrics":{"acc":0.5},"external":true,"source":{"document":"paper"}}]})");
  return items;
}

}  // namespace assay::verify
