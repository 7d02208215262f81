#include "agent/samplers/boot/stages.h"

#include "candor/v1/envelope.pb.h"
#include "common/time_units.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

// A laptop with an encrypted disk: the passphrase is asked 3.2 s after the kernel's start.
ManagerStamps Laptop() {
  ManagerStamps stamps;
  stamps.firmware_us = 7 * kUsPerSecond;
  stamps.loader_us = 2 * kUsPerSecond;
  stamps.initrd_us = 1'500'000;
  stamps.userspace_us = 12 * kUsPerSecond;
  stamps.finish_us = 24 * kUsPerSecond;
  stamps.display_manager = UnitStamps{"gdm.service", 18 * kUsPerSecond, 19 * kUsPerSecond, 0};
  stamps.default_target = UnitStamps{"graphical.target", 0, 20 * kUsPerSecond, 0};
  stamps.units = {
      {"systemd-cryptsetup@luks-1.service", 3 * kUsPerSecond, 11 * kUsPerSecond, 0},
      {"systemd-ask-password-plymouth.service", 3'200'000, 3'210'000, 11 * kUsPerSecond},
      {"NetworkManager.service", 13 * kUsPerSecond, 13'400'000, 0},
      {"plymouth-quit-wait.service", 14 * kUsPerSecond, 19 * kUsPerSecond, 0},
  };
  return stamps;
}

TEST_CASE("stages are counted as systemd-analyze counts them") {
  const v1::Boot boot = BootFromStamps(Laptop());
  CHECK(boot.firmware_us() == 5 * kUsPerSecond);
  CHECK(boot.loader_us() == 2 * kUsPerSecond);
  CHECK(boot.kernel_us() == 1'500'000);
  CHECK(boot.initrd_us() == 10'500'000);
  CHECK(boot.userspace_us() == 12 * kUsPerSecond);
  CHECK(boot.source() == "systemd");
}

TEST_CASE("the total runs from the kernel's start to the login screen") {
  const v1::Boot boot = BootFromStamps(Laptop());
  CHECK(boot.total_us() == 19 * kUsPerSecond);
  CHECK(boot.until() == "gdm.service");
}

TEST_CASE("without login screen the total runs to the default target") {
  ManagerStamps stamps = Laptop();
  SECTION("there is none") { stamps.display_manager.reset(); }
  SECTION("it never came up") { stamps.display_manager->active_enter_us = 0; }
  SECTION("it was started again after the boot") {
    stamps.display_manager->active_enter_us = 3'000 * kUsPerSecond;
  }
  const v1::Boot boot = BootFromStamps(stamps);
  CHECK(boot.total_us() == 20 * kUsPerSecond);
  CHECK(boot.until() == "graphical.target");
}

TEST_CASE("with neither the total runs to the end of start-up") {
  ManagerStamps stamps = Laptop();
  stamps.display_manager.reset();
  stamps.default_target->active_enter_us = 5'000 * kUsPerSecond;
  const v1::Boot boot = BootFromStamps(stamps);
  CHECK(boot.total_us() == 24 * kUsPerSecond);
  CHECK(boot.until() == "startup finished");
}

TEST_CASE("without EFI there are no firmware and loader stages, without initrd none of it") {
  ManagerStamps stamps = Laptop();
  stamps.firmware_us = stamps.loader_us = stamps.initrd_us = 0;
  const v1::Boot boot = BootFromStamps(stamps);
  CHECK_FALSE(boot.has_firmware_us());
  CHECK_FALSE(boot.has_loader_us());
  CHECK_FALSE(boot.has_initrd_us());
  CHECK(boot.kernel_us() == 12 * kUsPerSecond);
}

TEST_CASE("in a container the host's uptime never enters") {
  ManagerStamps stamps;
  stamps.virtualization = "systemd-nspawn";
  stamps.userspace_us = 100'000 * kUsPerSecond;
  stamps.finish_us = 100'003 * kUsPerSecond;
  stamps.default_target = UnitStamps{"multi-user.target", 0, 100'002 * kUsPerSecond, 0};
  const v1::Boot boot = BootFromStamps(stamps);
  CHECK_FALSE(boot.has_kernel_us());
  CHECK_FALSE(boot.has_firmware_us());
  CHECK(boot.userspace_us() == 3 * kUsPerSecond);
  CHECK(boot.total_us() == 2 * kUsPerSecond);
}

TEST_CASE("a virtual machine has a kernel of its own, a container has none") {
  CHECK(IsContainer("systemd-nspawn"));
  CHECK(IsContainer("docker"));
  CHECK(IsContainer("wsl"));
  CHECK_FALSE(IsContainer("kvm"));
  CHECK_FALSE(IsContainer("vmware"));
  CHECK_FALSE(IsContainer(""));
}

TEST_CASE("the wait for a passphrase counts from the question to the answer") {
  CHECK(PassphraseUs(Laptop()) == 7'800'000);
}

TEST_CASE("two disks that wait side by side are one wait") {
  ManagerStamps stamps = Laptop();
  stamps.units.push_back({"systemd-cryptsetup@luks-2.service", 4 * kUsPerSecond, 11'500'000, 0});
  CHECK(PassphraseUs(stamps) == 8'300'000);
}

TEST_CASE("a disk unlocked by a key waits for nobody") {
  ManagerStamps stamps = Laptop();
  stamps.units = {{"systemd-cryptsetup@data.service", 3 * kUsPerSecond, 5 * kUsPerSecond, 0}};
  CHECK_FALSE(PassphraseUs(stamps));
  CHECK_FALSE(BootFromStamps(stamps).has_passphrase_us());
}

TEST_CASE("a long unlocking was a wait even where no agent's stamp is left") {
  ManagerStamps stamps = Laptop();
  stamps.units = {{"systemd-cryptsetup@luks-1.service", 3 * kUsPerSecond, 11 * kUsPerSecond, 0}};
  CHECK(PassphraseUs(stamps) == 8 * kUsPerSecond);
}

TEST_CASE("a disk opened after the boot is no part of it") {
  ManagerStamps stamps = Laptop();
  stamps.units = {
      {"systemd-cryptsetup@usb.service", 500 * kUsPerSecond, 530 * kUsPerSecond, 0},
      {"systemd-ask-password-console.service", 500 * kUsPerSecond, 500 * kUsPerSecond, 0}};
  CHECK_FALSE(PassphraseUs(stamps));
}

TEST_CASE("the slowest units come first, five of them, only those of the boot") {
  ManagerStamps stamps = Laptop();
  stamps.units.clear();
  for (uint64_t i = 1; i <= 8; ++i) {
    stamps.units.push_back({"unit" + std::to_string(i) + ".service", 13 * kUsPerSecond,
                            13 * kUsPerSecond + i * 100'000, 0});
  }
  stamps.units.push_back({"later.service", 60 * kUsPerSecond, 90 * kUsPerSecond, 0});
  stamps.units.push_back({"never.service", 0, 0, 0});
  stamps.units.push_back({"oneshot.service", 13 * kUsPerSecond, 0, 15 * kUsPerSecond});
  const v1::Boot boot = BootFromStamps(stamps);
  REQUIRE(boot.slowest_size() == kSlowestUnits);
  CHECK(boot.slowest(0).unit() == "oneshot.service");
  CHECK(boot.slowest(0).activating_us() == 2 * kUsPerSecond);
  CHECK(boot.slowest(1).unit() == "unit8.service");
  CHECK(boot.slowest(4).unit() == "unit5.service");
}

TEST_CASE("a boot that installed updates says so") {
  CHECK_FALSE(BootFromStamps(Laptop()).installed_updates());
  ManagerStamps stamps = Laptop();
  stamps.units.push_back(
      {"packagekit-offline-update.service", 13 * kUsPerSecond, 0, 90 * kUsPerSecond});
  CHECK(BootFromStamps(stamps).installed_updates());
  // Loaded, but never run.
  CHECK_FALSE(InstalledUpdates({{"system-update.target", 0, 0, 0}}));
}

TEST_CASE("stamps in any disorder give no stage rather than a huge one") {
  ManagerStamps stamps = Laptop();
  stamps.userspace_us = 30 * kUsPerSecond;  // after the finish
  stamps.initrd_us = 40 * kUsPerSecond;
  stamps.firmware_us = 1 * kUsPerSecond;  // less than the loader's
  const v1::Boot boot = BootFromStamps(stamps);
  CHECK_FALSE(boot.has_firmware_us());
  CHECK_FALSE(boot.has_initrd_us());
  CHECK_FALSE(boot.has_userspace_us());
}

TEST_CASE("process 1's start is read past any name it has") {
  const std::string tail =
      " S 0 1 1 0 -1 4194560 1 1 1 1 1 1 1 1 20 0 1 0 125 1 1 18446744073709551615";
  CHECK(ProcessStartUs("1 (systemd)" + tail, 100).value() == 1'250'000);
  CHECK(ProcessStartUs("1 (a ) b) c)" + tail, 100).value() == 1'250'000);
  CHECK_FALSE(ProcessStartUs("1 (systemd) S 0 1", 100).ok());
  CHECK_FALSE(ProcessStartUs("", 100).ok());
  CHECK_FALSE(ProcessStartUs("1 (systemd)" + tail, 0).ok());
}

TEST_CASE("without systemd only the kernel's stage is known, and not in a container") {
  const v1::Boot boot = BootFromKernel(1'250'000);
  CHECK(boot.kernel_us() == 1'250'000);
  CHECK_FALSE(boot.has_total_us());
  CHECK(boot.source() == "kernel");
  CHECK_FALSE(BootFromKernel(90'000 * kUsPerSecond).has_kernel_us());
}

}  // namespace
}  // namespace candor
