#include "tests/laptop/session_reports.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "common/status.h"

namespace candor::testing {

namespace fs = std::filesystem;

SessionReports::SessionReports(uid_t user) {
  fs::permissions(folder_.path(), fs::perms::group_exec | fs::perms::others_exec,
                  fs::perm_options::add);
  fs::create_directories(folder_.File("run/systemd/users"));
  std::ofstream(folder_.File("run/systemd/users/" + std::to_string(user)));
  Open();
}

void SessionReports::Open() {
  auto socket = SessionSocket::Listen(this->socket(), folder_.File("run"));
  if (!socket.ok()) throw std::runtime_error(std::string(MessageOf(socket.status())));
  socket_ = *std::move(socket);
}

void SessionReports::Restart(int64_t pause_ms) {
  socket_.reset();
  std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
  Open();
}

void SessionReports::Listen() {
  for (const auto& received : socket_->Read()) {
    const v1::SessionReport& report = received.report;
    for (const auto& program : report.programs()) {
      for (const uint64_t us : program.reply_us()) replies_us[program.executable()].push_back(us);
      hang_ms += program.hang_ms();
    }
    for (const auto& hang : report.hangs()) {
      hangs_ms.emplace_back(report.programs(static_cast<int>(hang.program())).executable(),
                            hang.duration_ms());
    }
    for (const auto& launch : report.launches()) {
      launches_us.emplace_back(report.programs(static_cast<int>(launch.program())).executable(),
                               launch.took_us());
    }
    watched_ms += report.watched_ms();
    unmeasured.clear();
    for (const auto& item : report.unmeasured()) {
      unmeasured[item.metric() != 0 ? item.metric() : item.event()] = item.reason();
    }
  }
}

void SessionReports::Forget() {
  Listen();
  replies_us.clear();
  hangs_ms.clear();
  launches_us.clear();
  watched_ms = hang_ms = 0;
}

}  // namespace candor::testing
