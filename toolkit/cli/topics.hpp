// `assay help TOPIC`: ideas rather than commands.
#pragma once

#include <span>
#include <string_view>

namespace assay::cli {

struct Topic {
  std::string_view name, sentence, text;
};
std::span<const Topic> help_topics();
const Topic* find_topic(std::string_view name);

}  // namespace assay::cli
