// A rerun that goes on against upstreams where it leaves its record (`--on-divergence live`): kept as a run
// folder of its own, which seals and reruns as any other.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "replay/search/kept_output.hpp"
#include "replay/search/recorder.hpp"
#include "replay/search/run_folder.hpp"

namespace assay::search {

struct BranchPlan {
  std::filesystem::path run;        ///< the folder to make
  std::vector<Upstream> upstreams;  ///< in place of the record's own addresses, by name
  UpstreamLimits limits;
  Environment environment;  ///< whose keys stand in for what the record has redacted
  std::string root;         ///< of the bundle that the record comes from, in hex; empty: of none
};

struct BranchReport {
  std::filesystem::path run;
  std::uint64_t copied = 0, live = 0, errors = 0;
};

class Branch {
 public:
  /// Makes the folder, with the old record's plan and its tree before. Fault::refused: it is there already;
  /// Fault::usage: an upstream that the record does not know.
  static Result<std::unique_ptr<Branch>> create(const RunFolder& run, const BranchPlan& plan, Json versions);

  /// The program has started: `turnstile` as it was watched, `clock` where it is driven.
  Status begin(std::optional<ClockFile> clock, Turnstile& turnstile);

  std::uint64_t arrive();
  Status keep(const formats::Exchange& recorded, std::uint64_t number);  ///< answered from the old record
  /// The record is left: `exchange` of it was the first to differ (0: it had no more), after `answered`.
  Status leave(std::uint64_t exchange, std::uint64_t answered);
  void ask(ChildRequest request, ChildAnswer& answer, std::uint64_t number);  ///< of an upstream

  void take_out(std::string_view bytes) { out_.take(bytes); }
  void take_err(std::string_view bytes) { err_.take(bytes); }
  std::optional<Error> failure() const;
  void stop();  ///< breaks what is under way

  /// The program has ended: `tree` is its folder, seen at the recorded path where `mounted`.
  Result<BranchReport> finish(int status, const std::filesystem::path& tree, bool mounted, double seconds,
                              const Json& refused);

 private:
  Branch(const RunFolder& run, const BranchPlan& plan, std::vector<Upstream> upstreams);
  Status copy_before();
  Status write_plan() const;
  formats::JournalRecord start_record() const;
  std::string with_keys(std::string text, const std::string& upstream) const;

  const RunFolder& run_;
  const std::filesystem::path path_;
  const Environment environment_;
  const std::string root_;
  Json versions_;
  Redactor redactor_;
  Upstreams upstreams_;
  std::function<void(std::string_view)> nowhere_;
  Tree before_;
  KeptOutput out_, err_;
  Turnstile* turnstile_ = nullptr;
  std::unique_ptr<Recorder> recorder_;
  std::atomic<std::uint64_t> copied_ = 0;
};

}  // namespace assay::search
