#include "replay/engine/segments.hpp"

#include <algorithm>
#include <charconv>

#include "toolkit/base/bytes.hpp"
#include "toolkit/base/text.hpp"

namespace assay::replay {

namespace {

constexpr char kDomainText[] = "assay-sample-v1";
constexpr std::string_view kDomain{kDomainText, sizeof(kDomainText)};  // with its zero

std::optional<std::uint64_t> decimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::uint64_t steps_in(const std::vector<Segment>& segments) {
  std::uint64_t steps = 0;
  for (const Segment& segment : segments) steps += segment.until - segment.from;
  return steps;
}

void join(std::vector<Segment>& list, const Segment& next) {
  if (!list.empty() && list.back().until == next.from)
    list.back().until = next.until;
  else
    list.push_back(next);
}

}  // namespace

std::vector<Segment> segments_of(const std::vector<std::uint64_t>& checkpoints, std::uint64_t steps) {
  std::vector<Segment> segments;
  for (std::size_t i = 0; i < checkpoints.size() && checkpoints[i] < steps; ++i)
    segments.push_back(
        {checkpoints[i], i + 1 < checkpoints.size() ? std::min(checkpoints[i + 1], steps) : steps});
  return segments;
}

Result<std::vector<Segment>> part_of(const std::vector<Segment>& segments, std::string_view i_of_n) {
  const auto slash = i_of_n.find('/');
  const auto i = decimal(i_of_n.substr(0, slash));
  const auto n = slash == i_of_n.npos ? std::nullopt : decimal(i_of_n.substr(slash + 1));
  if (!i || !n || *i == 0 || *i > *n)
    return Error{Fault::usage, "expected i/n with 1 <= i <= n, found " + std::string(i_of_n),
                 "option --segment", ""};
  if (*n > segments.size())
    return Error{Fault::usage,
                 "the run has " + counted(segments.size(), "segment") + ", not " + with_separators(*n),
                 "option --segment", "a segment starts where a checkpoint was sealed"};
  const auto bound = [&](std::uint64_t part) {
    return segments.begin() + static_cast<long>(part * segments.size() / *n);
  };
  return std::vector<Segment>(bound(*i - 1), bound(*i));
}

Result<std::vector<Segment>> sample_of(const std::vector<Segment>& segments, std::uint64_t drawn,
                                       std::uint64_t seed) {
  if (drawn == 0 || drawn > segments.size())
    return Error{Fault::usage,
                 "the run has " + counted(segments.size(), "segment") + ", so 1 to " +
                     std::to_string(segments.size()) + " can be drawn, not " + std::to_string(drawn),
                 "option --sample", ""};
  std::vector<std::pair<Digest, std::size_t>> order;
  for (std::size_t number = 0; number < segments.size(); ++number) {
    Bytes message(kDomain);
    put_u64_le(message, seed);
    put_u64_le(message, number);
    order.emplace_back(sha256(message), number);
  }
  std::sort(order.begin(), order.end());
  order.resize(drawn);
  std::vector<Segment> chosen;
  for (const auto& [digest, number] : order) chosen.push_back(segments[number]);
  std::sort(chosen.begin(), chosen.end(), [](const Segment& a, const Segment& b) { return a.from < b.from; });
  return chosen;
}

std::vector<Segment> cut(std::vector<Segment> segments, std::uint64_t steps) {
  std::erase_if(segments, [&](const Segment& segment) { return segment.from >= steps; });
  for (Segment& segment : segments) segment.until = std::min(segment.until, steps);
  return segments;
}

std::vector<std::vector<Segment>> deal(const std::vector<Segment>& segments, unsigned workers) {
  const std::uint64_t all = steps_in(segments);
  std::vector<std::vector<Segment>> hands(
      std::clamp<std::size_t>(workers, 1, std::max<std::size_t>(1, segments.size())));
  std::size_t worker = 0;
  std::uint64_t dealt = 0;
  for (const Segment& segment : segments) {
    // The next one, once this has its share.
    while (worker + 1 < hands.size() && dealt * hands.size() >= all * (worker + 1)) ++worker;
    join(hands[worker], segment);
    dealt += segment.until - segment.from;
  }
  std::erase_if(hands, [](const auto& hand) { return hand.empty(); });
  return hands;
}

}  // namespace assay::replay
