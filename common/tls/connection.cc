#include "common/tls/connection.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <utility>

#include "common/status.h"
#include "common/tls/key.h"
#include "common/tls/openssl.h"
#include "common/tls/socket.h"

namespace candor {
namespace {

using Steady = std::chrono::steady_clock;

int64_t MicrosecondsSince(Steady::time_point start) {
  return std::chrono::duration_cast<std::chrono::microseconds>(Steady::now() - start).count();
}

absl::StatusOr<SslContextPtr> MakeContext(const TlsConnection::Options& options) {
  SslContextPtr context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) return OpensslError("cannot use TLS");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE);
  if (!options.certificate_pem.empty()) {
    CANDOR_ASSIGN_OR_RETURN(const Certificate certificate,
                            Certificate::FromPem(options.certificate_pem));
    CANDOR_ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::FromPem(options.key_pem));
    if (SSL_CTX_use_certificate(context.get(), certificate.get()) != 1 ||
        SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1) {
      return OpensslError("cannot use the client's certificate");
    }
  }
  if (!options.alpn.empty()) {
    std::string protocols(1, static_cast<char>(options.alpn.size()));
    protocols += options.alpn;
    SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>(protocols.data()),
                            static_cast<unsigned>(protocols.size()));
  }
  return context;
}

// OpenSSL's own socket writer would raise SIGPIPE where the other side has gone, so the connection
// writes and reads through these. They own nothing; the descriptor is TlsConnection's.
int DescriptorOf(BIO* bio) { return static_cast<int>(std::bit_cast<intptr_t>(BIO_get_data(bio))); }

int WriteWithoutSignal(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto sent =
      static_cast<int>(send(DescriptorOf(bio), data, static_cast<size_t>(size), MSG_NOSIGNAL));
  if (sent <= 0 && BIO_sock_should_retry(sent) != 0) BIO_set_retry_write(bio);
  return sent;
}

int ReadAsMuch(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto got = static_cast<int>(recv(DescriptorOf(bio), data, static_cast<size_t>(size), 0));
  if (got < 0 && BIO_sock_should_retry(got) != 0) BIO_set_retry_read(bio);
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return got;
}

long Control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;  // nothing is kept back
  return command == BIO_CTRL_EOF && BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
}

using BioMethodPtr = std::unique_ptr<BIO_METHOD, OpensslFree<BIO_meth_free>>;

BioMethodPtr MakeSocketMethod() {
  BioMethodPtr method(
      BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without signals"));
  BIO_meth_set_write(method.get(), WriteWithoutSignal);
  BIO_meth_set_read(method.get(), ReadAsMuch);
  BIO_meth_set_ctrl(method.get(), Control);
  return method;
}

bool AttachSocket(SSL* ssl, int fd) {
  static const BioMethodPtr method = MakeSocketMethod();
  BIO* bio = BIO_new(method.get());
  if (bio == nullptr) return false;
  BIO_set_data(bio, std::bit_cast<void*>(intptr_t{fd}));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  return true;
}

absl::Status AlertStatus(const std::string& where, unsigned long error) {
  const char* reason = ERR_reason_error_string(error);
  const std::string message = where + ": TLS: " + (reason != nullptr ? reason : "failed");
  switch (ERR_GET_REASON(error)) {
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      return absl::FailedPreconditionError(message);
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return absl::PermissionDeniedError(message);
    default:
      return absl::UnavailableError(message);
  }
}

}  // namespace

struct TlsConnection::State {
  TcpSocket socket;
  SslPtr ssl;
  std::string where;
  std::chrono::milliseconds timeout{0};
  int64_t connect_us = 0;
  int64_t handshake_us = 0;

  // Repeats `call` until it is done; OutOfRange at the orderly end of the connection.
  template <typename Call>
  absl::StatusOr<size_t> Run(Steady::time_point deadline, Call call) {
    while (true) {
      ERR_clear_error();
      errno = 0;
      const int result = call();
      if (result > 0) return static_cast<size_t>(result);
      const int system_error = errno;
      switch (SSL_get_error(ssl.get(), result)) {
        case SSL_ERROR_WANT_READ:
          CANDOR_RETURN_IF_ERROR(socket.Await(POLLIN, deadline, where));
          break;
        case SSL_ERROR_WANT_WRITE:
          CANDOR_RETURN_IF_ERROR(socket.Await(POLLOUT, deadline, where));
          break;
        case SSL_ERROR_ZERO_RETURN:
          return absl::OutOfRangeError(where + ": the other side ended the connection");
        case SSL_ERROR_SYSCALL:
          return absl::UnavailableError(system_error != 0
                                            ? ErrnoStatus(system_error, where).message()
                                            : where + ": the other side closed the connection");
        default:
          return Failure(ERR_get_error());
      }
    }
  }

  absl::Status Failure(unsigned long error) {
    ERR_clear_error();
    if (ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
      return absl::UnavailableError(where + ": the other side closed the connection");
    }
    return AlertStatus(where, error);
  }
};

TlsConnection::TlsConnection(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsConnection::TlsConnection(TlsConnection&& other) noexcept = default;
TlsConnection& TlsConnection::operator=(TlsConnection&& other) noexcept = default;

TlsConnection::~TlsConnection() {
  if (state_ != nullptr) SSL_shutdown(state_->ssl.get());
  ERR_clear_error();
}

absl::StatusOr<TlsConnection> TlsConnection::Connect(const Options& options) {
  const auto start = Steady::now();
  const auto deadline = start + std::chrono::milliseconds(options.timeout_ms);
  CANDOR_ASSIGN_OR_RETURN(const SslContextPtr context, MakeContext(options));
  CANDOR_ASSIGN_OR_RETURN(TcpSocket socket,
                          TcpSocket::Connect(options.host, options.port, deadline));
  const int64_t connect_us = MicrosecondsSince(start);
  SslPtr ssl(SSL_new(context.get()));
  if (ssl == nullptr || !AttachSocket(ssl.get(), socket.fd()) ||
      SSL_set_tlsext_host_name(ssl.get(), options.host.c_str()) != 1) {
    return OpensslError("cannot begin TLS");
  }
  auto state = std::make_unique<State>(
      State{std::move(socket), std::move(ssl), HostPort{options.host, options.port}.Text(),
            std::chrono::milliseconds(options.timeout_ms), connect_us, 0});
  const auto handshake_start = Steady::now();
  SSL* raw = state->ssl.get();
  const absl::StatusOr<size_t> done = state->Run(deadline, [raw] { return SSL_connect(raw); });
  if (absl::IsOutOfRange(done.status())) return absl::UnavailableError(done.status().message());
  if (!done.ok()) return done.status();
  state->handshake_us = MicrosecondsSince(handshake_start);
  return TlsConnection(std::move(state));
}

std::vector<Certificate> TlsConnection::chain() const {
  std::vector<Certificate> chain;
  const STACK_OF(X509)* shown = SSL_get_peer_cert_chain(state_->ssl.get());
  for (int i = 0; shown != nullptr && i < sk_X509_num(shown); ++i) {
    chain.emplace_back(sk_X509_value(shown, i));
  }
  return chain;
}

int64_t TlsConnection::connect_us() const { return state_->connect_us; }
int64_t TlsConnection::handshake_us() const { return state_->handshake_us; }

absl::Status TlsConnection::Send(std::string_view bytes) {
  const auto deadline = Steady::now() + state_->timeout;
  SSL* ssl = state_->ssl.get();
  while (!bytes.empty()) {
    CANDOR_ASSIGN_OR_RETURN(const size_t sent, state_->Run(deadline, [&] {
      return SSL_write(ssl, bytes.data(), static_cast<int>(bytes.size()));
    }));
    bytes.remove_prefix(sent);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> TlsConnection::Receive(size_t size_max) {
  std::string bytes(size_max, '\0');
  SSL* ssl = state_->ssl.get();
  CANDOR_ASSIGN_OR_RETURN(const size_t got, state_->Run(Steady::now() + state_->timeout, [&] {
    return SSL_read(ssl, bytes.data(), static_cast<int>(bytes.size()));
  }));
  bytes.resize(got);
  return bytes;
}

uint64_t TlsConnection::bytes_sent() const {
  return BIO_number_written(SSL_get_wbio(state_->ssl.get()));
}
uint64_t TlsConnection::bytes_received() const {
  return BIO_number_read(SSL_get_rbio(state_->ssl.get()));
}

}  // namespace candor
