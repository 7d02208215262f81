#include "tools/loadgen/happenings.h"

#include <algorithm>

#include "common/hash.h"
#include "common/inventory_keys.h"
#include "common/time_units.h"
#include "common/version.h"
#include "tools/loadgen/catalogue.h"

namespace candor::loadgen {
namespace {

// Rates are a day's; a day has about this many active minutes.
constexpr double kActiveMinutesPerDay = 420;
constexpr double kStallingModel = 0.1;  // models whose share of stalls is higher are troubled

uint64_t Us(double seconds) { return static_cast<uint64_t>(seconds * kUsPerSecond); }

}  // namespace

Happenings::Happenings(const DeviceProfile& profile, int day, int utc_offset_min, Draw& draw,
                       LaptopState& state, LaptopDay& out)
    : profile_(profile),
      day_(day),
      utc_offset_min_(utc_offset_min),
      draw_(draw),
      state_(state),
      out_(out) {}

v1::Event& Happenings::Add(int64_t wall_ms) {
  LaptopEvent& added = out_.events.emplace_back();
  added.boot_id = state_.boot_id;
  added.event.set_wall_ms(wall_ms);
  added.event.set_utc_offset_min(utc_offset_min_);
  added.event.set_boottime_ms(wall_ms - state_.boot_wall_ms);
  return added.event;
}

std::string Happenings::Kernel() const {
  const System& system = Systems()[profile_.system];
  const bool updated = profile_.kernel_update_day >= 0 && day_ >= profile_.kernel_update_day;
  return std::string(updated ? system.kernel_update : system.kernel);
}

void Happenings::Morning(int64_t wall_ms, bool monday) {
  const bool first = !state_.known;
  const bool boots = first || state_.fell || monday || !profile_.sleeps_overnight;
  if (boots) {
    BootMachine(wall_ms);
    v1::SignIn* sign_in = Add(wall_ms).mutable_sign_in();
    sign_in->set_duration_ms(static_cast<uint64_t>(draw_.Around(9'500 * profile_.pace, 0.25)));
    sign_in->set_first_on_device(first);
  } else {
    LidOpened(wall_ms);
  }
  if (first || day_ == profile_.kernel_update_day) {
    TellInventory(wall_ms);
    TellSoftware(wall_ms);
  }
  TellUnmeasured(wall_ms);
  state_.known = true;
}

void Happenings::BootMachine(int64_t wall_ms) {
  const Model& model = Models()[profile_.model];
  const bool slow = model.boot_s > 100;
  const double awake_s =
      slow ? draw_.Around(model.boot_s, 0.01) : draw_.Around(model.boot_s * profile_.pace, 0.08);
  const double passphrase_s = model.battery ? draw_.Between(4, 12) : 0;
  const bool updates = draw_.Chance(0.02);
  const double total_s = awake_s + passphrase_s + (updates ? 75 : 0);
  const double kernel_s = draw_.Between(1.4, 2.6);
  const double initrd_s = draw_.Between(1.2, 2.4) + passphrase_s;

  state_.boot_id = draw_.random().Bytes(16);
  state_.boot_wall_ms = wall_ms - static_cast<int64_t>((total_s + 20) * 1000);
  v1::Boot* boot = Add(wall_ms).mutable_boot_done();
  boot->set_firmware_us(Us(draw_.Between(3, 9)));
  boot->set_loader_us(Us(draw_.Between(0.8, 2.5)));
  boot->set_kernel_us(Us(kernel_s));
  boot->set_initrd_us(Us(initrd_s));
  boot->set_userspace_us(Us(total_s) - Us(kernel_s) - Us(initrd_s));
  if (passphrase_s > 0) boot->set_passphrase_us(Us(passphrase_s));
  boot->set_total_us(Us(total_s));
  boot->set_until("graphical.target");
  v1::Boot::SlowUnit* unit = boot->add_slowest();
  unit->set_unit(slow ? "plymouth-quit-wait.service" : "NetworkManager-wait-online.service");
  unit->set_activating_us(Us(slow ? awake_s * 0.7 : draw_.Between(2, 6)));
  boot->set_last_shutdown_clean(!state_.fell);
  boot->set_installed_updates(updates);
  boot->set_source("systemd");
  if (state_.fell) {
    v1::SystemFailure* failure = Add(wall_ms).mutable_system_failure();
    failure->set_kind(v1::SystemFailure::UNCLEAN_SHUTDOWN);
  }
  state_.fell = false;
}

void Happenings::TellInventory(int64_t wall_ms) {
  const bool complete = !state_.known;
  v1::Inventory* inventory = Add(wall_ms).mutable_inventory();
  inventory->set_complete(complete);
  const auto set = [&](std::string_view key, std::string_view value) {
    v1::Inventory::Property* property = inventory->add_set();
    property->set_key(std::string(key));
    property->set_value(std::string(value));
  };
  set(inventory::kKernel, Kernel());
  if (!complete) return;
  const Model& model = Models()[profile_.model];
  set(inventory::kHost, profile_.host);
  set(inventory::kOs, Systems()[profile_.system].os);
  set(inventory::kModel, model.name);
  set(inventory::kArchitecture, "x86_64");
  set(inventory::kDisk, std::to_string(static_cast<int>(model.disk_gib)));
  set(inventory::kBattery, model.battery ? "yes" : "no");
  set(inventory::kAgent, kVersion);
}

// All of it once, then the kernel's update.
void Happenings::TellSoftware(int64_t wall_ms) {
  const bool whole = !state_.known;
  v1::SoftwareChange* software = Add(wall_ms).mutable_software_change();
  software->set_manager("deb");
  software->set_baseline(whole);
  software->set_begins(whole);
  const auto set = [&](std::string_view name, std::string_view before, std::string_view after) {
    v1::SoftwareChange::Change* change = software->add_changes();
    change->set_name(std::string(name));
    change->set_before(std::string(before));
    change->set_after(std::string(after));
  };
  set("linux-image", whole ? std::string_view() : Systems()[profile_.system].kernel, Kernel());
  if (!whole) return;
  for (const Application& application : Applications()) {
    set(application.program, "", application.version);
  }
  set(kTroubledProgram, "", profile_.troubled_version ? kTroubledVersion : kSoundVersion);
}

void Happenings::TellUnmeasured(int64_t wall_ms) {
  const bool battery = Models()[profile_.model].battery;
  if (battery && profile_.windows_answer) return;
  v1::Unmeasured* unmeasured = Add(wall_ms).mutable_unmeasured();
  const auto tell = [&](uint32_t metric, uint32_t event, std::string_view reason) {
    v1::Unmeasured::Item* item = unmeasured->add_items();
    item->set_metric(metric);
    item->set_event(event);
    item->set_reason(std::string(reason));
  };
  if (!battery) tell(metric::kBatteryHealth, 0, "this machine has no battery");
  if (!profile_.windows_answer) {
    const std::string_view reason = "the session lets no other program ask its windows";
    tell(metric::kUiReply, 0, reason);
    tell(metric::kHangSeconds, 0, reason);
    tell(0, event::kHang, reason);
  }
}

void Happenings::LidOpened(int64_t wall_ms) {
  Add(wall_ms).mutable_resume()->set_duration_ms(
      static_cast<uint64_t>(draw_.Around(2'900 * profile_.pace, 0.35)));
}

void Happenings::CrashOf(std::string_view program, std::string_view version, int64_t wall_ms) {
  v1::Crash* crash = Add(wall_ms).mutable_crash();
  const bool owned = program != "other";
  crash->set_program(std::string(program));
  crash->set_version(std::string(version));
  crash->set_owned(owned);
  crash->set_signal(draw_.Chance(0.8) ? 11 : 6);
  crash->set_stack_signature(
      Sha256(std::string(program) + " " + std::string(version)).substr(0, 8));
  crash->set_source("coredump");
  if (draw_.Chance(0.05)) crash->set_repeats(static_cast<uint32_t>(draw_.Whole(1, 3)));
}

void Happenings::Crashes(int64_t wall_ms) {
  for (const Application& application : Applications()) {
    if (draw_.Chance(application.crashes_per_day / kActiveMinutesPerDay)) {
      CrashOf(application.program, application.version, wall_ms + draw_.Whole(0, 59'000));
    }
  }
  const double mail = profile_.troubled_version ? kTroubledCrashesPerDay : 0.02;
  if (draw_.Chance(mail / kActiveMinutesPerDay)) {
    CrashOf(kTroubledProgram, profile_.troubled_version ? kTroubledVersion : kSoundVersion,
            wall_ms + draw_.Whole(0, 59'000));
  }
  // A developer's own test binaries: shown, not scored.
  const bool develops = Departments()[profile_.department] == "Engineering";
  if (develops && draw_.Chance(0.3 / kActiveMinutesPerDay)) {
    CrashOf("other", "", wall_ms + draw_.Whole(0, 59'000));
  }
}

void Happenings::Failures(int64_t wall_ms) {
  if (draw_.Chance(0.03 / kActiveMinutesPerDay)) {
    v1::UnitFailure* failure = Add(wall_ms).mutable_unit_failure();
    failure->set_unit("fwupd-refresh.service");
    failure->set_result("exit-code");
  }
  if (draw_.Chance(0.012 / kActiveMinutesPerDay)) {
    v1::SystemFailure* failure = Add(wall_ms).mutable_system_failure();
    failure->set_kind(v1::SystemFailure::OUT_OF_MEMORY_KILL);
    failure->set_detail("harbour-browser");
  }
  if (draw_.Chance(0.004 / kActiveMinutesPerDay)) {
    Add(wall_ms).mutable_system_failure()->set_kind(v1::SystemFailure::GPU_RESET);
  }
}

int64_t Happenings::DuringMinute(int64_t wall_ms) {
  Crashes(wall_ms);
  Failures(wall_ms);
  if (!profile_.windows_answer) return 0;
  const bool stalls = Models()[profile_.model].io_stall_share > kStallingModel;
  if (!draw_.Chance((stalls ? 1.6 : 0.25) / kActiveMinutesPerDay)) return 0;
  // Whole seconds: the counter of hanging seconds then says the same as the event.
  const int64_t hang_ms = draw_.Whole(5, 14) * 1000;
  v1::Hang* hang = Add(wall_ms + draw_.Whole(0, kMsPerMinute - hang_ms)).mutable_hang();
  hang->set_application(std::string(Applications()[draw_.random().Below(4)].program));
  hang->set_duration_ms(static_cast<uint64_t>(hang_ms));
  return hang_ms;
}

void Happenings::Evening() {
  state_.fell = draw_.Chance(0.006);
  std::stable_sort(out_.events.begin(), out_.events.end(),
                   [](const LaptopEvent& a, const LaptopEvent& b) {
                     return a.event.wall_ms() < b.event.wall_ms();
                   });
}

}  // namespace candor::loadgen
