// Apart from the view itself, which needs no bundle.
#include "verify/campaign_view.hpp"

namespace assay::verify {

Result<CampaignView> CampaignView::read(const formats::Bundle& bundle) {
  Builder builder(bundle.manifest(), [&](std::size_t item) { return bundle.has_content(item); });
  for (std::size_t item = 0; item < bundle.manifest().size(); ++item)
    if (builder.wants(item) && bundle.has_content(item)) builder.add(item, ASSAY_TRY(bundle.read(item)));
  return builder.finish();
}

}  // namespace assay::verify
