#include "collector/query/question.h"

#include <algorithm>
#include <utility>

#include "candor/v1/query.pb.h"
#include "collector/query/dimension.h"
#include "collector/query/filter.h"
#include "collector/query/run_limit.h"
#include "collector/query/shape.h"
#include "collector/query/text.h"
#include "common/status.h"
#include "common/tls/labels.h"

namespace candor {
namespace {

// A read transaction: every statement of one question sees the same moment.
class Snapshot {
 public:
  explicit Snapshot(Database& db) : db_(db) {}
  absl::Status Begin() { return db_.Execute("BEGIN"); }
  ~Snapshot() { db_.Execute("ROLLBACK").IgnoreError(); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

 private:
  Database& db_;
};

absl::Status CheckSizes(const v1::QueryRequest& request) {
  const std::pair<std::string_view, const std::string*> words[] = {
      {"the view", &request.view()},    {"the device", &request.device()},
      {"--by", &request.by()},          {"--from", &request.from()},
      {"--to", &request.to()},          {"--sort", &request.sort()},
      {"--against", &request.against()}};
  for (const auto& [name, word] : words) {
    if (word->size() > QuestionLimits::kWordBytesMax) {
      return absl::InvalidArgumentError(
          Concat(name, " is longer than ", QuestionLimits::kWordBytesMax, " bytes"));
    }
  }
  if (request.text().size() > QuestionLimits::kTextBytesMax) {
    return absl::InvalidArgumentError(
        Concat("the text is longer than ", QuestionLimits::kTextBytesMax, " bytes"));
  }
  return CheckReason(request.reason());
}

// What a view does not take is an error, not silently without effect.
absl::Status CheckTakes(const View& view, const v1::QueryRequest& request) {
  const auto refuse = [&](std::string_view what) {
    return absl::InvalidArgumentError(Concat("'", view.name, "' takes no ", what));
  };
  if (!request.by().empty() && !view.takes_by) return refuse("--by");
  if (!request.against().empty() && !view.takes_against) return refuse("--against");
  if (!view.takes_period && (!request.from().empty() || !request.to().empty())) {
    return refuse("--from and --to");
  }
  if (!request.device().empty() && view.device == View::Device::kNone) return refuse("device");
  if (request.device().empty() && view.device == View::Device::kRequired) {
    return absl::InvalidArgumentError(Concat("'", view.name, "' needs a host name or a device id"));
  }
  return absl::OkStatus();
}

absl::Status CheckLength(const Period& period, std::string_view flag) {
  if (period.days() <= QuestionLimits::kPeriodDaysMax) return absl::OkStatus();
  return absl::InvalidArgumentError(
      Concat(flag, ": the period is longer than ", QuestionLimits::kPeriodDaysMax, " days"));
}

// A filter's top-level conjuncts: those over the printed columns keep rows, those over columns of
// `devices` say which devices count at all.
struct SplitFilter {
  std::vector<FilterExpression> rows;
  std::vector<FilterExpression> devices;
};

bool AllIn(const FilterExpression& expression, const std::vector<Column>& columns) {
  const std::vector<std::string> names = expression.Columns();
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return std::any_of(columns.begin(), columns.end(),
                       [&](const Column& column) { return column.name == name; });
  });
}

class Question {
 public:
  Question(const QuestionParts& parts, const v1::QueryRequest& wire, const View& view,
           const RunLimit& limit)
      : parts_(parts),
        wire_(wire),
        view_(view),
        context_{parts.db, parts.models, parts.clock.WallMs(),
                 [&parts, &limit](std::string_view doing, uint64_t done, uint64_t total) {
                   if (parts.progress) parts.progress(doing, done, total);
                   return limit.Check();
                 }} {}

  absl::StatusOr<std::vector<Table>> Run() {
    CANDOR_RETURN_IF_ERROR(Resolve());
    CANDOR_RETURN_IF_ERROR(WriteDown());
    CANDOR_RETURN_IF_ERROR(ResolveFilter());
    CANDOR_ASSIGN_OR_RETURN(std::vector<Table> tables, view_.answer(context_, request_));
    if (tables.empty()) return tables;
    if (compared()) CANDOR_RETURN_IF_ERROR(Compare(tables));
    CANDOR_RETURN_IF_ERROR(KeepWanted(tables.front()));
    CANDOR_RETURN_IF_ERROR(WriteDownFiltered(tables.front()));
    CANDOR_RETURN_IF_ERROR(SortRows(wire_.sort(), tables.front()));
    LimitRows(wire_.limit() != 0 ? wire_.limit() : view_.default_limit, tables.front());
    return tables;
  }

 private:
  bool compared() const { return !wire_.against().empty(); }

  absl::Status Resolve() {
    CANDOR_ASSIGN_OR_RETURN(request_.period, ParsePeriod(wire_.from(), wire_.to(), context_.now_ms,
                                                         view_.default_days));
    CANDOR_RETURN_IF_ERROR(CheckLength(request_.period, "--from"));
    if (compared()) {
      CANDOR_ASSIGN_OR_RETURN(before_,
                              ParseAgainst(wire_.against(), request_.period, context_.now_ms));
      CANDOR_RETURN_IF_ERROR(CheckLength(before_, "--against"));
    }
    request_.by = wire_.by();
    request_.text = wire_.text();
    // A view that stops early must not do so before the filter and the order had all rows.
    const bool shaped = !wire_.where().empty() || !wire_.sort().empty();
    request_.limit = shaped ? std::max(wire_.limit(), view_.default_limit) : wire_.limit();
    if (!wire_.device().empty()) {
      CANDOR_ASSIGN_OR_RETURN(request_.device, FindDevice(parts_.db, wire_.device()));
      if (parts_.watching && view_.name == "watch") parts_.watching(request_.device->no);
    }
    return absl::OkStatus();
  }

  absl::Status Audit(std::string action, std::string device_id, std::string_view asked) {
    if (!parts_.audited || !parts_.audit) return absl::OkStatus();
    return parts_.audit({parts_.actor, std::move(action), std::move(device_id),
                         asked.empty() ? wire_.reason() : ReasonAndText(wire_.reason(), asked)});
  }

  absl::Status WriteDown() {
    if (request_.device) return Audit(Concat("look ", view_.name), request_.device->id, "");
    if (view_.name == "sql" && !wire_.text().empty()) return Audit("sql", "", wire_.text());
    // Its latest faults are a row a laptop.
    if (view_.name == "watch") return Audit("look watch", "", "");
    return absl::OkStatus();
  }

  // Asked of many devices, of which a filter may choose some.
  bool about_many() const { return !request_.device && view_.device != View::Device::kRequired; }

  // A filter, and the name of software, can make a question about many a look at one. None is found
  // to be one, too: that nothing is left tells about whom the filter names.
  absl::Status WriteDownFiltered(const Table& table) {
    const bool named = view_.name == "software" && !wire_.text().empty();
    if (!about_many() || (wire_.where().empty() && !named)) return absl::OkStatus();
    const bool rows_are_devices =
        view_.name == "devices" || request_.by == "device" || request_.by == "host";
    const bool few_devices = request_.only_devices && request_.only_devices->size() <= 1;
    if (!rows_are_devices && !few_devices) return absl::OkStatus();
    CANDOR_ASSIGN_OR_RETURN(const std::string one, OneDevice(table, rows_are_devices));
    std::string asked = named ? wire_.text() : std::string();
    if (!wire_.where().empty()) {
      asked += Concat(asked.empty() ? "where " : " where ", wire_.where());
    }
    return Audit(Concat("look ", view_.name), one, asked);
  }

  // The id of the one device that the filter left, "" where it left none or several.
  absl::StatusOr<std::string> OneDevice(const Table& table, bool rows_are_devices) {
    const bool one_row = rows_are_devices && !table.rows.empty() &&
                         std::all_of(table.rows.begin(), table.rows.end(), [&](const Row& row) {
                           return row.front() == table.rows.front().front();
                         });
    const bool one_left = request_.only_devices && request_.only_devices->size() == 1;
    if (!one_row && !one_left) return std::string();
    if (one_row && view_.name == "devices") return std::string(TextIn(table.rows[0].front()));
    CANDOR_ASSIGN_OR_RETURN(const std::vector<DeviceInfo> devices, LoadDevices(parts_.db));
    CANDOR_ASSIGN_OR_RETURN(const Dimension hosts, Dimension::Resolve(parts_.db, "host"));
    for (const DeviceInfo& device : devices) {
      if (one_left ? request_.only_devices->contains(device.no)
                   : hosts.ValueOf(device) == TextIn(table.rows[0].front())) {
        return device.id;
      }
    }
    return std::string();
  }

  // A column that a comparison adds costs what the column costs that it is made from.
  void Mention(std::string name) {
    for (const std::string_view suffix : {kBeforeSuffix, kChangeSuffix}) {
      if (compared() && name.ends_with(suffix)) {
        request_.mentioned.insert(name.substr(0, name.size() - suffix.size()));
      }
    }
    request_.mentioned.insert(std::move(name));
  }

  absl::Status ResolveFilter() {
    if (!wire_.sort().empty()) {
      Mention(wire_.sort().substr(wire_.sort().starts_with('-') ? 1 : 0));
    }
    if (wire_.where().empty()) return absl::OkStatus();
    CANDOR_ASSIGN_OR_RETURN(const FilterExpression whole, FilterExpression::Parse(wire_.where()));
    if (view_.name == "sql") {  // its columns are known once it has run
      filter_.rows = {whole};
      return absl::OkStatus();
    }
    for (std::string& name : whole.Columns()) Mention(std::move(name));
    CANDOR_ASSIGN_OR_RETURN(const std::vector<Column> columns, PrintedColumns());
    if (AllIn(whole, columns) || !about_many() || view_.name == "metrics") {
      filter_.rows = {whole};
      return Filter::Bind(whole, columns, context_.now_ms).status();
    }
    return SplitByDevices(whole, columns);
  }

  // Columns of the first table, with those that a comparison adds.
  absl::StatusOr<std::vector<Column>> PrintedColumns() {
    ViewRequest shape = request_;
    shape.columns_only = true;
    CANDOR_ASSIGN_OR_RETURN(const std::vector<Table> tables, view_.answer(context_, shape));
    if (!compared()) return tables.front().columns;
    return CompareTables(tables.front(), tables.front(), "", "").columns;
  }

  absl::Status SplitByDevices(const FilterExpression& whole, const std::vector<Column>& columns) {
    CANDOR_ASSIGN_OR_RETURN(const std::vector<Column> of_devices,
                            DeviceColumns(context_, request_.mentioned));
    for (FilterExpression& part : whole.Conjuncts()) {
      if (!AllIn(part, columns) && AllIn(part, of_devices)) {
        filter_.devices.push_back(std::move(part));
        continue;
      }
      // Names both kinds, for a mistake in a part that mixes them.
      std::vector<Column> all = columns;
      all.insert(all.end(), of_devices.begin(), of_devices.end());
      CANDOR_RETURN_IF_ERROR(Filter::Bind(part, all, context_.now_ms).status());
      if (!AllIn(part, columns)) {
        return absl::InvalidArgumentError(
            "--where: columns of this table and columns of devices can be joined by 'and' only");
      }
      filter_.rows.push_back(std::move(part));
    }
    for (const FilterExpression& part : filter_.devices) {
      CANDOR_ASSIGN_OR_RETURN(std::set<int64_t> matching,
                              DevicesMatching(context_, request_.period, part));
      if (!request_.only_devices) {
        request_.only_devices = std::move(matching);
        continue;
      }
      std::erase_if(*request_.only_devices,
                    [&](int64_t device) { return !matching.contains(device); });
    }
    return absl::OkStatus();
  }

  // The first table, and of the others those that a comparison says something about.
  absl::Status Compare(std::vector<Table>& tables) {
    ViewRequest before = request_;
    before.period = before_;
    if (view_.name == "explain") before.text.clear();  // --day is a day of the first period
    CANDOR_ASSIGN_OR_RETURN(const std::vector<Table> old, view_.answer(context_, before));
    const std::string now_label = FormatPeriod(request_.period, context_.now_ms);
    const std::string before_label = FormatPeriod(before_, context_.now_ms);
    for (Table& table : tables) {
      const auto at = std::find_if(old.begin(), old.end(), [&](const Table& candidate) {
        return candidate.name == table.name;
      });
      if (at == old.end() || (&table != &tables.front() && !CanCompare(table))) continue;
      const bool first = &table == &tables.front();
      table = CompareTables(table, *at, first ? now_label : "", before_label);
    }
    return absl::OkStatus();
  }

  absl::Status KeepWanted(Table& table) {
    for (const FilterExpression& part : filter_.rows) {
      CANDOR_ASSIGN_OR_RETURN(const Filter filter,
                              Filter::Bind(part, table.columns, context_.now_ms));
      KeepMatching(filter, table);
    }
    return absl::OkStatus();
  }

  const QuestionParts& parts_;
  const v1::QueryRequest& wire_;
  const View& view_;
  ViewContext context_;
  ViewRequest request_;
  Period before_;  // with --against
  SplitFilter filter_;
};

}  // namespace

absl::StatusOr<std::vector<Table>> AnswerQuestion(const QuestionParts& parts,
                                                  const v1::QueryRequest& request) {
  CANDOR_RETURN_IF_ERROR(CheckSizes(request));
  CANDOR_ASSIGN_OR_RETURN(const View* view, FindView(request.view()));
  CANDOR_RETURN_IF_ERROR(CheckTakes(*view, request));
  const RunLimit limit(parts.clock,
                       view->name == "sql" ? QuestionLimits::kSqlMsMax : QuestionLimits::kRunMsMax,
                       parts.cancelled);
  const RunLimit::Guard guard(limit, parts.db);
  Snapshot snapshot(parts.db);
  CANDOR_RETURN_IF_ERROR(snapshot.Begin());
  absl::StatusOr<std::vector<Table>> tables = Question(parts, request, *view, limit).Run();
  if (!tables.ok()) return limit.Explain(tables.status());
  return tables;
}

}  // namespace candor
