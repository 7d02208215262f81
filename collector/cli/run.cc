#include "collector/cli/run.h"

#include <algorithm>
#include <ostream>

#include "absl/strings/cord.h"
#include "collector/cli/run_parts.h"
#include "collector/cli/text_width.h"
#include "collector/query/filter.h"
#include "collector/query/shape.h"
#include "collector/query/text.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr const char* kUsagePayload = "candor/wrong-usage";

absl::Status Dispatch(const Invocation& invocation, const Surroundings& around) {
  switch (invocation.command->kind) {
    case CommandKind::kQuery:
      return RunQuery(invocation, around);
    case CommandKind::kWatch:
      return RunWatch(invocation, around);
    case CommandKind::kScore:
      return invocation.flags.contains(Flag::kFacts) ? RunOfflineScore(invocation, around)
                                                     : RunQuery(invocation, around);
    case CommandKind::kTokenCreate:
    case CommandKind::kTokenList:
    case CommandKind::kTokenRevoke:
    case CommandKind::kDeviceRevoke:
      return RunAdmin(invocation, around);
  }
  return absl::InternalError("a command nobody carries out");
}

}  // namespace

absl::Status WrongUsage(const absl::Status& status) {
  absl::Status marked = status;
  if (!marked.ok()) marked.SetPayload(kUsagePayload, absl::Cord());
  return marked;
}

bool IsWrongUsage(const absl::Status& status) {
  return status.GetPayload(kUsagePayload).has_value();
}

absl::Status FromCollector(const absl::Status& status) {
  return absl::IsInvalidArgument(status) ? WrongUsage(status) : status;
}

absl::Status ShapeHere(const Invocation& invocation, const Surroundings& around, Table& table) {
  if (const std::string where = invocation.Value(Flag::kWhere); !where.empty()) {
    const absl::StatusOr<Filter> filter = ParseFilter(where, table.columns, around.clock.WallMs());
    if (!filter.ok()) return WrongUsage(filter.status());
    KeepMatching(*filter, table);
  }
  CANDOR_RETURN_IF_ERROR(WrongUsage(SortRows(invocation.Value(Flag::kSort), table)));
  if (const std::string limit = invocation.Value(Flag::kLimit); !limit.empty()) {
    LimitRows(static_cast<uint32_t>(std::stoul(limit)), table);
  }
  return absl::OkStatus();
}

absl::StatusOr<Credential> ConnectionFor(const Invocation& invocation, const Surroundings& around) {
  return FindConnection({invocation.Value(Flag::kCollector), invocation.Value(Flag::kCredential)},
                        around.env);
}

Format FormatOf(const Invocation& invocation) {
  const std::string format = invocation.Value(Flag::kFormat);
  return format == "json" ? Format::kJson : format == "csv" ? Format::kCsv : Format::kTable;
}

RenderOptions OptionsFor(const Invocation& invocation, const Surroundings& around) {
  RenderOptions options;
  options.format = FormatOf(invocation);
  options.width = around.terminal.width;
  options.colour = around.terminal.colour;
  options.now_ms = around.clock.WallMs();
  options.table = invocation.Value(Flag::kTable);
  return options;
}

absl::Status Print(const std::vector<Table>& tables, const Invocation& invocation,
                   const Surroundings& around) {
  const absl::StatusOr<std::string> text = Render(tables, OptionsFor(invocation, around));
  if (!text.ok()) return WrongUsage(text.status());
  around.out << *text << std::flush;
  if (!around.out) return absl::UnavailableError("the answer cannot be written");
  return absl::OkStatus();
}

int Run(const Invocation& invocation, const Surroundings& around) {
  const absl::Status status = Dispatch(invocation, around);
  if (status.ok()) return 0;
  std::string message(MessageOf(status));
  std::replace(message.begin(), message.end(), '\n', ' ');
  around.err << "candor: " << Printable(message) << std::endl;
  return IsWrongUsage(status) ? 2 : 1;
}

}  // namespace candor
