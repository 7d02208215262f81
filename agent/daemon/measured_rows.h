// One row for each metric and event kind, its latest value or the reason why there is none; shared
// by `status` and `sample`.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "agent/daemon/output.h"
#include "candor/v1/local.pb.h"

namespace candor {

std::vector<OutputColumn> MeasuredColumns();

// Sorted by family, then number, then subject.
std::vector<nlohmann::ordered_json> MeasuredRows(
    const google::protobuf::RepeatedPtrField<v1::Status::Measured>& measured);

}  // namespace candor
