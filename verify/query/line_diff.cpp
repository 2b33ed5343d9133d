#include "verify/query/line_diff.hpp"

#include <algorithm>
#include <cstdint>
#include <span>

namespace assay::verify {

namespace {

using TextLines = std::vector<std::string_view>;
using Ids = std::vector<std::uint32_t>;

TextLines lines_with_ends(std::string_view text) {
  TextLines lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::size_t size = end == text.npos ? text.size() : end + 1;
    lines.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return lines;
}

// Equal lines get equal numbers. Sorting, not hashing: nobody can choose lines that collide.
void number_lines(const TextLines& a, const TextLines& b, Ids& a_ids, Ids& b_ids) {
  std::vector<std::string_view> all(a);
  all.insert(all.end(), b.begin(), b.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  const auto number = [&all](std::string_view line) {
    return static_cast<std::uint32_t>(std::lower_bound(all.begin(), all.end(), line) - all.begin());
  };
  for (const auto line : a) a_ids.push_back(number(line));
  for (const auto line : b) b_ids.push_back(number(line));
}

// Marks in `removed` and `added` the lines that are in no common subsequence of the two.
class Myers {
 public:
  Myers(const Ids& a, const Ids& b, std::size_t max_edits)
      : a_(a), b_(b), max_edits_(max_edits), removed(a.size()), added(b.size()) {
    const std::size_t reach = std::min(max_edits, (a.size() + b.size()) / 2 + 1) + 2;
    forward_.resize(2 * reach + 1);
    backward_.resize(2 * reach + 1);
    centre_ = static_cast<std::ptrdiff_t>(reach);
  }

  void run() { solve({0, a_.size(), 0, b_.size()}); }

 private:
  struct Box {
    std::size_t a0, a1, b0, b1;
  };
  struct Snake {
    std::size_t a0, b0, a1, b1;
  };

  void mark(const Box& box) {
    std::fill(removed.begin() + static_cast<std::ptrdiff_t>(box.a0),
              removed.begin() + static_cast<std::ptrdiff_t>(box.a1), true);
    std::fill(added.begin() + static_cast<std::ptrdiff_t>(box.b0),
              added.begin() + static_cast<std::ptrdiff_t>(box.b1), true);
  }

  void solve(Box box) {
    while (box.a0 < box.a1 && box.b0 < box.b1 && a_[box.a0] == b_[box.b0]) ++box.a0, ++box.b0;
    while (box.a0 < box.a1 && box.b0 < box.b1 && a_[box.a1 - 1] == b_[box.b1 - 1]) --box.a1, --box.b1;
    if (box.a0 == box.a1 || box.b0 == box.b1) return mark(box);
    Snake snake{};
    if (!find_middle(box, snake)) {
      shortest = false;
      return mark(box);
    }
    solve({box.a0, snake.a0, box.b0, snake.b0});
    solve({snake.a1, box.a1, snake.b1, box.b1});
  }

  std::ptrdiff_t& at(std::vector<std::ptrdiff_t>& reach, std::ptrdiff_t diagonal) {
    return reach[static_cast<std::size_t>(centre_ + diagonal)];
  }

  // The middle snake of the shortest edit script of the box: half of the edits lie before it. Halving them
  // each time bounds the recursion by log2(max_edits) levels.
  bool find_middle(const Box& box, Snake& snake) {
    const auto n = static_cast<std::ptrdiff_t>(box.a1 - box.a0),
               m = static_cast<std::ptrdiff_t>(box.b1 - box.b0);
    const std::ptrdiff_t delta = n - m;
    const auto limit = std::min(static_cast<std::ptrdiff_t>(max_edits_), (n + m + 1) / 2);
    at(forward_, 1) = 0;
    at(backward_, 1) = 0;
    for (std::ptrdiff_t d = 0; d <= limit; ++d) {
      if (step_forward(box, n, m, delta, d, snake)) return true;
      if (step_backward(box, n, m, delta, d, snake)) return true;
    }
    return false;
  }

  bool step_forward(const Box& box, std::ptrdiff_t n, std::ptrdiff_t m, std::ptrdiff_t delta,
                    std::ptrdiff_t d, Snake& snake) {
    for (std::ptrdiff_t k = -d; k <= d; k += 2) {
      const bool down = k == -d || (k != d && at(forward_, k - 1) < at(forward_, k + 1));
      std::ptrdiff_t x = down ? at(forward_, k + 1) : at(forward_, k - 1) + 1;
      const std::ptrdiff_t from = x;
      while (x < n && x - k < m && x - k >= 0 && a_of(box, x) == b_of(box, x - k)) ++x;
      at(forward_, k) = x;
      const bool overlaps = (delta & 1) && k - delta >= -(d - 1) && k - delta <= d - 1;
      if (!overlaps || x + at(backward_, delta - k) < n) continue;
      if (take(box, from, from - k, x, x - k, snake)) return true;
    }
    return false;
  }

  bool step_backward(const Box& box, std::ptrdiff_t n, std::ptrdiff_t m, std::ptrdiff_t delta,
                     std::ptrdiff_t d, Snake& snake) {
    for (std::ptrdiff_t k = -d; k <= d; k += 2) {
      const bool down = k == -d || (k != d && at(backward_, k - 1) < at(backward_, k + 1));
      std::ptrdiff_t x = down ? at(backward_, k + 1) : at(backward_, k - 1) + 1;
      const std::ptrdiff_t from = x;
      while (x < n && x - k < m && x - k >= 0 && a_of(box, n - 1 - x) == b_of(box, m - 1 - (x - k))) ++x;
      at(backward_, k) = x;
      const bool overlaps = !(delta & 1) && delta - k >= -d && delta - k <= d;
      if (!overlaps || x + at(forward_, delta - k) < n) continue;
      if (take(box, n - x, m - (x - k), n - from, m - (from - k), snake)) return true;
    }
    return false;
  }

  // Diagonals may step out of the box; a meeting there is no snake.
  static bool take(const Box& box, std::ptrdiff_t x0, std::ptrdiff_t y0, std::ptrdiff_t x1, std::ptrdiff_t y1,
                   Snake& snake) {
    const auto n = static_cast<std::ptrdiff_t>(box.a1 - box.a0),
               m = static_cast<std::ptrdiff_t>(box.b1 - box.b0);
    if (x0 < 0 || y0 < 0 || x1 > n || y1 > m) return false;
    snake = {box.a0 + static_cast<std::size_t>(x0), box.b0 + static_cast<std::size_t>(y0),
             box.a0 + static_cast<std::size_t>(x1), box.b0 + static_cast<std::size_t>(y1)};
    return true;
  }
  std::uint32_t a_of(const Box& box, std::ptrdiff_t x) const {
    return a_[box.a0 + static_cast<std::size_t>(x)];
  }
  std::uint32_t b_of(const Box& box, std::ptrdiff_t y) const {
    return b_[box.b0 + static_cast<std::size_t>(y)];
  }

  const Ids& a_;
  const Ids& b_;
  std::size_t max_edits_;
  std::vector<std::ptrdiff_t> forward_, backward_;
  std::ptrdiff_t centre_ = 0;

 public:
  std::vector<bool> removed, added;
  bool shortest = true;
};

void push_run(LineDiff& diff, DiffRun::Kind kind, std::size_t a, std::size_t b) {
  if (!diff.runs.empty() && diff.runs.back().kind == kind)
    ++diff.runs.back().count;
  else
    diff.runs.push_back({kind, a, b, 1});
}

}  // namespace

LineDiff diff_lines(std::string_view a, std::string_view b, const DiffOptions& options) {
  LineDiff diff;
  diff.a = lines_with_ends(a);
  diff.b = lines_with_ends(b);
  Ids a_ids, b_ids;
  number_lines(diff.a, diff.b, a_ids, b_ids);
  Myers myers(a_ids, b_ids, std::max<std::size_t>(options.max_edits, 1));
  myers.run();
  diff.shortest = myers.shortest;
  std::size_t i = 0, j = 0;
  while (i < diff.a.size() || j < diff.b.size()) {
    if (i < diff.a.size() && myers.removed[i])
      push_run(diff, DiffRun::Kind::remove, i, j), ++i, ++diff.removed;
    else if (j < diff.b.size() && myers.added[j])
      push_run(diff, DiffRun::Kind::add, i, j), ++j, ++diff.added;
    else
      push_run(diff, DiffRun::Kind::keep, i, j), ++i, ++j;
  }
  return diff;
}

namespace {

void push_line(Hunk& hunk, char mark, std::string_view line) {
  const bool ended = line.ends_with('\n');
  if (ended) line.remove_suffix(1);
  hunk.lines.push_back(mark + std::string(line));
  if (!ended) hunk.lines.emplace_back("\\ No newline at end of file");
}

void push_lines(Hunk& hunk, const LineDiff& diff, const DiffRun& run, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to; ++i) {
    if (run.kind == DiffRun::Kind::add)
      push_line(hunk, '+', diff.b[run.b + i]);
    else
      push_line(hunk, run.kind == DiffRun::Kind::keep ? ' ' : '-', diff.a[run.a + i]);
  }
  hunk.a_count += run.kind == DiffRun::Kind::add ? 0 : to - from;
  hunk.b_count += run.kind == DiffRun::Kind::remove ? 0 : to - from;
}

// Unified diffs count from 1; an empty side names the line before it.
void finish(Hunk& hunk, std::vector<Hunk>& hunks) {
  if (hunk.a_count > 0) ++hunk.a_start;
  if (hunk.b_count > 0) ++hunk.b_start;
  hunks.push_back(std::move(hunk));
  hunk = {};
}

}  // namespace

std::vector<Hunk> hunks_of(const LineDiff& diff, std::size_t context) {
  std::vector<Hunk> hunks;
  Hunk hunk;
  bool open = false;
  for (std::size_t r = 0; r < diff.runs.size(); ++r) {
    const DiffRun& run = diff.runs[r];
    const bool last = r + 1 == diff.runs.size();
    if (run.kind != DiffRun::Kind::keep) {
      if (!open) hunk.a_start = run.a, hunk.b_start = run.b, open = true;
      push_lines(hunk, diff, run, 0, run.count);
      if (last) finish(hunk, hunks);
      continue;
    }
    if (open && !last && run.count <= 2 * context) {
      push_lines(hunk, diff, run, 0, run.count);
      continue;
    }
    if (open) {
      push_lines(hunk, diff, run, 0, std::min(context, run.count));
      finish(hunk, hunks);
      open = false;
    }
    if (last) break;
    const std::size_t lead = std::min(context, run.count);
    hunk.a_start = run.a + run.count - lead;
    hunk.b_start = run.b + run.count - lead;
    push_lines(hunk, diff, run, run.count - lead, run.count);
    open = true;
  }
  return hunks;
}

}  // namespace assay::verify
