#include <net/if.h>
#include <net/route.h>

#include <charconv>
#include <sstream>

#include "agent/samplers/network/gateway.h"
#include "common/files.h"

namespace candor {
namespace {

using boost::asio::ip::address;
using boost::asio::ip::address_v4;
using boost::asio::ip::address_v6;

// Routes beyond this many bytes are not looked at (a full routing table is no laptop's).
constexpr size_t kRouteBytesMax = 1 << 20;

std::optional<uint32_t> Hex32(std::string_view text) {
  uint32_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct DefaultRoutes {
  bool any = false;
  std::optional<address> gateway;  // of the best one that has one
};

// Columns: Iface Destination Gateway Flags RefCnt Use Metric Mask …; addresses in hexadecimal of
// the machine's own byte order.
DefaultRoutes RoutesV4(const std::string& table) {
  DefaultRoutes routes;
  uint32_t best_metric = 0;
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name, destination, gateway, flags, references, uses, mask;
    uint32_t metric = 0;
    if (!(words >> name >> destination >> gateway >> flags >> references >> uses >> metric >> mask))
      continue;
    const auto to = Hex32(destination), via = Hex32(gateway), bits = Hex32(flags),
               wide = Hex32(mask);
    if (!to || !via || !bits || !wide || *to != 0 || *wide != 0) continue;
    if ((*bits & (RTF_UP | RTF_REJECT)) != RTF_UP) continue;
    routes.any = true;
    if ((*bits & RTF_GATEWAY) == 0) continue;
    if (routes.gateway && metric >= best_metric) continue;
    routes.gateway = address_v4(ntohl(*via));
    best_metric = metric;
  }
  return routes;
}

std::optional<address_v6::bytes_type> HexV6(std::string_view text) {
  if (text.size() != 32) return std::nullopt;
  address_v6::bytes_type bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto value = Hex32(text.substr(2 * i, 2));
    if (!value) return std::nullopt;
    bytes[i] = static_cast<uint8_t>(*value);
  }
  return bytes;
}

// Columns: destination length source length next-hop metric references uses flags device.
DefaultRoutes RoutesV6(const std::string& table) {
  DefaultRoutes routes;
  uint32_t best_metric = 0;
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string to, length, source, source_length, hop, metric, references, uses, flags, device;
    if (!(words >> to >> length >> source >> source_length >> hop >> metric >> references >> uses >>
          flags >> device))
      continue;
    const auto via = HexV6(hop);
    const auto bits = Hex32(flags), cost = Hex32(metric), wide = Hex32(length);
    if (!via || !bits || !cost || !wide || *wide != 0) continue;
    if ((*bits & (RTF_UP | RTF_REJECT)) != RTF_UP || device == "lo") continue;
    routes.any = true;
    if ((*bits & RTF_GATEWAY) == 0) continue;
    if (routes.gateway && *cost >= best_metric) continue;
    address_v6 gateway(*via);
    if (gateway.is_link_local()) gateway.scope_id(if_nametoindex(device.c_str()));
    routes.gateway = gateway;
    best_metric = *cost;
  }
  return routes;
}

DefaultRoutes ReadV4(const std::string& proc) {
  const auto table = ReadFile(proc + "/net/route", kRouteBytesMax);
  return table.ok() ? RoutesV4(*table) : DefaultRoutes();
}

DefaultRoutes ReadV6(const std::string& proc) {
  const auto table = ReadFile(proc + "/net/ipv6_route", kRouteBytesMax);
  return table.ok() ? RoutesV6(*table) : DefaultRoutes();
}

}  // namespace

std::optional<address> DefaultGateway(const std::string& proc) {
  if (const auto gateway = ReadV4(proc).gateway) return gateway;
  return ReadV6(proc).gateway;
}

bool HasDefaultRoute(const std::string& proc) { return ReadV4(proc).any || ReadV6(proc).any; }

}  // namespace candor
