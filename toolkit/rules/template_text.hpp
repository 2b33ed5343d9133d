// Prompts rendered again from their template: the part of Jinja that ASI-Evolve's templates use.
#pragma once

#include <string>
#include <string_view>

#include "toolkit/base/json.hpp"
#include "toolkit/base/result.hpp"

namespace assay::rules {

/// `{{ a.b }}`, `{% for x in a %}`, `{% if a %}`, `{% else %}`, their ends, with Jinja's trim_blocks and
/// lstrip_blocks and without the template's own last line feed (utils/prompt.py gives these to templates of a
/// run). Names without a value render as nothing. Fault::refused where the template uses anything else, or a
/// value is no text or number: then nothing is known of its prompt.
Result<std::string> render_template(std::string_view text, const Json& values);

}  // namespace assay::rules
