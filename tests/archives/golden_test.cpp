// Bundles of every format version that there has been, read by every later version, for ever. A new version
// adds a folder; the files of an old one never change. ASSAY_ACCEPT=1 makes those of this version anew and
// skips.
#include <cstdlib>

#include <gtest/gtest.h>

#include "archives/seal.hpp"
#include "formats/container.hpp"
#include "tests/archives/export_support.hpp"
#include "toolkit/base/files.hpp"

namespace assay::archives {
namespace {

fs::path golden(const std::string& version, const std::string& name) {
  return fs::path(ASSAY_SOURCE_DIR) / "tests/archives/golden" / version / name;
}

formats::Bundle open(const fs::path& path) {
  Result<formats::Bundle> bundle = formats::Bundle::open(*open_read(path), path.filename());
  EXPECT_TRUE(bundle.ok()) << bundle.error().what << " in " << bundle.error().where;
  return std::move(*bundle);
}

// All that must stay readable, as text: statement, manifest, what has content, what opening and walking find.
std::string describe(const fs::path& path) {
  const formats::Bundle bundle = open(path);
  std::string text = bundle.envelope().payload + "\nsignatures " +
                     std::to_string(bundle.envelope().signatures.size()) + ", origin " +
                     (bundle.origin() ? "yes" : "no") + "\n";
  for (std::size_t i = 0; i < bundle.manifest().size(); ++i)
    text += std::string(bundle.manifest().line(i)) + (bundle.has_content(i) ? "" : "\t(no content)") + "\n";
  std::size_t items = 0, damage = 0;
  EXPECT_TRUE(
      bundle.walk([&](auto, auto, auto) -> Status { return ++items, Status(); }, [&](auto) { ++damage; })
          .ok());
  const Fd file = *open_read(path);
  const auto problems =
      formats::check_container(file.get(), bundle.container_end(), bundle.expected_datasets());
  EXPECT_TRUE(problems.ok());
  return text + "walked " + std::to_string(items) + " items, " + std::to_string(damage) + " damaged, " +
         std::to_string(problems->size()) + " container problems\n";
}

void put(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  ASSERT_TRUE(write_file(path, text, Existing::replace).ok());
}

// A campaign with one of everything that the format has.
fs::path make_campaign(const fs::path& root) {
  put(root / "campaign.json", R"({"assay": "campaign", "version": 1, "title": "Golden – version 1"})");
  put(root / "experiments/1/experiment.json",
      R"({"id": "1", "name": "one", "index": 1, "parents": [], "files": {"program": "experiments/1/program.py"}})");
  put(root / "experiments/1/program.py", "print('one')\n");
  put(root / "experiments/1/metrics.csv", "metric,step,value\nloss,1,0.5\nloss,2,nan\nacc,,0.75\n");
  put(root / "experiments/2/experiment.json",
      R"({"id": "2", "name": "zwei – ü", "index": 2, "parents": ["1"], "score": 2.5})");
  put(root / "empty.txt", "");
  put(root / "50% ü.txt", "a name with a per cent sign\n");
  put(root / "long.log", std::string(5u << 20, 'l') + "end\n");
  const std::string header =
      R"({"w":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]},"z":{"dtype":"F32","shape":[64,64],"data_offsets":[12,16396]}})";
  std::string tensors(1, static_cast<char>(header.size()));
  tensors += std::string(7, '\0') + header + std::string("abcdefghijkl") + std::string(16384, '\0');
  put(root / "experiments/2/end.safetensors", tensors);
  return root;
}

void accept(const fs::path& folder) {
  const fs::path work = fs::temp_directory_path() / "assay-golden";
  fs::remove_all(work);
  fs::create_directories(folder);
  const fs::path root = make_campaign(work / "campaign");
  ASSERT_TRUE(formats::create_key(work / "key", "golden", true).ok());
  const auto signer = std::move(*formats::load_signer((work / "key").string()));
  SealOptions options;
  options.signers = {signer.get()};
  options.force = true;
  const auto importer = *find_importer("assay");
  ASSERT_TRUE(seal(std::move(*importer->run(root, {})), folder / "whole.h5", options).ok());
  options.withhold = {"programs"};
  options.salts = work / "salts";
  options.supersedes = folder / "whole.h5";
  ASSERT_TRUE(seal(std::move(*importer->run(root, {})), folder / "withheld.h5", options).ok());
  ASSERT_TRUE(export_without(folder / "whole.h5", {"checkpoints"}, folder / "without.h5", true).ok());
  for (const char* name : {"whole", "withheld", "without"})
    ASSERT_TRUE(write_file(folder / (std::string(name) + ".txt"),
                           describe(folder / (std::string(name) + ".h5")), Existing::replace)
                    .ok());
  fs::remove_all(work);
}

TEST(Golden, Version1ReadsAsItAlwaysHas) {
  if (std::getenv("ASSAY_ACCEPT")) {
    accept(golden("v1", ""));
    GTEST_SKIP() << "the files of version 1 were made anew";
  }
  for (const std::string name : {"whole", "withheld", "without"}) {
    const auto expected = read_file(golden("v1", name + ".txt"));
    ASSERT_TRUE(expected.ok()) << expected.error().what;
    EXPECT_EQ(describe(golden("v1", name + ".h5")), *expected) << name;
  }
}

}  // namespace
}  // namespace assay::archives
