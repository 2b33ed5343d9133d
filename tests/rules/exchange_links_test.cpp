#include "toolkit/rules/exchange_links.hpp"

#include <gtest/gtest.h>

namespace assay::rules {
namespace {

std::string text(const std::vector<SpokenLink>& links) {
  constexpr const char* kBy[] = {"both", "prompt", "answer"};
  std::string all;
  for (const SpokenLink& link : links)
    all += std::to_string(link.exchange) + "-" + std::to_string(link.step) + " " +
           kBy[static_cast<int>(link.by)] +
           (link.among > 1 ? " of " + std::to_string(link.among) : std::string()) + "; ";
  return all;
}

TEST(ExchangeLinks, AreByTheWordsWhateverTheOrder) {
  EXPECT_EQ(text(link_by_words({{"p1", "a1"}, {"p2", "a2"}}, {{"p2", "a2"}, {"p1", "a1"}})),
            "0-1 both; 1-0 both; ");
  EXPECT_EQ(text(link_by_words({{"p1", "a1"}}, {{"p1 ", "a1"}})), "");
  EXPECT_EQ(text(link_by_words({}, {})), "");
}

TEST(ExchangeLinks, EqualWordsArePairedInOrderAndCounted) {
  EXPECT_EQ(text(link_by_words({{"p", "a"}, {"p", "a"}}, {{"p", "a"}, {"q", "b"}, {"p", "a"}})),
            "0-0 both of 2; 1-2 both of 2; ");
  // One more than the steps: an answer that was asked for again.
  EXPECT_EQ(text(link_by_words({{"p", "a"}, {"p", "a"}}, {{"p", "a"}})), "0-0 both of 2; 1-0 prompt; ");
}

TEST(ExchangeLinks, AnAttemptGoesToTheStepWhoseExchangeFollows) {
  const std::vector<Spoken> exchanges = {
      {"p", ""}, {"p", "a1"}, {"p", "thrown away"}, {"p", "a2"}, {"p", ""}};
  EXPECT_EQ(text(link_by_words(exchanges, {{"p", "a1"}, {"p", "a2"}})),
            "0-0 prompt; 1-0 both; 2-1 prompt; 3-1 both; 4-1 prompt; ");
}

TEST(ExchangeLinks, AStepWithoutAPromptIsLinkedByItsAnswer) {
  EXPECT_EQ(text(link_by_words({{"p", "a"}, {"", "e"}}, {{"", "a"}, {"", ""}})), "0-0 answer; ");
  // A step with a prompt of its own is not.
  EXPECT_EQ(text(link_by_words({{"p", "a"}}, {{"other", "a"}})), "");
  // An embedding has no words at all.
  EXPECT_EQ(text(link_by_words({{"", ""}}, {{"", ""}})), "");
}

}  // namespace
}  // namespace assay::rules
