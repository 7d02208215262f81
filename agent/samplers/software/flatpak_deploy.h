// The version that flatpak itself shows, from the file "deploy" beside each deployed application or
// runtime. Pure function, any thread.
//
// The file is a GVariant of type (ssasta{sv}): origin, commit, subpaths, size, and properties, of
// which "appdata-version" is text. Of the serialized form only this is used: an entry of such a
// dictionary begins on a multiple of eight bytes with its key and a zero (sixteen bytes for this
// key), then the value with its zero, a zero, and the value's type, "s".
#pragma once

#include <string>
#include <string_view>

namespace candor {

// Empty where the file does not tell.
std::string AppdataVersion(std::string_view deploy);

}  // namespace candor
