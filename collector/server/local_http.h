// Plain HTTP for the machine's own eyes: health checks and metrics, on loopback only.
//
// One thread serves all connections; a request's headers and a connection's silence are bounded.
// `page` runs on that thread and should be quick; it must outlive the server.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace candor {

struct HttpPage {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// InvalidArgument when it is no "ADDRESS:PORT" of a loopback address.
absl::Status CheckLoopbackAddress(const std::string& address);

class LocalHttp {
 public:
  using PageFn = std::function<HttpPage(const std::string& path)>;

  static constexpr int kConnectionsMax = 64;
  static constexpr int kSilenceSecondsMax = 10;
  static constexpr size_t kHeaderBytesMax = 8 << 10;

  // "ADDRESS:PORT", port 0 for a free one. InvalidArgument when the address is not loopback;
  // Unavailable when it cannot be listened on.
  static absl::StatusOr<std::unique_ptr<LocalHttp>> Start(const std::string& address, PageFn page);
  virtual ~LocalHttp() = default;

  // "127.0.0.1:7480", with the port in use.
  virtual std::string address() const = 0;
};

}  // namespace candor
