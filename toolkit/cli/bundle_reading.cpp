#include "toolkit/cli/bundle_reading.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace assay::cli {

namespace {

// The document of the work as it came through the pipe. Our own child wrote it, but from a hostile bundle.
Result<Json> ask(const Confinement& limits, const std::function<Result<Json>()>& work) {
  const std::string text =
      ASSAY_TRY(run_confined(limits, [&work]() -> Result<std::string> { return ASSAY_TRY(work()).dump(); }));
  return Json::parse(text);
}

}  // namespace

Confinement confinement(Output& output) {
  Confinement limits;
  limits.memory = modest_memory();
  limits.progress = &output.progress();
  return limits;
}

Result<Json> ask_bundle(const Fd& fd, const std::string& file, Output& output, const BundleQuestion& work) {
  return ask(confinement(output), [&]() -> Result<Json> {
    // The child's copy of the descriptor, which ends with the child.
    const formats::Bundle bundle = ASSAY_TRY(formats::Bundle::open(Fd(fd.get()), file));
    return work(bundle);
  });
}

Result<Json> ask_bundle(const std::string& file, Output& output, const BundleQuestion& work) {
  const Fd fd = ASSAY_TRY(open_read(file));
  return ask_bundle(fd, file, output, work);
}

Result<Exit> print_answer(const std::string& file, Output& output, const BundleQuestion& work,
                          const std::function<std::string(const Json&)>& text) {
  const Json answer = ASSAY_TRY(ask_bundle(file, output, [&](const formats::Bundle& bundle) -> Result<Json> {
    Json result = ASSAY_TRY(work(bundle));
    return Json::object({{"root", bundle.statement().root.hex()}, {"result", std::move(result)}});
  }));
  const Json& result = answer["result"];
  if (output.wants_json()) {
    output.print_json(output.document()
                          .set("input", Json::object({{"path", file}, {"root", answer["root"]}}))
                          .set("result", result));
  } else {
    output.print(text(result));
  }
  return Exit::done;
}

Status check_whole(const formats::Bundle& bundle) {
  std::optional<Error> first;
  Progress& progress = confined_progress();
  bool started = false;
  ASSAY_TRY(bundle.walk([](std::size_t, std::string_view, bool) -> Status { return {}; },
                        [&first](const formats::Bundle::Damage& damage) {
                          if (first) return;
                          first = Error{Fault::damaged, damage.text,
                                        damage.area + ", at byte " + std::to_string(damage.offset),
                                        "assay verify lists all damage"};
                        },
                        [&](std::uint64_t done, std::uint64_t all) {
                          if (!std::exchange(started, true)) progress.stage("checking", all, "B");
                          progress.update(done);
                        }));
  return first ? Status(*std::move(first)) : Status();
}

Result<Json> ask_bundles(const std::string& a, const std::string& b, Output& output,
                         const TwoBundlesQuestion& work) {
  Fd fd_a = ASSAY_TRY(open_read(a)), fd_b = ASSAY_TRY(open_read(b));
  return ask(confinement(output), [&]() -> Result<Json> {
    const formats::Bundle bundle_a = ASSAY_TRY(formats::Bundle::open(std::move(fd_a), a));
    const formats::Bundle bundle_b = ASSAY_TRY(formats::Bundle::open(std::move(fd_b), b));
    return work(bundle_a, bundle_b);
  });
}

Status stream_bundle(const std::string& file, Output& output,
                     const std::function<Status(const formats::Bundle&, const Emit&)>& work,
                     const std::function<Status(std::string_view)>& receive) {
  const Fd fd = ASSAY_TRY(open_read(file));
  return stream_bundle(fd, file, output, work, receive);
}

Status stream_bundle(const Fd& fd, const std::string& file, Output& output,
                     const std::function<Status(const formats::Bundle&, const Emit&)>& work,
                     const std::function<Status(std::string_view)>& receive) {
  Confinement limits = confinement(output);
  // As much as a bundle may well hold; one that unfolds further would fill the disk.
  limits.result = std::max(16ull << 30, 256ull * ASSAY_TRY(file_size(fd.get())));
  return run_confined(
      limits,
      [&](const Emit& emit) -> Status {
        // The child's copy of the descriptor, which ends with the child.
        const formats::Bundle bundle = ASSAY_TRY(formats::Bundle::open(Fd(fd.get()), file));
        return work(bundle, emit);
      },
      receive);
}

}  // namespace assay::cli
