// Manual pages in roff (man(7)), made from the list of commands. Pure functions.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace candor {

// File names and their text: candor.1, and one page for each command ("candor-token.1" has all of
// token's).
std::vector<std::pair<std::string, std::string>> ManualPages();

}  // namespace candor
