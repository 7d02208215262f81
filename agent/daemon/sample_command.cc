#include <cstdio>

// clang-format off
#include <utility>  // boost 1.74's awaitable.hpp needs std::exchange
// clang-format on

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "agent/daemon/commands.h"
#include "agent/daemon/event_fields.h"
#include "agent/daemon/measured_rows.h"
#include "agent/daemon/remote_configuration.h"
#include "agent/daemon/samplers.h"
#include "agent/daemon/status_report.h"
#include "agent/samplers/support/clean_text.h"
#include "agent/windows/boot_id.h"
#include "agent/windows/window_set.h"
#include "common/registry.h"
#include "common/status.h"
#include "common/time_text.h"

namespace candor {
namespace {

namespace asio = boost::asio;
using nlohmann::ordered_json;

constexpr int64_t kSamplersTimeMaxMs = 20'000;
constexpr size_t kEventShownBytesMax = 1'000;

class OneShot {
 public:
  OneShot(const AgentSettings& settings, const SampleOptions& options, const Clock& clock,
          std::string boot_id)
      : options_(options),
        clock_(clock),
        windows_(clock, std::move(boot_id)),
        timer_(io_),
        runner_(AllSamplers(settings.dns_servers),
                SamplerContext{io_, clock, windows_, options.roots,
                               [](std::string_view) { return std::string(); }},
                [this] { timer_.cancel(); }) {
    const RemoteConfiguration configuration(settings);
    runner_.Configure(configuration.effective().families_off, configuration.effective().services,
                      configuration.effective().gateways);
  }

  // Reads everything, waits, and reads again, so that counters have something to differ from.
  void Run() {
    asio::co_spawn(io_, Measure(), [this](std::exception_ptr) { io_.stop(); });
    io_.run();
  }

  WindowSet& windows() { return windows_; }

 private:
  asio::awaitable<void> Measure() {
    const int64_t start_ms = clock_.MonotonicMs();
    co_await ReadOnce();
    co_await Sleep(std::max<int64_t>(options_.duration_ms - (clock_.MonotonicMs() - start_ms), 0));
    co_await ReadOnce();
  }

  asio::awaitable<void> ReadOnce() {
    Tick tick;
    tick.wall_ms = clock_.WallMs();
    tick.boottime_ms = clock_.BoottimeMs();
    tick.minute_start = true;
    tick.in_use = true;
    runner_.Start(tick);
    const int64_t until_ms = clock_.MonotonicMs() + kSamplersTimeMaxMs;
    while (runner_.busy() && clock_.MonotonicMs() < until_ms) {
      co_await Sleep(until_ms - clock_.MonotonicMs());
    }
  }

  asio::awaitable<void> Sleep(int64_t ms) {
    timer_.expires_after(std::chrono::milliseconds(ms));
    boost::system::error_code ignored;
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

  const SampleOptions& options_;
  const Clock& clock_;
  asio::io_context io_{1};
  WindowSet windows_;
  asio::steady_timer timer_;
  SamplerRunner runner_;
};

std::vector<ordered_json> ValueRows(const WindowSet& windows) {
  google::protobuf::RepeatedPtrField<v1::Status::Measured> measured;
  ReportMeasured(windows, &measured);
  std::vector<ordered_json> rows = MeasuredRows(measured);
  // Events are told by what they say, not by when they came.
  std::erase_if(rows, [](const ordered_json& row) {
    return FindMetric(row["name"].get<std::string>()) == nullptr && row["unmeasured"].is_null();
  });
  return rows;
}

std::vector<ordered_json> EventRows(WindowSet& windows) {
  std::vector<ordered_json> rows;
  for (const auto& recorded : windows.TakeEvents().events) {
    const auto* entry = FindEvent(static_cast<uint32_t>(recorded.event.what_case()));
    ordered_json row;
    row["family"] = entry != nullptr ? entry->family : "";
    row["name"] = entry != nullptr ? entry->name : "";
    row["at"] = FormatTime(recorded.event.wall_ms());
    row["event"] = EventFields(recorded.event);
    rows.push_back(std::move(row));
  }
  return rows;
}

// A list of everything that is installed would push all else off the screen.
std::string Shortened(const std::string& event) {
  if (event.size() <= kEventShownBytesMax) return event;
  return absl::StrCat(CleanText(event, kEventShownBytesMax), " … (", event.size(),
                      " bytes, all of them with --format json)");
}

}  // namespace

absl::Status RunSample(const AgentSettings& settings, const SampleOptions& options,
                       OutputFormat format, const Clock& clock) {
  CANDOR_ASSIGN_OR_RETURN(std::string boot_id, ReadBootId(options.roots.proc));
  OneShot shot(settings, options, clock, std::move(boot_id));
  shot.Run();
  std::vector<ordered_json> rows = ValueRows(shot.windows());
  std::vector<ordered_json> events = EventRows(shot.windows());
  std::string text;
  if (format == OutputFormat::kJson) {
    rows.insert(rows.end(), events.begin(), events.end());
    text = FormatJson(rows, clock.WallMs());
  } else {
    text = FormatTable(MeasuredColumns(), rows);
    for (ordered_json& row : events) row["event"] = Shortened(row["event"]);
    if (!events.empty()) {
      text +=
          "\n" + FormatTable({{"family", "FAMILY"}, {"name", "EVENT"}, {"event", "SAYS"}}, events);
    }
  }
  std::fputs(text.c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace candor
