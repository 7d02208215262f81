#include <net/if.h>
#include <net/route.h>

#include <charconv>
#include <sstream>

#include "agent/samplers/network/ping.h"
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

// Columns: Iface Destination Gateway Flags RefCnt Use Metric Mask …; addresses in hexadecimal of
// the machine's own byte order.
std::optional<address> GatewayV4(const std::string& table) {
  std::optional<address> best;
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
    if ((*bits & (RTF_UP | RTF_GATEWAY)) != (RTF_UP | RTF_GATEWAY)) continue;
    if (best && metric >= best_metric) continue;
    best = address_v4(ntohl(*via));
    best_metric = metric;
  }
  return best;
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
std::optional<address> GatewayV6(const std::string& table) {
  std::optional<address> best;
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
    if ((*bits & (RTF_UP | RTF_GATEWAY)) != (RTF_UP | RTF_GATEWAY)) continue;
    if (best && *cost >= best_metric) continue;
    address_v6 gateway(*via);
    if (gateway.is_link_local()) gateway.scope_id(if_nametoindex(device.c_str()));
    best = gateway;
    best_metric = *cost;
  }
  return best;
}

}  // namespace

std::optional<address> DefaultGateway(const std::string& proc) {
  if (const auto table = ReadFile(proc + "/net/route", kRouteBytesMax); table.ok()) {
    if (const auto gateway = GatewayV4(*table)) return gateway;
  }
  if (const auto table = ReadFile(proc + "/net/ipv6_route", kRouteBytesMax); table.ok()) {
    if (const auto gateway = GatewayV6(*table)) return gateway;
  }
  return std::nullopt;
}

}  // namespace candor
