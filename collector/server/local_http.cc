#include "collector/server/local_http.h"

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <limits>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "common/version.h"

namespace candor {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;

// One request is answered, then the connection closes: nobody here asks often enough to keep it.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, const LocalHttp::PageFn& page, std::shared_ptr<int> open)
      : stream_(std::move(socket)), page_(page), open_(std::move(open)) {
    ++*open_;
    parser_.header_limit(static_cast<std::uint32_t>(LocalHttp::kHeaderBytesMax));
    // No body is ever read; how long one would be is the client's affair.
    parser_.body_limit(std::numeric_limits<std::uint64_t>::max());
  }
  ~Connection() { --*open_; }

  void Serve() {
    stream_.expires_after(std::chrono::seconds(LocalHttp::kSilenceSecondsMax));
    http::async_read_header(stream_, buffer_, parser_,
                            [self = shared_from_this()](beast::error_code error, size_t) {
                              if (!error) self->Respond();
                            });
  }

 private:
  void Respond() {
    const auto& request = parser_.get();
    HttpPage page;
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
      page = {405, "text/plain; charset=utf-8", "only GET\n"};
    } else {
      const std::string target(request.target());
      page = page_(target.substr(0, target.find('?')));
    }
    response_.result(page.status);
    response_.set(http::field::server, absl::StrCat("candor/", std::string(kVersion)));
    response_.set(http::field::content_type, page.content_type);
    response_.set(http::field::cache_control, "no-store");
    response_.keep_alive(false);
    const size_t size = page.body.size();
    if (request.method() != http::verb::head) response_.body() = std::move(page.body);
    response_.content_length(size);
    http::async_write(stream_, response_, [self = shared_from_this()](beast::error_code, size_t) {
      beast::error_code ignored;
      self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
      if (!self->parser_.is_done()) self->Drain();
    });
  }

  // Closing over a body that was not read would take the answer from the client (RFC 9112, 9.6).
  void Drain() {
    stream_.async_read_some(asio::buffer(unread_),
                            [self = shared_from_this()](beast::error_code error, size_t size) {
                              self->drained_ += size;
                              if (!error && self->drained_ < LocalHttp::kHeaderBytesMax)
                                self->Drain();
                            });
  }

  beast::tcp_stream stream_;
  const LocalHttp::PageFn& page_;
  std::shared_ptr<int> open_;
  beast::flat_buffer buffer_{LocalHttp::kHeaderBytesMax};
  http::request_parser<http::empty_body> parser_;
  http::response<http::string_body> response_;
  std::array<char, 1024> unread_{};
  size_t drained_ = 0;
};

absl::StatusOr<tcp::endpoint> ParseLoopback(const std::string& text) {
  const size_t colon = text.rfind(':');
  const auto wrong =
      absl::InvalidArgumentError(absl::StrCat("'", text, "' is not a loopback ADDRESS:PORT"));
  if (colon == std::string::npos) return wrong;
  std::string host = text.substr(0, colon);
  if (host == "localhost") host = "127.0.0.1";
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  boost::system::error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (error || !address.is_loopback()) return wrong;
  const std::string port_text = text.substr(colon + 1);
  if (port_text.empty() || port_text.size() > 5 ||
      port_text.find_first_not_of("0123456789") != std::string::npos ||
      std::stoul(port_text) > 65'535) {
    return wrong;
  }
  return tcp::endpoint(address, static_cast<uint16_t>(std::stoul(port_text)));
}

class Server final : public LocalHttp {
 public:
  explicit Server(PageFn page) : page_(std::move(page)), acceptor_(io_) {}
  ~Server() override {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

  absl::Status Listen(const std::string& text) {
    CANDOR_ASSIGN_OR_RETURN(const tcp::endpoint endpoint, ParseLoopback(text));
    boost::system::error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      return absl::UnavailableError(absl::StrCat("cannot listen on ", text, ": ", error.message()));
    }
    Accept();
    thread_ = std::thread([this] { io_.run(); });
    return absl::OkStatus();
  }

  std::string address() const override {
    const tcp::endpoint endpoint = acceptor_.local_endpoint();
    const std::string host = endpoint.address().to_string();
    return absl::StrCat(endpoint.address().is_v6() ? absl::StrCat("[", host, "]") : host, ":",
                        endpoint.port());
  }

 private:
  void Accept() {
    acceptor_.async_accept([this](beast::error_code error, tcp::socket socket) {
      if (!error && *open_ < kConnectionsMax) {
        std::make_shared<Connection>(std::move(socket), page_, open_)->Serve();
      }
      if (error != asio::error::operation_aborted) Accept();
    });
  }

  PageFn page_;
  std::shared_ptr<int> open_ = std::make_shared<int>(0);
  asio::io_context io_{1};
  tcp::acceptor acceptor_;
  std::thread thread_;
};

}  // namespace

absl::Status CheckLoopbackAddress(const std::string& address) {
  return ParseLoopback(address).status();
}

absl::StatusOr<std::unique_ptr<LocalHttp>> LocalHttp::Start(const std::string& address,
                                                            PageFn page) {
  auto server = std::make_unique<Server>(std::move(page));
  CANDOR_RETURN_IF_ERROR(server->Listen(address));
  return std::unique_ptr<LocalHttp>(std::move(server));
}

}  // namespace candor
