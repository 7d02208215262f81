// One push from the daemon's side: PushStart, the held batches in order, PushEnd; and what comes
// back (proto/candor/v1/local.proto).
//
// Batches go out only after the collector's Welcome, which says where to go on, and only so many
// that kInFlightBytesMax are unacknowledged. Acknowledgements reach the spool as they come. A
// Welcome that shows this spool to be an older copy ends the push: a new epoch began. A silent
// uplink is left after `silence_max_ms`, any after `deadline_ms`.
//
// One thread; the references must outlive Run.
#pragma once

// clang-format off
#include <utility>  // boost 1.74's awaitable.hpp needs std::exchange
// clang-format on

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "agent/local/framing.h"
#include "agent/spool/spool.h"
#include "candor/v1/local.pb.h"

namespace candor {

struct PushLimits {
  size_t in_flight_bytes_max = 4 << 20;
  int64_t silence_max_ms = 60'000;
  int64_t deadline_ms = 300'000;
};

struct PushResult {
  // OUTCOME_UNSPECIFIED: the uplink ended without a word; `error` says what happened.
  v1::PushDone done;
  bool welcomed = false;
  bool new_epoch = false;
  uint64_t batches_sent = 0;
  uint64_t batches_left = 0;  // still held when it ended
  absl::Status error;
};

class PushSession {
 public:
  // `fd` is the connected socket to the uplink, owned from now on. `on_message` is called for
  // welcomes, throttles, configurations and probes.
  PushSession(boost::asio::io_context& io, int fd, Spool& spool, PushLimits limits,
              std::function<void(const v1::FromUplink&)> on_message);

  boost::asio::awaitable<PushResult> Run(v1::PushStart start);
  // Ends it now; Run returns soon.
  void Abort();

 private:
  boost::asio::awaitable<void> ReadAll();
  boost::asio::awaitable<void> WriteAll();
  boost::asio::awaitable<bool> Write(const v1::ToUplink& message);
  boost::asio::awaitable<void> Changed();
  // True when the push goes on.
  bool Take(const v1::FromUplink& message);
  void TakeWelcome(const v1::Welcome& welcome);
  void TakeAck(const v1::Ack& ack);
  void Fail(absl::Status error);
  void Watch();

  boost::asio::io_context& io_;
  boost::asio::local::stream_protocol::socket socket_;
  boost::asio::steady_timer silence_;
  boost::asio::steady_timer deadline_;
  boost::asio::steady_timer changed_;  // never expires; cancelled to wake the writer
  Spool& spool_;
  const PushLimits limits_;
  std::function<void(const v1::FromUplink&)> on_message_;

  FrameReader reader_;
  std::optional<Spool::Flight> flight_;
  uint64_t epoch_ = 0;
  bool welcomed_ = false;
  bool over_ = false;
  bool writing_ = false;
  struct InFlight {
    uint64_t seq_last;
    size_t bytes;
  };
  std::deque<InFlight> in_flight_;
  size_t in_flight_bytes_ = 0;
  PushResult result_;
};

}  // namespace candor
