// The name somebody probably meant. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace candor {

// Up to `count` names nearest to `word`: those that begin with it or contain it, then those within
// a third of its length in single-letter edits (at least two; one for words of four letters).
// Nearest first.
std::vector<std::string> NearestNames(std::string_view word, const std::vector<std::string>& names,
                                      size_t count = 3);

// " (did you mean a, b?)", or "" where nothing is near: to put behind an error.
std::string DidYouMean(std::string_view word, const std::vector<std::string>& names);

}  // namespace candor
