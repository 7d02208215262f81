// The boot sampler on Linux: waits until start-up is finished, tells the boot once, then rests.
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <utility>

#include "agent/samplers/boot/boot.h"
#include "agent/samplers/boot/linux_previous_boot.h"
#include "agent/samplers/boot/linux_systemd.h"
#include "agent/samplers/boot/stages.h"
#include "agent/samplers/support/cursors.h"
#include "agent/samplers/support/linux_system.h"
#include "agent/samplers/support/text.h"
#include "agent/samplers/support/unit_name.h"
#include "candor/v1/envelope.pb.h"
#include "common/files.h"
#include "common/hash.h"
#include "common/registry.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr std::string_view kNoSystemd =
    "no systemd runs here: nothing tells when start-up is finished";

class BootSampler final : public Sampler {
 public:
  // The battery's cursor is read now, before this boot's own battery may overwrite it.
  explicit BootSampler(const SamplerContext& context)
      : context_(context), battery_low_boot_(context.saved_cursor(cursor::kBatteryLow)) {}

  std::string_view family() const override { return "boot"; }

  boost::asio::awaitable<void> Sample(Tick tick) override {
    if (done_) co_return;
    if (!LearnBootId()) co_return;
    // A boot that takes long to finish is asked about once a minute.
    if (asked_ && !tick.minute_start && tick.in_use) co_return;
    asked_ = true;
    if (!RunsSystemd()) {
      TellFromKernel();
      co_return;
    }
    absl::StatusOr<ManagerStamps> stamps = co_await AskManager();
    if (!stamps.ok()) {
      Unmeasured(Concat("systemd cannot be asked: ", MessageOf(stamps.status())));
      co_return;
    }
    if (stamps->finish_us == 0) {
      Unmeasured("start-up is not finished yet");
      co_return;
    }
    TellFromManager(*stamps, tick);
  }

 private:
  // False where this boot was told already, or cannot be named.
  bool LearnBootId() {
    if (!boot_id_.empty()) return true;
    absl::StatusOr<std::string> id = ReadBootId(context_.roots);
    if (!id.ok()) {
      Unmeasured(Concat("this boot has no name: ", MessageOf(id.status())));
      done_ = true;
      return false;
    }
    boot_id_ = *std::move(id);
    last_told_ = context_.saved_cursor(cursor::kBoot);
    done_ = last_told_ == ToHex(boot_id_);
    if (done_ && !RunsSystemd()) Unmeasured(kNoSystemd);
    return !done_;
  }

  bool RunsSystemd() const {
    std::error_code ignored;
    return std::filesystem::exists(Concat(context_.roots.run, "/systemd/system"), ignored);
  }

  boost::asio::awaitable<absl::StatusOr<ManagerStamps>> AskManager() {
    absl::StatusOr<std::unique_ptr<LinuxBus>> bus =
        LinuxBus::Open(context_.io, BusSocket(context_.roots));
    if (!bus.ok()) co_return bus.status();
    co_return co_await ReadManagerStamps(**bus);
  }

  void TellFromManager(ManagerStamps& stamps, const Tick& tick) {
    const auto installed = [this](std::string_view unit) {
      return UnitIsInstalled(context_.roots, unit);
    };
    v1::Event event;
    *event.mutable_boot_done() = BootFromStamps(stamps);
    v1::Boot& boot = *event.mutable_boot_done();
    if (boot.until() != kStartupFinished) boot.set_until(PublicUnitName(boot.until(), installed));
    for (v1::Boot::SlowUnit& slow : *boot.mutable_slowest()) {
      slow.set_unit(PublicUnitName(slow.unit(), installed));
    }
    // The moment start-up ended, on the clocks of now: the wall clock may have been wrong then.
    event.set_boottime_ms(static_cast<int64_t>(stamps.finish_us / 1000));
    event.set_wall_ms(tick.wall_ms - (tick.boottime_ms - event.boottime_ms()));
    event.set_utc_offset_min(context_.clock.UtcOffsetMin(event.wall_ms()));
    Tell(std::move(event));
    context_.recorder.Measured(event::kBoot, "");
  }

  void TellFromKernel() {
    const absl::StatusOr<std::string> stat = ReadFile(Concat(context_.roots.proc, "/1/stat"), 4096);
    absl::StatusOr<uint64_t> start_us =
        stat.ok() ? ProcessStartUs(*stat, sysconf(_SC_CLK_TCK)) : stat.status();
    v1::Event event;
    *event.mutable_boot_done() = BootFromKernel(start_us.value_or(UINT64_MAX));
    Tell(std::move(event));
    Unmeasured(kNoSystemd);
  }

  void Tell(v1::Event event) {
    v1::Boot& boot = *event.mutable_boot_done();
    const absl::StatusOr<PreviousBoot> previous =
        ReadPreviousBoot(context_.roots, boot_id_, JournalFolder(context_.roots));
    std::optional<v1::Event> failure;
    if (previous.ok()) {
      if (previous->installed_updates) boot.set_installed_updates(true);
      failure = Judge(*previous, boot);
    }
    context_.recorder.Event(std::move(event));
    if (failure) context_.recorder.Event(*std::move(failure), previous->boot_id, /*urgent=*/false);
    context_.recorder.SetCursor(cursor::kBoot, ToHex(boot_id_));
    done_ = true;
  }

  // Says in `boot` how the boot before ended; a failure is an event of its own.
  std::optional<v1::Event> Judge(const PreviousBoot& previous, v1::Boot& boot) const {
    const bool failed = previous.ending != Ending::kClean;
    const std::string previous_hex = ToHex(previous.boot_id);
    if (failed && battery_low_boot_ == previous_hex && previous.ending == Ending::kUnclean) {
      return std::nullopt;  // an empty battery: neither clean nor a failure
    }
    boot.set_last_shutdown_clean(!failed);
    // What ended before the agent was first here was not watched.
    if (!failed || last_told_.empty()) return std::nullopt;
    v1::Event event;
    event.set_wall_ms(previous.last_realtime_us / 1000);
    event.set_utc_offset_min(context_.clock.UtcOffsetMin(event.wall_ms()));
    event.set_boottime_ms(previous.last_monotonic_us / 1000);
    event.mutable_system_failure()->set_kind(previous.ending == Ending::kPanic
                                                 ? v1::SystemFailure::PANIC
                                                 : v1::SystemFailure::UNCLEAN_SHUTDOWN);
    return event;
  }

  void Unmeasured(std::string_view reason) {
    context_.recorder.Unmeasured(event::kBoot, "", reason);
  }

  const SamplerContext& context_;
  const std::string battery_low_boot_;  // hexadecimal
  std::string boot_id_;                 // raw
  std::string last_told_;               // hexadecimal
  bool asked_ = false;
  bool done_ = false;
};

}  // namespace

std::unique_ptr<Sampler> MakeBootSampler(const SamplerContext& context) {
  return std::make_unique<BootSampler>(context);
}

}  // namespace candor
