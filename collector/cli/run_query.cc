#include <csignal>
#include <cstdint>
#include <ostream>
#include <thread>

#include "candor/v1/query.pb.h"
#include "collector/cli/client.h"
#include "collector/cli/run_parts.h"
#include "collector/query/text.h"
#include "common/status.h"

namespace candor {
namespace {

v1::QueryRequest RequestFor(const Invocation& invocation) {
  v1::QueryRequest request;
  const std::string view(invocation.command->name);
  request.set_view(view);
  // `sql` has its statement where others have their host.
  if (view == "sql") {
    request.set_text(invocation.positional);
  } else {
    request.set_device(invocation.positional);
    request.set_text(invocation.Value(Flag::kDay));
  }
  request.set_where(invocation.Value(Flag::kWhere));
  request.set_by(invocation.Value(Flag::kBy));
  request.set_from(invocation.Value(Flag::kFrom));
  request.set_to(invocation.Value(Flag::kTo));
  request.set_against(invocation.Value(Flag::kAgainst));
  request.set_sort(invocation.Value(Flag::kSort));
  request.set_reason(invocation.Value(Flag::kReason));
  if (const std::string limit = invocation.Value(Flag::kLimit); !limit.empty()) {
    request.set_limit(static_cast<uint32_t>(std::stoul(limit)));
  }
  return request;
}

// One line on standard error that replaces itself, on a terminal only.
class ProgressLine {
 public:
  explicit ProgressLine(const Surroundings& around) : around_(around) {}
  ~ProgressLine() {
    if (shown_) around_.err << "\r\x1b[K" << std::flush;
  }
  void Show(std::string_view doing, uint64_t done, uint64_t total) {
    if (!around_.terminal.err) return;
    shown_ = true;
    around_.err << "\r\x1b[K" << doing;
    if (total > 0) {
      around_.err << " " << 100 * std::min(done, total) / total << " %";
    } else if (done > 0) {
      around_.err << " " << done;
    }
    around_.err << " …" << std::flush;
  }

 private:
  const Surroundings& around_;
  bool shown_ = false;
};

// A collector that answers "invalid argument" speaks of what was typed.
absl::Status FromCollector(const absl::Status& status) {
  return absl::IsInvalidArgument(status) ? WrongUsage(status) : status;
}

// Ends a watch on SIGINT and SIGTERM. The signals must be blocked in every thread before gRPC
// starts its own.
class Interruption {
 public:
  explicit Interruption(Client& client) {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGUSR1);  // for the destructor
    pthread_sigmask(SIG_BLOCK, &signals_, &before_);
    thread_ = std::thread([this, &client] {
      int signal = 0;
      sigwait(&signals_, &signal);
      if (signal != SIGUSR1) client.Stop();
    });
  }
  ~Interruption() {
    pthread_kill(thread_.native_handle(), SIGUSR1);
    thread_.join();
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

 private:
  sigset_t signals_{};
  sigset_t before_{};
  std::thread thread_;
};

}  // namespace

absl::Status RunQuery(const Invocation& invocation, const Surroundings& around) {
  CANDOR_ASSIGN_OR_RETURN(Credential credential, ConnectionFor(invocation, around));
  Client client(std::move(credential), around.clock);
  absl::StatusOr<std::vector<Table>> tables = absl::UnknownError("");
  {
    ProgressLine progress(around);
    tables = client.Ask(RequestFor(invocation),
                        [&](std::string_view doing, uint64_t done, uint64_t total) {
                          progress.Show(doing, done, total);
                        });
  }
  if (!tables.ok()) return FromCollector(tables.status());
  return Print(*tables, invocation, around);
}

absl::Status RunWatch(const Invocation& invocation, const Surroundings& around) {
  CANDOR_ASSIGN_OR_RETURN(Credential credential, ConnectionFor(invocation, around));
  Client client(std::move(credential), around.clock);
  const Interruption interruption(client);
  const bool redraw = around.terminal.out && FormatOf(invocation) == Format::kTable;
  absl::Status printed;
  const absl::Status watched =
      client.Watch(RequestFor(invocation), [&](const std::vector<Table>& tables) {
        if (redraw) around.out << "\x1b[H\x1b[2J\x1b[3J";
        printed = Print(tables, invocation, around);
        if (!printed.ok()) client.Stop();
      });
  CANDOR_RETURN_IF_ERROR(printed);
  return FromCollector(watched);
}

}  // namespace candor
