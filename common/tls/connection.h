// One TLS connection made by hand, for what gRPC does not tell: the chain a server shows before it
// is trusted, how long a handshake takes, and why a server closes the door.
//
// It trusts nobody by itself: the caller checks `chain()`. It sends nothing of value until then.
// Blocking, with a time-out over all of connect and handshake and one for each later call; one
// thread at a time. Durations are microseconds of the steady clock. Errors: Unavailable (name not
// found, refused, unreachable, closed), DeadlineExceeded, and for a TLS alert by the other side
// FailedPrecondition (an expired certificate) or PermissionDenied, with the alert's name.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/tls/certificate.h"

namespace candor {

class TlsConnection {
 public:
  struct Options {
    std::string host;
    uint16_t port = 0;
    std::string alpn = "h2";      // empty: none
    std::string certificate_pem;  // shown when the server asks; both empty: none
    std::string key_pem;
    int64_t timeout_ms = 10'000;
  };

  static absl::StatusOr<TlsConnection> Connect(const Options& options);

  TlsConnection(TlsConnection&& other) noexcept;
  TlsConnection& operator=(TlsConnection&& other) noexcept;
  ~TlsConnection();

  // What the server showed, its own certificate first.
  std::vector<Certificate> chain() const;
  int64_t connect_us() const;
  int64_t handshake_us() const;

  absl::Status Send(std::string_view bytes);
  // At least one byte, at most `size_max`; OutOfRange at an orderly end.
  absl::StatusOr<std::string> Receive(size_t size_max);

  // Bytes on the wire so far, TLS included.
  uint64_t bytes_sent() const;
  uint64_t bytes_received() const;

 private:
  struct State;
  explicit TlsConnection(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// "HOST:PORT", "[V6]:PORT". InvalidArgument otherwise.
struct HostPort {
  std::string host;
  uint16_t port = 0;
  std::string Text() const;
};
absl::StatusOr<HostPort> ParseHostPort(std::string_view text);

}  // namespace candor
