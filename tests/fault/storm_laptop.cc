#include "tests/fault/storm_laptop.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <optional>
#include <thread>
#include <utility>

#include "agent/spool/spool.h"
#include "common/clock.h"
#include "common/hash.h"
#include "common/random.h"
#include "common/registry.h"
#include "common/status.h"
#include "tests/fault/uplink_child.h"

namespace candor::testing {
namespace {

constexpr size_t kUnsentMax = 1 << 20;
constexpr int kPushDeadlineMs = 20'000;
constexpr int kPauseMs = 30;

bool DiskIsFull(const absl::Status& status) { return absl::IsResourceExhausted(status); }

class Diary {
 public:
  explicit Diary(const std::string& path)
      : fd_(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {}
  ~Diary() { close(fd_); }
  Diary(const Diary&) = delete;
  Diary& operator=(const Diary&) = delete;

  absl::Status Write(std::string_view what, std::string_view text) {
    const std::string line = std::string(what) + " " + std::string(text) + "\n";
    if (write(fd_, line.data(), line.size()) == static_cast<ssize_t>(line.size())) {
      return absl::OkStatus();
    }
    return absl::InternalError("the diary cannot be written");
  }

 private:
  int fd_;
};

class Storm {
 public:
  Storm(const StormOptions& options, const Clock& clock, Random& random)
      : options_(options),
        clock_(clock),
        random_(random),
        diary_(options.state + "/diary"),
        run_(ToHex(random.Bytes(6))),
        boot_(random.Bytes(16)) {}

  absl::Status Run(const std::atomic<bool>& draining) {
    SpoolOptions spool;
    spool.path =
        (options_.spool_folder.empty() ? options_.state : options_.spool_folder) + "/spool.db";
    spool.bytes_max = options_.spool_bytes_max;
    spool.backlog_bytes_max = options_.backlog_bytes_max;
    spool.boot_id = boot_;
    spool.machine_id = "storm";
    CANDOR_ASSIGN_OR_RETURN(spool_, Spool::Open(spool, clock_, random_));
    while (true) {
      const int64_t now_ms = clock_.MonotonicMs();
      if (!draining && now_ms >= measure_ms_) CANDOR_RETURN_IF_ERROR(Measure(now_ms));
      if (now_ms >= seal_ms_ || draining) CANDOR_RETURN_IF_ERROR(Seal(now_ms));
      CANDOR_RETURN_IF_ERROR(Carry(now_ms));
      if (draining && !uplink_ && Empty()) return absl::OkStatus();
    }
  }

 private:
  bool Empty() {
    const SpoolFigures figures = spool_->Figures();
    return figures.pending == 0 && figures.held_batches == 0;
  }

  absl::Status Measure(int64_t now_ms) {
    measure_ms_ = now_ms + options_.measure_every_ms;
    const std::string text = run_ + "-" + std::to_string(++number_);
    const bool minute = options_.minutes && seals_ % 2 == 1;
    const std::string kind = minute ? "-minute" : "";
    CANDOR_RETURN_IF_ERROR(diary_.Write("begin" + kind, text));
    const absl::Status added = spool_->Add(minute ? MinuteCalled(text) : NoticeCalled(text));
    if (DiskIsFull(added)) return diary_.Write("taken" + kind, text);
    CANDOR_RETURN_IF_ERROR(added);
    return diary_.Write("spooled" + kind, text);
  }

  Harvest NoticeCalled(const std::string& text) const {
    Harvest harvest;
    RecordedEvent& recorded = harvest.events.emplace_back();
    recorded.boot_id = boot_;
    recorded.event.set_wall_ms(clock_.WallMs());
    recorded.event.set_boottime_ms(clock_.BoottimeMs());
    recorded.event.mutable_agent_notice()->set_code("storm");
    recorded.event.mutable_agent_notice()->set_text(text);
    return harvest;
  }

  // A gauge with `text` for its subject.
  Harvest MinuteCalled(const std::string& text) const {
    MinuteWindows minute;
    minute.minute.wall_min = clock_.WallMs() / 60'000;
    minute.minute.boottime_s = clock_.BoottimeMs() / 1'000;
    minute.minute.boot_id = boot_;
    minute.windows.push_back({metric::kDiskFree, text, 1, {}});
    Harvest harvest;
    harvest.minute = std::move(minute);
    return harvest;
  }

  absl::Status Seal(int64_t now_ms) {
    seal_ms_ = now_ms + options_.seal_every_ms;
    if (spool_->Figures().pending == 0) return absl::OkStatus();
    const absl::Status sealed = spool_->Seal();
    if (DiskIsFull(sealed)) return absl::OkStatus();
    ++seals_;
    return sealed;
  }

  absl::Status Carry(int64_t now_ms) {
    if (!uplink_) {
      if (now_ms < push_ms_ || spool_->Figures().held_batches == 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return absl::OkStatus();
      }
      return StartPush();
    }
    const absl::StatusOr<bool> goes_on = Exchange();
    // As with the daemon, a disk that takes nothing ends the push, and another follows.
    if (!goes_on.ok() && !DiskIsFull(goes_on.status())) return goes_on.status();
    if (!goes_on.ok() || !*goes_on) EndPush(now_ms);
    return absl::OkStatus();
  }

  absl::StatusOr<bool> Exchange() {
    CANDOR_RETURN_IF_ERROR(Feed());
    bool goes_on = uplink_->Exchange(1);
    while (std::optional<v1::FromUplink> message = uplink_->Take()) {
      CANDOR_RETURN_IF_ERROR(Hear(*message));
      goes_on = goes_on && !message->has_done();
    }
    return goes_on;
  }

  absl::Status StartPush() {
    CANDOR_ASSIGN_OR_RETURN(const SpoolPosition position, spool_->Position());
    CANDOR_ASSIGN_OR_RETURN(UplinkChild child, UplinkChild::Start(options_.uplink, options_.state));
    uplink_.emplace(std::move(child));
    std::ofstream(options_.state + "/uplink.pid") << uplink_->pid();
    v1::ToUplink message;
    v1::Hello* hello = message.mutable_start()->mutable_hello();
    hello->set_protocol(1);
    hello->set_agent_version("storm");
    hello->set_epoch(position.epoch);
    hello->set_first_held(position.first_held);
    hello->set_last_sealed(position.last_sealed);
    message.mutable_start()->set_deadline_ms(kPushDeadlineMs);
    uplink_->Queue(message);
    epoch_ = position.epoch;
    ended_ = false;
    return absl::OkStatus();
  }

  // After the welcome: as much as the uplink reads, then the end.
  absl::Status Feed() {
    while (flight_ && !ended_ && uplink_->unsent() < kUnsentMax) {
      absl::StatusOr<std::optional<HeldBatch>> next = flight_->Next();
      if (!next.ok() && !absl::IsAborted(next.status())) return next.status();
      v1::ToUplink message;
      if (next.ok() && next->has_value()) {
        message.set_batch((*next)->sealed);
      } else {
        message.mutable_end();
        ended_ = true;
      }
      uplink_->Queue(message);
    }
    return absl::OkStatus();
  }

  absl::Status Hear(const v1::FromUplink& message) {
    if (message.has_welcome()) {
      const auto goes_on = spool_->Welcome(epoch_, message.welcome().next_seq());
      CANDOR_RETURN_IF_ERROR(goes_on.status());
      if (!*goes_on) CANDOR_RETURN_IF_ERROR(diary_.Write("epoch", "lost"));
      // Told again, it means that what is under way was not taken.
      flight_.reset();
      flight_.emplace(spool_->BeginFlight());
    }
    if (message.has_ack()) {
      std::vector<Spool::Refusal> refused;
      for (const v1::Ack::Refusal& refusal : message.ack().refused()) {
        refused.push_back({refusal.seq(), refusal.detail()});
      }
      return spool_->Acknowledge(message.ack().epoch(), message.ack().through(), refused);
    }
    return absl::OkStatus();
  }

  void EndPush(int64_t now_ms) {
    flight_.reset();
    uplink_.reset();
    push_ms_ = now_ms + kPauseMs;
  }

  const StormOptions& options_;
  const Clock& clock_;
  Random& random_;
  Diary diary_;
  const std::string run_;
  const std::string boot_;
  std::unique_ptr<Spool> spool_;
  std::optional<Spool::Flight> flight_;
  std::optional<UplinkChild> uplink_;
  uint64_t epoch_ = 0;
  bool ended_ = false;
  uint64_t number_ = 0;
  uint64_t seals_ = 0;
  int64_t measure_ms_ = 0;
  int64_t seal_ms_ = 0;
  int64_t push_ms_ = 0;
};

}  // namespace

absl::Status RunStorm(const StormOptions& options, const std::atomic<bool>& draining) {
  const SystemClock clock;
  SystemRandom random;
  return Storm(options, clock, random).Run(draining);
}

}  // namespace candor::testing
