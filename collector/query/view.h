// A view: one named question and how it is answered. Each lives in a file of its own,
// view_NAME.cc; views.cc lists them all. The engine (engine.h) resolves what the words of a request
// mean, runs the view and then does to its first table what can be done to any table (shape.h), so
// a view only computes.
//
// Views read folds and nothing else, on a connection of their own. One thread each.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/query/fleet_data.h"
#include "collector/query/period.h"
#include "collector/query/table.h"
#include "collector/score/model.h"
#include "common/sqlite.h"

namespace candor {

// What a running view may use. Lives as long as its question.
struct ViewContext {
  Database& db;
  const ModelSet& models;
  int64_t now_ms = 0;
  // Called now and then on long work; Cancelled when nobody waits for the answer any more.
  std::function<absl::Status(std::string_view doing, uint64_t done, uint64_t total)> progress;
};

struct ViewRequest {
  Period period;
  std::string by;                    // "" where --by was not given
  std::optional<DeviceInfo> device;  // for views about one device
  std::string text;                  // sql: the SELECT; explain: the day; software: a name
  // Columns that --where and --sort name: those that cost something are filled only when asked for.
  std::set<std::string> mentioned;
  // Only these devices (device.no), where a filter speaks about devices and not about rows.
  std::optional<std::set<int64_t>> only_devices;
  // Only the columns of the first table are wanted, no rows.
  bool columns_only = false;
  uint32_t limit = 0;
};

struct View {
  enum class Device { kNone, kOptional, kRequired };

  std::string_view name;
  std::string_view summary;
  Device device = Device::kNone;
  bool takes_by = false;
  bool takes_period = false;
  bool takes_against = false;
  int default_days = kDefaultPeriodDays;
  uint32_t default_limit = 0;  // rows of the first table, 0: all
  absl::StatusOr<std::vector<Table>> (*answer)(ViewContext&, const ViewRequest&) = nullptr;
};

// All views, by name.
std::span<const View> Views();
// NotFound names the nearest.
absl::StatusOr<const View*> FindView(std::string_view name);

// One line each; defined in view_NAME.cc.
using Answer = absl::StatusOr<std::vector<Table>>;
Answer AnswerBoots(ViewContext& context, const ViewRequest& request);
Answer AnswerCrashes(ViewContext& context, const ViewRequest& request);
Answer AnswerDevice(ViewContext& context, const ViewRequest& request);
Answer AnswerDevices(ViewContext& context, const ViewRequest& request);
Answer AnswerExplain(ViewContext& context, const ViewRequest& request);
Answer AnswerFleet(ViewContext& context, const ViewRequest& request);
Answer AnswerHealth(ViewContext& context, const ViewRequest& request);
Answer AnswerInventory(ViewContext& context, const ViewRequest& request);
Answer AnswerMetrics(ViewContext& context, const ViewRequest& request);
Answer AnswerNetwork(ViewContext& context, const ViewRequest& request);
Answer AnswerScore(ViewContext& context, const ViewRequest& request);
Answer AnswerSoftware(ViewContext& context, const ViewRequest& request);
Answer AnswerSql(ViewContext& context, const ViewRequest& request);
Answer AnswerTimeline(ViewContext& context, const ViewRequest& request);
Answer AnswerWatch(ViewContext& context, const ViewRequest& request);

// The numbers (device.no) of the devices whose row of `devices` a filter keeps; see
// view_devices.cc.
class FilterExpression;
absl::StatusOr<std::set<int64_t>> DevicesMatching(ViewContext& context, const Period& period,
                                                  const FilterExpression& filter);
// Columns of `devices`, which any filter may speak of; of packages (package.NAME) those mentioned.
absl::StatusOr<std::vector<Column>> DeviceColumns(ViewContext& context,
                                                  const std::set<std::string>& mentioned);

}  // namespace candor
