// Order of versions as Debian Policy 5.6.12 defines it; other managers' versions order sensibly by
// it, too: stretches of digits compare as numbers, a tilde comes before everything. Pure function,
// any thread.
#pragma once

#include <string_view>

namespace candor {

// Below 0, 0, above 0 like strcmp.
int CompareDebVersions(std::string_view a, std::string_view b);

}  // namespace candor
