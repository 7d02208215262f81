// `candor network --by class`: how the network feels in the operator's own networks, at home and
// elsewhere, with and without a VPN. Which kind of network somebody was in is behaviour: the
// figures are of everybody, never of laptops that a filter picks, and a kind that few laptops saw
// is left out. How long anybody was where is not shown at all.
#pragma once

#include <cstddef>
#include <string_view>

#include "collector/query/view.h"

namespace candor {

constexpr std::string_view kByNetworkClass = "class";
// A kind of network that fewer laptops saw is not shown.
constexpr size_t kClassDevicesMin = 5;

// InvalidArgument where a filter picks laptops.
Answer AnswerNetworkByClass(ViewContext& context, const ViewRequest& request);

}  // namespace candor
