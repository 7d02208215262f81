#include "agent/session/agent_link.h"

// clang-format off
#include <utility>  // boost 1.74's awaitable.hpp needs std::exchange
// clang-format on

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>

#include "agent/local/framing.h"
#include "candor/v1/local.pb.h"
#include "common/log.h"

namespace candor {
namespace {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

class Link final : public AgentLink {
 public:
  Link(asio::io_context& io, std::string path, std::function<void(bool)> on_change, LinkRetry retry)
      : path_(std::move(path)),
        on_change_(std::move(on_change)),
        steps_(retry),
        socket_(io),
        timer_(io) {}

  void Connect() {
    error_code error;
    socket_.open(Protocol(), error);
    if (!error) socket_.connect(Protocol::endpoint(path_), error);
    if (!error) socket_.non_blocking(true, error);
    if (error) {
      socket_.close(error);
      TryAgain();
      return;
    }
    connected_ = true;
    since_ = Clock::now();
    AwaitEnd();
    on_change_(true);
  }

  bool connected() const override { return connected_; }

  void Send(const v1::SessionReport& report) override {
    if (!connected_) return;
    v1::FromSession message;
    *message.mutable_report() = report;
    std::string frame;
    if (!AppendMessageFrame(message, frame).ok()) return;
    error_code error;
    const size_t sent = socket_.write_some(asio::buffer(frame), error);
    if (!error && sent == frame.size()) return;
    // Half a frame cannot be taken back.
    if (error != asio::error::would_block) Lost();
  }

 private:
  // The daemon says nothing: whatever comes, it is the end.
  void AwaitEnd() {
    socket_.async_read_some(asio::buffer(byte_), [this](error_code error, size_t) {
      if (error == asio::error::operation_aborted) return;
      if (error) {
        Lost();
      } else {
        AwaitEnd();
      }
    });
  }

  void Lost() {
    if (!connected_) return;
    connected_ = false;
    // Who takes a connection and ends it at once does not want to hear this session.
    const bool was_heard = Clock::now() - since_ >= std::chrono::milliseconds(steps_.ms_max);
    if (was_heard) retry_ms_ = steps_.ms_min;
    error_code ignored;
    socket_.close(ignored);
    on_change_(false);
    TryAgain();
  }

  void TryAgain() {
    timer_.expires_after(std::chrono::milliseconds(retry_ms_));
    retry_ms_ = std::min(2 * retry_ms_, steps_.ms_max);
    timer_.async_wait([this](error_code error) {
      if (!error) Connect();
    });
  }

  const std::string path_;
  const std::function<void(bool)> on_change_;
  const LinkRetry steps_;
  Protocol::socket socket_;
  asio::steady_timer timer_;
  int64_t retry_ms_ = steps_.ms_min;
  bool connected_ = false;
  Clock::time_point since_;
  std::array<char, 1> byte_{};
};

}  // namespace

std::unique_ptr<AgentLink> AgentLink::Start(asio::io_context& io, std::string socket_path,
                                            std::function<void(bool)> on_change, LinkRetry retry) {
  auto link = std::make_unique<Link>(io, std::move(socket_path), std::move(on_change), retry);
  Link* const started = link.get();
  asio::post(io, [started] { started->Connect(); });
  return link;
}

}  // namespace candor
