#include "tests/verify/checks_fixture.hpp"

namespace assay::verify {
namespace {

const std::string kTree = R"(,"lineage":"tree")", kGraph = R"(,"lineage":"graph")";

TestExperiment child(const std::string& id, const std::string& parents) {
  return {id, R"(,"index":)" + id + R"(,"parents":[)" + parents + "]", ""};
}

TEST(CheckLineage, WithoutFault) {
  for (const char* code : {"C150", "C151", "C152", "C153", "C154", "C155", "C156", "C157", "C158"})
    expect_none(findings_of(code, kTree, {child("1", ""), child("2", "\"1\""), child("3", "\"1\"")}));
  for (const char* code : {"C150", "C151", "C152", "C153"})
    expect_none(findings_of(code, kGraph, {child("1", ""), child("2", "\"1\""), child("3", "\"1\",\"2\"")}));
}

TEST(CheckLineage, ParentsExistAndComeFirst) {
  expect_one(findings_of("C150", kTree, {child("1", "\"9\"")}), kError, "1", "its parent 9 is not on record");
  expect_one(findings_of("C150", R"(,"system":"asi-evolve")", {child("1", "\"9\"")}), kWarning, "1",
             "not on record");
  expect_one(findings_of("C151", kTree, {child("1", "\"2\""), child("2", "")}), kError, "1",
             "does not come before it");
}

TEST(CheckLineage, Cycles) {
  expect_one(
      findings_of("C152", kGraph,
                  {child("1", "\"3\""), child("2", "\"1\""), child("3", "\"2\""), child("4", "\"3\"")}),
      kError, "1", "circle of 3 experiments");
  expect_one(findings_of("C152", kGraph, {child("1", "\"1\"")}), kError, "1", "circle of 1 experiment");
}

TEST(CheckLineage, DeepLineagesDoNotOverflowTheStack) {
  std::vector<TestExperiment> chain = {child("0", "")};
  for (int i = 1; i < 50000; ++i)
    chain.push_back(child(std::to_string(i), "\"" + std::to_string(i - 1) + "\""));
  std::reverse(chain.begin(), chain.end());
  expect_none(findings_of("C152", kTree, chain));
}

TEST(CheckLineage, Trees) {
  expect_one(findings_of("C153", kTree, {child("1", ""), child("2", ""), child("3", "\"1\",\"2\"")}), kError,
             "3", "more than one parent");
  expect_one(findings_of("C154", kTree, {child("1", ""), child("2", "")}), kNote, "", "2 roots: 1, 2");
  expect_none(findings_of("C154", kGraph, {child("1", ""), child("2", "")}));
}

TEST(CheckIdentity, Indices) {
  expect_one(findings_of("C155", kTree, {child("1", ""), child("3", ""), child("7", "")}), kWarning, "",
             "4 indices between 1 and 7 are not on record: 2, 4..6");
  expect_one(findings_of("C156", kTree, {{"a", ",\"index\":4", ""}, {"b", ",\"index\":4", ""}}), kError, "b",
             "experiments a and b have one index");
}

TEST(CheckIdentity, Names) {
  expect_one(
      findings_of("C157", "",
                  {{"1", R"(,"name":"x")", ""}, {"2", R"(,"name":"x")", ""}, {"3", R"(,"name":"y")", ""}}),
      kNote, "", "1 name is borne by several experiments (2 of 3), such as x (1, 2)");
  expect_none(findings_of("C157", "", {{"1", "", ""}, {"2", "", ""}}));
}

TEST(CheckIdentity, EqualResults) {
  const std::string numbers = "l,1,3.1\nl,2,2.9\nl,3,2.5\nl,4,2.4\na,,0.31\n";
  expect_one(findings_of("C158", "", {{"1", "", numbers}, {"2", "", numbers}}), kWarning, "2",
             "experiments 1 and 2 have the same 5 numbers");
  expect_none(findings_of("C158", "",
                          {{"1", "", numbers}, {"2", "", "l,1,3.1\nl,2,2.9\nl,3,2.5\nl,4,2.4\na,,0.32\n"}}));
  const std::string failed = "a,,0\nb,,0\nc,,0.5\nd,,0.5\ne,,0\nf,,0\n";  // failed runs look alike
  expect_none(findings_of("C158", "", {{"1", "", failed}, {"2", "", failed}}));
}

}  // namespace
}  // namespace assay::verify
