#include "archives/assay_steps.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "formats/campaign.hpp"
#include "toolkit/base/parallel.hpp"
#include "toolkit/base/sha256.hpp"
#include "toolkit/base/text.hpp"

namespace assay::archives {

namespace {

constexpr const char* kSteps = "steps.jsonl";
constexpr std::uint64_t kBlock = 8u << 20;
constexpr std::uint64_t kMaxLine = 256u << 20;  // a transcript that stands inline

/// Where an id was seen; the digest stands for the id, since there may be a million.
struct SeenId {
  std::array<std::uint8_t, 16> id{};
  std::uint64_t line = 0;
};

/// A line and what is wrong with it.
struct Line {
  std::string_view text;
  std::uint64_t number = 0;
  SeenId seen;
  std::optional<Error> wrong;
};

std::string line_place(std::uint64_t number) {
  return std::string(kSteps) + ", line " + std::to_string(number);
}

bool has_file(const std::vector<FoundFile>& files, std::string_view name) {
  const auto at =
      std::lower_bound(files.begin(), files.end(), name,
                       [](const FoundFile& file, std::string_view key) { return file.relative < key; });
  return at != files.end() && at->relative == name;
}

Status check_line(Line& line, const std::vector<FoundFile>& files) {
  const auto step = ASSAY_TRY(formats::Step::parse(line.text));
  const Digest digest = sha256(step.id);
  std::copy_n(digest.bytes.begin(), line.seen.id.size(), line.seen.id.begin());
  line.seen.line = line.number;
  if (step.experiment && !has_file(files, "experiments/" + *step.experiment + "/experiment.json"))
    return Error{Fault::malformed, "no such experiment: " + *step.experiment, "field \"experiment\"", ""};
  if (step.transcript && !has_file(files, *step.transcript))
    return Error{Fault::malformed, "no such file: " + *step.transcript, "field \"transcript\"", ""};
  return {};
}

class StepsCheck {
 public:
  StepsCheck(const std::vector<FoundFile>& files, Problems& problems) : files_(files), problems_(problems) {}

  Status block(std::string_view text) {
    std::vector<Line> lines = split(text);
    ASSAY_TRY(parallel_for(lines.size(), [&](std::size_t i) -> Status {
      if (Status status = check_line(lines[i], files_); !status.ok())
        lines[i].wrong = std::move(status.error()).in(line_place(lines[i].number));
      return {};
    }));
    for (Line& line : lines) {
      if (line.wrong) {
        broken_ = true;
        ASSAY_TRY(problems_.add(std::move(*line.wrong)));
        continue;
      }
      seen_.push_back(line.seen);
      if (problems_.keep_going()) kept_.append(line.text).append("\n");
    }
    return {};
  }

  Status duplicates() {
    std::sort(seen_.begin(), seen_.end(), [](const SeenId& a, const SeenId& b) {
      return std::tie(a.id, a.line) < std::tie(b.id, b.line);
    });
    for (std::size_t i = 1; i < seen_.size(); ++i)
      if (seen_[i].id == seen_[i - 1].id)
        return Error{Fault::malformed,
                     "the id of this step is that of line " + std::to_string(seen_[i - 1].line),
                     line_place(seen_[i].line) + ", field \"id\"", "ids of steps are unique"};
    return {};
  }

  bool broken() const { return broken_; }
  std::string take_kept() { return std::move(kept_); }

 private:
  std::vector<Line> split(std::string_view text) {
    std::vector<Line> lines;
    while (!text.empty()) {
      const auto end = std::min(text.find('\n'), text.size());
      ++number_;
      if (!trim(text.substr(0, end)).empty())
        lines.push_back({text.substr(0, end), number_, {}, std::nullopt});
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
  }

  const std::vector<FoundFile>& files_;
  Problems& problems_;
  std::vector<SeenId> seen_;
  std::string kept_;
  std::uint64_t number_ = 0;
  bool broken_ = false;
};

// Blocks end at a line's end, so that only one block and one line are in memory.
Status read_blocks(const fs::path& path, StepsCheck& check) {
  const Fd fd = ASSAY_TRY(open_read(path));
  const std::uint64_t size = ASSAY_TRY(file_size(fd.get()));
  std::string rest;
  for (std::uint64_t at = 0; at < size;) {
    const std::uint64_t length = std::min(kBlock, size - at);
    rest += ASSAY_TRY(read_at(fd.get(), at, length));
    at += length;
    const auto end = at == size ? rest.size() : rest.rfind('\n') + 1;  // npos + 1 is 0: no line ends here
    if (end == 0 && rest.size() > kMaxLine)
      return Error{Fault::malformed, "a line longer than 256 MiB", kSteps,
                   "keep transcripts in files of their own"};
    ASSAY_TRY(check.block(std::string_view(rest).substr(0, end)));
    rest.erase(0, end);
  }
  return {};
}

}  // namespace

Status check_steps(const fs::path& root, std::vector<FoundFile>& files, Problems& problems,
                   std::vector<ImportedItem>& items) {
  if (!has_file(files, kSteps)) return {};
  StepsCheck check(files, problems);
  ASSAY_TRY(read_blocks(root / kSteps, check));
  ASSAY_TRY(check.duplicates());
  if (!check.broken()) return {};
  std::erase_if(files, [](const FoundFile& file) { return file.relative == kSteps; });
  items.push_back(ImportedItem::inline_text(kSteps, check.take_kept()));
  return {};
}

}  // namespace assay::archives
