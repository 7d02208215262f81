// Exact quantiles of a handful of values, as folds take them: nearest rank, and for a median of an
// even number the mean of the middle two. Pure functions.
#pragma once

#include <optional>
#include <vector>

namespace candor {

std::optional<double> Median(std::vector<double> values);
// Nearest rank ceil(q * n), 0 < q <= 1.
std::optional<double> NearestRank(std::vector<double> values, double q);

}  // namespace candor
