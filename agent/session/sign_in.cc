#include "agent/session/sign_in.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "agent/samplers/support/text.h"
#include "common/files.h"
#include "common/hash.h"
#include "common/log.h"
#include "common/registry.h"
#include "common/status.h"
#include "common/time_units.h"

namespace candor {
namespace {

namespace fs = std::filesystem;

// In the order of kPressureKinds.
constexpr size_t kMemory = 1;
constexpr size_t kIo = 2;
constexpr size_t kMarkBytes = 8;
constexpr std::string_view kMarkSalt = "candor signed in here ";

int64_t NowMonotonicUs() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * kUsPerSecond + now.tv_nsec / 1'000;
}

bool Exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// True where the file was not there before.
bool Mark(const std::string& path) {
  if (Exists(path)) return false;
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  return std::ofstream(path).is_open();
}

}  // namespace

std::string SignIn::ToldPath() const {
  return Concat(places_.runtime_folder, "/candor-sign-in-", login_.session, ".told");
}

void SignIn::Begin(const absl::StatusOr<Login>& login, int64_t now_us) {
  if (begun_) return;
  begun_ = true;
  if (!login.ok()) {
    report_.SetUnmeasured(event::kSignIn, std::string(MessageOf(login.status())));
    return;
  }
  login_ = *login;
  if (places_.runtime_folder.empty() || Exists(ToldPath())) return;
  const int64_t desktop_us = login_.desktop_us.value_or(now_us);
  const bool late = now_us - login_.login_us > kLoginUsMax || now_us - desktop_us > kLateUsMax ||
                    desktop_us < login_.login_us;
  if (late) {
    report_.SetUnmeasured(event::kSignIn, "candor-session was started later than this sign-in");
    return;
  }
  settling_.emplace(desktop_us);
  auto pressure = OpenPressureFiles(places_.proc);
  if (pressure.ok()) {
    pressure_ = *std::move(pressure);
    Look();
  } else {
    // Nobody counts what waits: the desktop that is there is all there is to know.
    Tell(desktop_us);
  }
}

void SignIn::Look() {
  const auto totals = pressure_->ReadTotalsUs();
  if (!totals.ok()) return Tell(login_.desktop_us.value_or(NowMonotonicUs()));
  const auto settled_us = settling_->Update(NowMonotonicUs(), {(*totals)[kMemory], (*totals)[kIo]});
  if (settled_us) return Tell(*settled_us);
  timer_.expires_after(std::chrono::seconds(1));
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) Look();
  });
}

void SignIn::Tell(int64_t settled_us) {
  pressure_.reset();
  Mark(ToldPath());
  bool first = false;
  if (const auto id = ReadFile(places_.etc + "/machine-id");
      id.ok() && !places_.state_folder.empty()) {
    const std::string mark = ToHex(Sha256(Concat(kMarkSalt, Trim(*id))).substr(0, kMarkBytes));
    first = Mark(Concat(places_.state_folder, "/candor/signed-in-", mark));
  }
  report_.SetSignIn(std::max<int64_t>(0, settled_us - login_.login_us), first);
}

}  // namespace candor
