// Which name of a systemd unit may leave the laptop. Units can be named after disks, people and
// their folders; only what a package brought is called by its name. Pure functions, any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace candor {

// systemd writes "-" and other bytes of a name as \x2d.
std::string UnescapeUnitName(std::string_view text);

// "a@b.service" is an instance of the template "a@.service"; other names are their own.
std::string UnitTemplate(std::string_view unit);

// The unit's name, or its template's, where `installed` says that a package brought it; mount
// points that every system has; otherwise "other" with the unit's type ("other.mount").
std::string PublicUnitName(std::string_view unit,
                           const std::function<bool(std::string_view)>& installed);

}  // namespace candor
