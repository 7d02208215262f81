#include "agent/daemon/push_session.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/status.h"

namespace candor {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

std::string RefusalText(const v1::Ack::Refusal& refusal) {
  std::string text = v1::RefusalReason_Name(refusal.reason());
  for (char& c : text) c = c == '_' ? ' ' : static_cast<char>(std::tolower(c));
  return refusal.detail().empty() ? text : absl::StrCat(text, ": ", refusal.detail());
}

}  // namespace

PushSession::PushSession(asio::io_context& io, int fd, Spool& spool, PushLimits limits,
                         std::function<void(const v1::FromUplink&)> on_message)
    : io_(io),
      socket_(io, asio::local::stream_protocol(), fd),
      silence_(io),
      deadline_(io),
      changed_(io, asio::steady_timer::time_point::max()),
      spool_(spool),
      limits_(limits),
      on_message_(std::move(on_message)) {}

void PushSession::Abort() { Fail(absl::CancelledError("the daemon is stopping")); }

void PushSession::Fail(absl::Status error) {
  if (over_) return;
  over_ = true;
  if (result_.error.ok()) result_.error = std::move(error);
  boost::system::error_code ignored;
  socket_.close(ignored);
  changed_.cancel();
}

// A timer that is set anew reports the old wait as cancelled: only an expiry says something.
void PushSession::Watch() {
  silence_.expires_after(milliseconds(limits_.silence_max_ms));
  silence_.async_wait([this](boost::system::error_code error) {
    if (!error) Fail(absl::DeadlineExceededError("the uplink said nothing any more"));
  });
}

asio::awaitable<PushResult> PushSession::Run(v1::PushStart start) {
  epoch_ = start.hello().epoch();
  start.set_deadline_ms(static_cast<uint64_t>(limits_.deadline_ms));
  deadline_.expires_after(milliseconds(limits_.deadline_ms + limits_.silence_max_ms / 4));
  deadline_.async_wait([this](boost::system::error_code error) {
    if (!error) Fail(absl::DeadlineExceededError("the push took too long"));
  });
  Watch();
  v1::ToUplink message;
  *message.mutable_start() = std::move(start);
  if (co_await Write(message)) {
    writing_ = true;
    asio::co_spawn(io_, WriteAll(), [this](std::exception_ptr) {
      writing_ = false;
      changed_.cancel();
    });
    co_await ReadAll();
  }
  Fail(absl::OkStatus());
  while (writing_) co_await Changed();
  silence_.cancel();
  deadline_.cancel();
  flight_.reset();
  result_.welcomed = welcomed_;
  result_.batches_left = spool_.Figures().held_batches;
  // The cancelled waits still refer to this object; they come before what is posted now.
  co_await asio::post(io_, asio::use_awaitable);
  co_return std::move(result_);
}

asio::awaitable<void> PushSession::Changed() {
  boost::system::error_code ignored;
  co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<bool> PushSession::Write(const v1::ToUplink& message) {
  std::string frame;
  if (absl::Status status = AppendMessageFrame(message, frame); !status.ok()) {
    Fail(std::move(status));
    co_return false;
  }
  boost::system::error_code error;
  co_await asio::async_write(socket_, asio::buffer(frame),
                             asio::redirect_error(asio::use_awaitable, error));
  // An uplink that reads no more still has something to say: the reader finds out.
  co_return !error;
}

asio::awaitable<void> PushSession::WriteAll() {
  while (!over_ && !welcomed_) co_await Changed();
  while (!over_) {
    if (in_flight_bytes_ >= limits_.in_flight_bytes_max) {
      co_await Changed();
      continue;
    }
    auto next = flight_->Next();
    if (!next.ok()) {
      result_.new_epoch = result_.new_epoch || absl::IsAborted(next.status());
      Fail(next.status());
      co_return;
    }
    v1::ToUplink message;
    if (!*next) {
      message.mutable_end();
      co_await Write(message);
      co_return;
    }
    in_flight_.push_back({(*next)->seq_last, (*next)->sealed.size()});
    in_flight_bytes_ += (*next)->sealed.size();
    message.set_batch(std::move((*next)->sealed));
    if (!co_await Write(message)) co_return;
    ++result_.batches_sent;
  }
}

asio::awaitable<void> PushSession::ReadAll() {
  std::vector<char> bytes(16 << 10);
  while (!over_) {
    boost::system::error_code error;
    const size_t size = co_await socket_.async_read_some(
        asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
    if (error) {
      Fail(absl::UnavailableError("the uplink ended without a word"));
      co_return;
    }
    Watch();
    reader_.Append(std::string_view(bytes.data(), size));
    while (!over_) {
      const auto frame = reader_.Next();
      if (!frame.ok()) {
        Fail(frame.status());
        co_return;
      }
      if (!*frame) break;
      v1::FromUplink message;
      if (!message.ParseFromArray((*frame)->data(), static_cast<int>((*frame)->size()))) {
        Fail(absl::InvalidArgumentError("the uplink said what is no message"));
        co_return;
      }
      if (!Take(message)) co_return;
    }
  }
}

bool PushSession::Take(const v1::FromUplink& message) {
  switch (message.message_case()) {
    case v1::FromUplink::kDone:
      result_.done = message.done();
      return false;
    case v1::FromUplink::kWelcome:
      TakeWelcome(message.welcome());
      break;
    case v1::FromUplink::kAck:
      TakeAck(message.ack());
      break;
    default:
      break;
  }
  if (!over_) on_message_(message);
  return !over_;
}

void PushSession::TakeWelcome(const v1::Welcome& welcome) {
  const auto same_epoch = spool_.Welcome(epoch_, welcome.next_seq());
  result_.new_epoch = result_.new_epoch || absl::IsAborted(same_epoch.status());
  if (!same_epoch.ok()) return Fail(same_epoch.status());
  if (!*same_epoch) {
    result_.new_epoch = true;
    return Fail(absl::AbortedError("a new epoch began"));
  }
  // Told again, it means that what is under way was not taken: it is sent again from the start.
  flight_.reset();
  flight_.emplace(spool_.BeginFlight());
  in_flight_.clear();
  in_flight_bytes_ = 0;
  welcomed_ = true;
  changed_.cancel();
}

void PushSession::TakeAck(const v1::Ack& ack) {
  std::vector<Spool::Refusal> refused;
  for (const auto& refusal : ack.refused()) {
    refused.push_back({refusal.seq(), RefusalText(refusal)});
    LogWarning("the collector refused a batch",
               {{"seq", refusal.seq()}, {"reason", refused.back().reason}});
  }
  if (absl::Status status = spool_.Acknowledge(ack.epoch(), ack.through(), refused); !status.ok()) {
    return Fail(std::move(status));
  }
  if (ack.epoch() != epoch_) return;
  while (!in_flight_.empty() && in_flight_.front().seq_last <= ack.through()) {
    in_flight_bytes_ -= in_flight_.front().bytes;
    in_flight_.pop_front();
  }
  changed_.cancel();
}

}  // namespace candor
