#include "agent/daemon/control_server.h"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

// clang-format off
#include <utility>  // boost 1.74's awaitable.hpp needs std::exchange
// clang-format on

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>

#include "agent/local/framing.h"
#include "candor/v1/local.pb.h"

namespace candor {
namespace {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;

class Server final : public ControlServer {
 public:
  Server(asio::io_context& io, ControlHandler handler)
      : io_(io), acceptor_(io), pause_(io), handler_(std::move(handler)) {}

  ~Server() override {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  absl::Status Open(const std::string& path) {
    if (path.size() >= sizeof(sockaddr_un::sun_path)) {
      return absl::InvalidArgumentError(path + ": too long for a socket's path");
    }
    ::unlink(path.c_str());
    boost::system::error_code error;
    acceptor_.open(Protocol(), error);
    if (!error) acceptor_.bind(Protocol::endpoint(path), error);
    if (!error) acceptor_.listen(ControlLimits::kConnectionsMax, error);
    if (error) return absl::UnavailableError(path + ": " + error.message());
    path_ = path;
    ::chmod(path.c_str(), 0666);
    asio::co_spawn(io_, Accept(), asio::detached);
    return absl::OkStatus();
  }

 private:
  asio::awaitable<void> Accept() {
    while (acceptor_.is_open()) {
      boost::system::error_code error;
      Protocol::socket socket =
          co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (error == asio::error::operation_aborted) co_return;
      if (error) {
        // Out of descriptors, say: who waits stays waiting, and asking again at once would spin.
        pause_.expires_after(std::chrono::milliseconds(ControlLimits::kAcceptPauseMs));
        co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, error));
        continue;
      }
      if (open_ == ControlLimits::kConnectionsMax) continue;
      ++open_;
      asio::co_spawn(io_, Serve(std::move(socket)), [this](std::exception_ptr) { --open_; });
    }
  }

  asio::awaitable<void> Serve(Protocol::socket socket) {
    asio::steady_timer deadline(io_, std::chrono::milliseconds(ControlLimits::kTimeMaxMs));
    deadline.async_wait([&socket](boost::system::error_code error) {
      boost::system::error_code ignored;
      if (!error) socket.close(ignored);
    });
    const auto request = co_await Read(socket);
    if (request) {
      const ControlReplies replies = handler_(*request);
      while (auto reply = replies()) {
        if (!co_await Write(socket, *reply)) break;
      }
    }
    deadline.cancel();
    // The cancelled wait refers to the socket; it comes before what is posted now.
    co_await asio::post(io_, asio::use_awaitable);
  }

  asio::awaitable<std::optional<v1::ControlRequest>> Read(Protocol::socket& socket) {
    FrameReader reader;
    std::array<char, 512> bytes;
    v1::ControlRequest request;
    while (reader.pending() <= ControlLimits::kRequestBytesMax) {
      boost::system::error_code error;
      const size_t size = co_await socket.async_read_some(
          asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
      if (error) break;
      reader.Append(std::string_view(bytes.data(), size));
      const auto frame = reader.Next();
      if (!frame.ok()) break;
      if (!*frame) continue;
      if (request.ParseFromArray((*frame)->data(), static_cast<int>((*frame)->size()))) {
        co_return request;
      }
      break;
    }
    co_return std::nullopt;
  }

  static asio::awaitable<bool> Write(Protocol::socket& socket, const v1::ControlReply& reply) {
    std::string frame;
    if (!AppendMessageFrame(reply, frame).ok()) co_return false;
    boost::system::error_code error;
    co_await asio::async_write(socket, asio::buffer(frame),
                               asio::redirect_error(asio::use_awaitable, error));
    co_return !error;
  }

  asio::io_context& io_;
  Protocol::acceptor acceptor_;
  asio::steady_timer pause_;
  const ControlHandler handler_;
  std::string path_;
  size_t open_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ControlServer>> ControlServer::Listen(asio::io_context& io,
                                                                     const std::string& path,
                                                                     ControlHandler handler) {
  auto server = std::make_unique<Server>(io, std::move(handler));
  if (absl::Status status = server->Open(path); !status.ok()) return status;
  return server;
}

}  // namespace candor
