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

// The collector shapes the first table of an answer, which is called as its command; the others are
// shaped here once they are there.
bool WantsFurtherTable(const Invocation& invocation) {
  const std::string table = invocation.Value(Flag::kTable);
  return !table.empty() && table != invocation.command->name;
}

// A filter of a further table is only then about its rows when there are no devices to choose from.
bool IsAboutOneDevice(const Invocation& invocation) {
  return invocation.command->name == "device" || invocation.command->name == "explain" ||
         invocation.flags.contains(Flag::kDevice);
}

absl::Status ShapeFurther(const Invocation& invocation, const Surroundings& around,
                          std::vector<Table>& tables) {
  if (!WantsFurtherTable(invocation)) return absl::OkStatus();
  Invocation shaping = invocation;
  if (!IsAboutOneDevice(invocation)) shaping.flags.erase(Flag::kWhere);
  for (Table& table : tables) {
    if (table.name != invocation.Value(Flag::kTable)) continue;
    CANDOR_RETURN_IF_ERROR(ShapeHere(shaping, around, table));
  }
  return absl::OkStatus();
}

v1::QueryRequest RequestFor(const Invocation& invocation) {
  v1::QueryRequest request;
  const std::string view(invocation.command->name);
  request.set_view(view);
  // `sql` has its statement and `software` a name where others have their host.
  if (view == "sql" || view == "software") {
    request.set_text(invocation.positional);
    request.set_device(invocation.Value(Flag::kDevice));
  } else {
    request.set_device(invocation.positional);
    request.set_text(invocation.Value(Flag::kDay));
  }
  const bool further = WantsFurtherTable(invocation);
  if (!further || !IsAboutOneDevice(invocation)) {
    request.set_where(invocation.Value(Flag::kWhere));
  }
  request.set_by(invocation.Value(Flag::kBy));
  request.set_from(invocation.Value(Flag::kFrom));
  request.set_to(invocation.Value(Flag::kTo));
  request.set_against(invocation.Value(Flag::kAgainst));
  request.set_reason(invocation.Value(Flag::kReason));
  if (further) return request;
  request.set_sort(invocation.Value(Flag::kSort));
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
  CANDOR_RETURN_IF_ERROR(ShapeFurther(invocation, around, *tables));
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
