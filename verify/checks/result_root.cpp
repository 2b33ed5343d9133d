// A search of assay's own: is the result root that the campaign names that of the items in the bundle?
#include "verify/checks/functions.hpp"
#include "verify/checks/helpers.hpp"

namespace assay::verify {

void check_result_root(const CheckInput& input, FindingSink& sink) {
  const auto& follows = input.view.result_root();
  if (!follows) return;  // no search
  const Json& facts = input.view.head().raw["extra"];
  const std::string sealed(facts["result_root"].string_or(""));
  if (sealed.empty()) {
    if (facts["complete"].boolean().value_or(true))
      sink.add(Severity::error, "", "the search names no result root, and does not say that it is incomplete",
               follows->hex(), "none");
    return;
  }
  if (input.view.result_root_hidden()) {
    sink.add(Severity::note, "",
             "the result root cannot be computed again: items that it covers are withheld");
    return;
  }
  if (sealed != follows->hex())
    sink.add(Severity::error, "", "the result root is not that of the search's items", follows->hex(),
             sealed);
}

}  // namespace assay::verify
