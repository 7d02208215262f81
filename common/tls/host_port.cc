#include <charconv>

#include "common/status.h"
#include "common/tls/authority.h"
#include "common/tls/connection.h"

namespace candor {

std::string HostPort::Text() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

absl::StatusOr<HostPort> ParseHostPort(std::string_view text) {
  const auto wrong = [&] {
    return absl::InvalidArgumentError("not HOST:PORT: \"" + std::string(text.substr(0, 300)) +
                                      "\"");
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  const bool brackets = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
  if (brackets) host = host.substr(1, host.size() - 2);
  // A bare version 6 address would leave it open where the port begins.
  if (!brackets && host.find(':') != std::string_view::npos) return wrong();
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0) return wrong();
  if (!CheckHostName(host).ok()) return wrong();
  return HostPort{std::string(host), port};
}

}  // namespace candor
