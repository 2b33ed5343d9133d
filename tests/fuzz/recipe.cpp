#include "formats/recipe.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto recipe = formats::Recipe::parse(fuzz::view(data, size));
  if (!recipe) return 0;
  const std::string text = recipe->canonical();
  const auto again = formats::Recipe::parse(text);
  fuzz::require(again && again->canonical() == text, "a recipe has one canonical text");
  return 0;
}
