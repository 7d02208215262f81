#include "agent/uplink/service_probe.h"

#include <algorithm>
#include <chrono>

#include "agent/uplink/plain_connection.h"
#include "common/status.h"
#include "common/tls/connection.h"
#include "common/version.h"

namespace candor {
namespace {

constexpr size_t kPathBytesMax = 1024;

// No spaces or control characters: a path can never begin a second line or request.
bool IsPath(std::string_view path) {
  return path.starts_with('/') && path.size() <= kPathBytesMax &&
         std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

template <typename Connection>
absl::Status MeasureFirstByte(Connection& connection, const v1::Configuration::Service& service,
                              v1::ServiceProbe& probe) {
  if (!IsPath(service.http_path())) {
    return absl::InvalidArgumentError("the path to ask for is no path");
  }
  const std::string request = "GET " + service.http_path() +
                              " HTTP/1.1\r\nHost: " + service.host() + "\r\nUser-Agent: candor/" +
                              std::string(kVersion) +
                              "\r\nAccept: */*\r\nConnection: close\r\n\r\n";
  const auto start = std::chrono::steady_clock::now();
  CANDOR_RETURN_IF_ERROR(connection.Send(request));
  CANDOR_RETURN_IF_ERROR(connection.Receive(1).status());
  const auto elapsed = std::chrono::steady_clock::now() - start;
  probe.set_first_byte_us(static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(elapsed).count()));
  return absl::OkStatus();
}

template <typename Connection>
void AddCost(const Connection& connection, ProbeCost& cost) {
  cost.bytes_sent += connection.bytes_sent();
  cost.bytes_received += connection.bytes_received();
}

absl::Status ProbePlain(const v1::Configuration::Service& service, int64_t timeout_ms,
                        ProbeCost& cost, v1::ServiceProbe& probe) {
  if (service.http_path().empty()) {
    return absl::InvalidArgumentError("nothing to measure: the service has neither TLS nor a path");
  }
  CANDOR_ASSIGN_OR_RETURN(
      PlainConnection connection,
      PlainConnection::Connect(service.host(), static_cast<uint16_t>(service.port()), timeout_ms));
  const absl::Status status = MeasureFirstByte(connection, service, probe);
  AddCost(connection, cost);
  return status;
}

absl::Status ProbeTls(const v1::Configuration::Service& service, int64_t timeout_ms,
                      ProbeCost& cost, v1::ServiceProbe& probe) {
  TlsConnection::Options options;
  options.host = service.host();
  options.port = static_cast<uint16_t>(service.port());
  options.alpn = service.http_path().empty() ? "" : "http/1.1";
  options.timeout_ms = timeout_ms;
  CANDOR_ASSIGN_OR_RETURN(TlsConnection connection, TlsConnection::Connect(options));
  probe.set_tls_us(static_cast<uint64_t>(connection.handshake_us()));
  absl::Status status;
  if (!service.http_path().empty()) status = MeasureFirstByte(connection, service, probe);
  AddCost(connection, cost);
  return status;
}

}  // namespace

v1::ServiceProbe ProbeService(const v1::Configuration::Service& service, int64_t timeout_ms,
                              ProbeCost& cost) {
  v1::ServiceProbe probe;
  probe.set_service(service.name());
  const absl::Status status = service.tls() ? ProbeTls(service, timeout_ms, cost, probe)
                                            : ProbePlain(service, timeout_ms, cost, probe);
  if (!status.ok()) probe.set_failure(std::string(MessageOf(status)));
  return probe;
}

}  // namespace candor
