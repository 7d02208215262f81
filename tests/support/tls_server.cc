#include "tests/support/tls_server.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

#include "common/tls/certificate.h"
#include "common/tls/key.h"
#include "common/tls/openssl.h"

namespace candor::testing {
namespace {

SslContextPtr MakeServerContext(const TlsServer::Options& options) {
  SslContextPtr context(SSL_CTX_new(TLS_server_method()));
  const auto chain = Certificate::ChainFromPem(options.certificate_pem);
  const auto key = PrivateKey::FromPem(options.key_pem);
  if (!chain.ok() || !key.ok()) throw std::runtime_error("the test's certificate is wrong");
  SSL_CTX_use_certificate(context.get(), chain->front().get());
  for (size_t i = 1; i < chain->size(); ++i) {
    SSL_CTX_add1_chain_cert(context.get(), (*chain)[i].get());
  }
  SSL_CTX_use_PrivateKey(context.get(), key->get());
  if (!options.client_ca_pem.empty()) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()),
                        Certificate::FromPem(options.client_ca_pem)->get());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

// Reads to the end: closing with bytes unread would reset the connection, and the alert that says
// why could be lost on the way.
void Drain(int fd) {
  shutdown(fd, SHUT_WR);
  char bytes[1024];
  while (recv(fd, bytes, sizeof bytes, 0) > 0) {
  }
}

}  // namespace

TlsServer::TlsServer(Options options) : options_(std::move(options)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, 16) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("cannot listen on loopback");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Loop(); });
}

TlsServer::~TlsServer() {
  stopping_ = true;
  shutdown(listener_, SHUT_RDWR);
  thread_.join();
  close(listener_);
}

void TlsServer::Loop() {
  // Clients that leave early are part of the tests.
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  while (!stopping_) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    Serve(fd);
    close(fd);
  }
}

void TlsServer::Serve(int fd) {
  if (!options_.handshake) {
    pollfd entry = {fd, POLLRDHUP, 0};
    while (!stopping_ && poll(&entry, 1, 50) == 0) {
    }
    return;
  }
  const SslContextPtr context = MakeServerContext(options_);
  const SslPtr ssl(SSL_new(context.get()));
  SSL_set_fd(ssl.get(), fd);
  if (SSL_accept(ssl.get()) != 1) return Drain(fd);
  std::string request(4096, '\0');
  const int got = SSL_read(ssl.get(), request.data(), static_cast<int>(request.size()));
  if (got <= 0 || !options_.answer) return;
  request.resize(static_cast<size_t>(got));
  const std::string answer = options_.answer(request);
  if (!answer.empty()) SSL_write(ssl.get(), answer.data(), static_cast<int>(answer.size()));
  SSL_shutdown(ssl.get());
}

}  // namespace candor::testing
