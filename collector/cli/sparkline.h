// A series of numbers as a line of little bars. Pure function.
#pragma once

#include <string>
#include <vector>

namespace candor {

// One character a value, from its lowest to its highest value; scores keep a span of at least 20
// points, so that noise looks flat. NaN is a gap. Longer series are averaged to at most `width`.
std::string Sparkline(const std::vector<double>& values, size_t width = 28);

}  // namespace candor
