// MongoDB Extended JSON v2, as mongoexport writes it, to plain JSON.
#pragma once

#include "toolkit/base/json.hpp"
#include "toolkit/base/result.hpp"

namespace assay::archives {

/// {"$oid": s} and {"$date": s} become s; {"$date": {"$numberLong": ms}} becomes the milliseconds as a
/// string;
/// {"$numberInt"}, {"$numberLong"} and {"$numberDouble"} become numbers, NaN and infinities among them. Other
/// objects keep their members, whose values are treated the same way. A number that does not read is an error
/// that names it.
Result<Json> plain_json(const Json& extended);

}  // namespace assay::archives
