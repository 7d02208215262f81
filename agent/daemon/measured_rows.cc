#include "agent/daemon/measured_rows.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>

#include "common/registry.h"
#include "common/time_text.h"

namespace candor {
namespace {

using nlohmann::ordered_json;

ordered_json Describe(const v1::Status::Measured& line) {
  ordered_json row;
  row["family"] = "";
  row["name"] = "";
  row["subject"] = line.subject();
  std::string unit;
  if (const auto* metric = FindMetric(line.metric()); metric != nullptr) {
    row["family"] = metric->family;
    row["name"] = metric->name;
    // A plain count has the unit 1.
    if (metric->unit != "1") unit = metric->unit;
  } else if (const auto* event = FindEvent(line.event()); event != nullptr) {
    row["family"] = event->family;
    row["name"] = event->name;
  }
  row["value"] = line.has_value() ? ordered_json(line.value()) : ordered_json();
  row["unit"] = unit;
  row["at"] = line.wall_ms() == 0 ? ordered_json() : ordered_json(FormatTime(line.wall_ms()));
  row["unmeasured"] = line.unmeasured().empty() ? ordered_json() : ordered_json(line.unmeasured());
  return row;
}

}  // namespace

std::vector<OutputColumn> MeasuredColumns() {
  return {{"family", "FAMILY"},   {"name", "METRIC"},
          {"subject", "SUBJECT"}, {"value", "VALUE", true},
          {"unit", "UNIT"},       {"unmeasured", "UNMEASURED BECAUSE", false, 60}};
}

std::vector<ordered_json> MeasuredRows(
    const google::protobuf::RepeatedPtrField<v1::Status::Measured>& measured) {
  std::vector<std::pair<std::tuple<std::string, uint32_t, std::string>, ordered_json>> sorted;
  for (const auto& line : measured) {
    ordered_json row = Describe(line);
    const std::string family = row["family"];
    sorted.emplace_back(std::tuple(family, line.metric() + line.event(), line.subject()),
                        std::move(row));
  }
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<ordered_json> rows;
  for (auto& [key, row] : sorted) rows.push_back(std::move(row));
  return rows;
}

}  // namespace candor
