// Text for manual pages (man(7)). Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

namespace candor::roff {

// Text in which nothing is a command of roff's.
std::string Plain(std::string_view text);
std::string Bold(std::string_view text);
std::string Italic(std::string_view text);

}  // namespace candor::roff
