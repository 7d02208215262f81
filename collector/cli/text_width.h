// How wide text is on a terminal, and text made fit for one. UTF-8; what is not UTF-8 counts a
// column a byte. Pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace candor {

// Columns: combining marks take none, East Asian wide characters and emoji two (Unicode Standard
// Annex 11, the ranges in use).
size_t TextWidth(std::string_view text);

// Control characters (a host name could carry a terminal's commands) become U+FFFD.
std::string Printable(std::string_view text);

// At most `width` columns; what is cut ends in an ellipsis.
std::string FitText(std::string_view text, size_t width);

std::string PadRight(std::string text, size_t width);
std::string PadLeft(std::string text, size_t width);

}  // namespace candor
