#include "replay/runner/events.hpp"

#include <cerrno>
#include <unistd.h>

namespace assay::replay {

void Events::send(const Json& event) const {
  const std::string line = event.dump() + "\n";
  std::size_t done = 0;
  while (done < line.size()) {
    const ssize_t n = ::write(descriptor_, line.data() + done, line.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0)
      ::_exit(Failure(FailureKind::internal, "").exit_status());  // the parent is gone: nobody to tell
    done += static_cast<std::size_t>(n);
  }
}

void Events::send(const Failure& failure) const {
  Json event = Json::object({{"event", "error"}, {"kind", failure.kind_name()}, {"what", failure.text}});
  event.set("line", failure.line > 0 ? Json(static_cast<long long>(failure.line)) : Json());
  event.set("text", failure.source_line.empty() ? Json() : Json(failure.source_line));
  event.set("hint", failure.hint.empty() ? Json() : Json(failure.hint));
  send(event);
}

}  // namespace assay::replay
