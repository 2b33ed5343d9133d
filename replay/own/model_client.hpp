// Live answers of a model server, with the recorder's own client: limits, deadlines, verified TLS. What holds
// a key is refused or redacted before it reaches the journal.
#pragma once

#include <string>

#include "replay/own/proposer.hpp"
#include "replay/search/upstream.hpp"

namespace assay::own {

/// Asks the one upstream. `key` goes into the authorization header alone; `name` stands in its place where an
/// answer repeats it. An Error where the server gives no whole answer or a status from 300 up, after `tries`
/// attempts with a pause between them.
Ask ask_upstream(const search::Upstream& upstream, const std::string& name, const std::string& key,
                 unsigned tries = 5);

}  // namespace assay::own
