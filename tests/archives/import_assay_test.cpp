#include <algorithm>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "archives/import_parts.hpp"
#include "tests/archives/import_support.hpp"
#include "toolkit/base/bytes.hpp"

namespace assay::archives {
namespace {

using testing::HasSubstr;

const fs::path kSample = fs::path(ASSAY_SOURCE_DIR) / "archives/samples/small";

/// The least campaign: one experiment.
void write_least(const TestFolder& folder) {
  folder.write("campaign.json", R"({"assay": "campaign", "version": 1, "title": "t"})");
  folder.write("experiments/1/experiment.json", R"({"id": "1"})");
}

Error error_of(const TestFolder& folder, const ImportOptions& options = {}) {
  auto import = import_from("assay", folder.path(), options);
  if (!import) return import.error();
  ADD_FAILURE() << "expected an error";
  return {};
}

std::string safetensors_file(const std::string& header, const std::string& data) {
  std::string out;
  put_u64_le(out, header.size());
  return out + header + data;
}

TEST(ImportAssay, TakesTheSampleAsItIs) {
  const auto import = import_from("assay", kSample);
  ASSERT_TRUE(import.ok()) << import.error().what << " " << import.error().where;
  EXPECT_TRUE(import->problems.empty());
  int experiments = 0, programs = 0;
  for (const ImportedItem& item : import->items) {
    experiments += item.name.ends_with("/experiment.json");
    programs += item.name.ends_with("/program.py");
    EXPECT_EQ(item.text(), nullptr) << item.name;
  }
  EXPECT_EQ(experiments, 12);
  EXPECT_EQ(programs, 12);
  EXPECT_NE(find_item(*import, "experiments/7/notizen-gr\u00f6\u00dfe.md"), nullptr);
}

TEST(ImportAssay, TakesCheckpointsApart) {
  const auto import = import_from("assay", kSample);
  ASSERT_TRUE(import.ok());
  const std::string file = "experiments/10/mixer-0.safetensors";
  EXPECT_EQ(find_item(*import, file), nullptr);
  const ImportedItem* weight = find_item(*import, file + "/to_k.weight");
  ASSERT_NE(weight, nullptr);
  EXPECT_EQ(weight->type().text(), "f32[32,32]");
  EXPECT_EQ(weight->size, 4096u);
  // Length, header and tensors in data order are the file again.
  std::string whole;
  const std::string header = content(*import, file + "/.header");
  put_u64_le(whole, header.size());
  whole += header;
  std::vector<const ImportedItem*> tensors;
  for (const ImportedItem& item : import->items)
    if (item.name.starts_with(file + "/") && item.name != file + "/.header") tensors.push_back(&item);
  std::sort(tensors.begin(), tensors.end(), [](auto a, auto b) { return a->offset() < b->offset(); });
  for (const ImportedItem* tensor : tensors) whole += content(*import, *tensor);
  EXPECT_EQ(whole, *read_file(kSample / file));
}

TEST(ImportAssay, KeepsOddCheckpointsAsPlainBytes) {
  const TestFolder folder;
  write_least(folder);
  const std::string one = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  const std::string data = "12345678";
  const std::map<std::string, std::string> files = {
      {"gap", safetensors_file(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", data)},
      {"short", safetensors_file(one, "1234")},
      {"shape", safetensors_file(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", data)},
      {"nested", safetensors_file(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                                  R"("a/b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
                                  data)},
      {"parent", safetensors_file(R"({"../x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", data)},
      {"header", safetensors_file(R"({".header":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", data)},
      {"dtype", safetensors_file(R"({"a":{"dtype":"F4","shape":[16],"data_offsets":[0,8]}})", data)},
      {"huge", std::string("\xff\xff\xff\xff\xff\xff\xff\x7f", 8) + one},
      {"overflow",
       safetensors_file(R"({"a":{"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", "")},
      {"twice", safetensors_file(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},)"
                                 R"("a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})",
                                 data)},
      {"empty", ""}};
  for (const auto& [name, bytes] : files) folder.write("experiments/1/" + name + ".safetensors", bytes);
  folder.write("experiments/1/good.safetensors", safetensors_file(one + "   ", data));
  const auto import = import_from("assay", folder.path());
  ASSERT_TRUE(import.ok()) << import.error().what;
  for (const auto& [name, bytes] : files) {
    const ImportedItem* item = find_item(*import, "experiments/1/" + name + ".safetensors");
    ASSERT_NE(item, nullptr) << name;
    EXPECT_EQ(content(*import, *item), bytes) << name;
  }
  EXPECT_EQ(content(*import, "experiments/1/good.safetensors/a"), data);
  EXPECT_EQ(content(*import, "experiments/1/good.safetensors/.header"), one + "   ");
}

TEST(ImportAssay, LeavesOutWhatSealMakes) {
  const TestFolder folder;
  write_least(folder);
  folder.write("completeness.json", "{}");
  folder.write("redactions.json", "{}");
  const auto import = import_from("assay", folder.path());
  ASSERT_TRUE(import.ok());
  EXPECT_EQ(import->items.size(), 2u);
  folder.write("columns/experiments/id", "");
  EXPECT_THAT(error_of(folder).what, HasSubstr("columns/"));
}

TEST(ImportAssay, NamesTheFileAndTheField) {
  const struct {
    const char *file, *text, *what, *where;
  } kCases[] = {
      {"campaign.json", "{", "JSON", "campaign.json"},
      {"campaign.json", R"({"assay": "campaign", "version": 2})", "version", "version"},
      {"experiments/1/experiment.json", R"({"id": "2"})", "folder's name", "field \"id\""},
      {"experiments/1/experiment.json", R"({"id": "1", "score": "high"})", "number", "score"},
      {"experiments/1/experiment.json", R"({"id": "1", "files": {"log": "experiments/1/no.txt"}})",
       "no such file", "files.log"},
      {"experiments/2/program.py", "x = 1\n", "without experiment.json", "experiments/2"},
      {"experiments/a b/experiment.json", "{}", "not an experiment id", "experiments/a b"},
      {"steps.jsonl", "{\"id\": \"a\"}\n{\"id\": 7}\n", "string", "steps.jsonl, line 2"},
      {"steps.jsonl", "{\"id\": \"a\"}\n\n{\"id\": \"a\"}\n", "that of line 1", "steps.jsonl, line 3"},
      {"steps.jsonl", "{\"id\": \"a\", \"experiment\": \"9\"}", "no such experiment: 9", "line 1"},
      {"steps.jsonl", "{\"id\": \"a\", \"transcript\": \"source/t.json\"}\n", "no such file",
       "field \"transcript\""},
      {"claims.json", R"({"claims": [{"id": "a", "kind": "gain", "baseline": "b"}]})", "does not describe",
       "claims.json"},
  };
  for (const auto& one : kCases) {
    const TestFolder folder;
    write_least(folder);
    folder.write(one.file, one.text);
    const Error error = error_of(folder);
    EXPECT_THAT(error.what, HasSubstr(one.what)) << one.file << " " << one.text;
    EXPECT_THAT(error.where, HasSubstr(one.where)) << error.what;
  }
}

TEST(ImportAssay, KeepsGoingWithoutBrokenRecords) {
  const TestFolder folder;
  write_least(folder);
  folder.write("experiments/2/experiment.json", "{\"id\": \"2\", \"score\": []}");
  folder.write("experiments/2/program.py", "x = 1\n");
  folder.write("experiments/3/experiment.json", "{\"id\": \"3\"}");
  folder.write("steps.jsonl",
               "{\"id\":\"a\",\"experiment\":\"1\"}\n{\"id\":\"b\",\"experiment\":\"2\"}\n{\"id\":\"c\"}");
  ImportOptions options;
  options.keep_going = true;
  const auto import = import_from("assay", folder.path(), options);
  ASSERT_TRUE(import.ok()) << import.error().what;
  ASSERT_EQ(import->problems.size(), 2u);
  EXPECT_THAT(import->problems[0].where, HasSubstr("experiments/2/experiment.json"));
  EXPECT_THAT(import->problems[1].where, HasSubstr("steps.jsonl, line 2"));
  EXPECT_EQ(find_item(*import, "experiments/2/program.py"), nullptr);
  EXPECT_NE(find_item(*import, "experiments/3/experiment.json"), nullptr);
  EXPECT_EQ(content(*import, "steps.jsonl"), "{\"id\":\"a\",\"experiment\":\"1\"}\n{\"id\":\"c\"}\n");
}

TEST(ImportAssay, RefusesLinks) {
  const TestFolder folder;
  write_least(folder);
  fs::create_symlink("/etc/passwd", folder.path() / "experiments/1/log.txt");
  EXPECT_THAT(error_of(folder).what, HasSubstr("symbolic link"));
}

TEST(ImportTable, SaysWhichKindsThereAre) {
  const auto none = find_importer("csv");
  ASSERT_FALSE(none.ok());
  for (const Importer& importer : importers()) EXPECT_THAT(none.error().hint, HasSubstr(importer.kind));
}

TEST(ImportNames, AreLegalUniqueAndNotNested) {
  const auto settle = [](std::initializer_list<const char*> names) {
    std::vector<ImportedItem> items;
    for (const char* name : names) items.push_back(ImportedItem::inline_text(name, ""));
    return settle_names(items).ok();
  };
  EXPECT_TRUE(settle({"b/c", "a", "a.b", "b.c", "b/d/e"}));
  EXPECT_FALSE(settle({"a", "a"}));
  EXPECT_FALSE(settle({"a", "a/b"}));
  EXPECT_FALSE(settle({"a/b/c", "a.x", "a", "a-b"}));  // what sorts between does not hide it
  EXPECT_FALSE(settle({"a/../b"}));
}

}  // namespace
}  // namespace assay::archives
