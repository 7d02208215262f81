#include "collector/query/question.h"

#include <algorithm>
#include <utility>

#include "candor/v1/query.pb.h"
#include "collector/query/filter.h"
#include "collector/query/run_limit.h"
#include "collector/query/shape.h"
#include "collector/query/text.h"
#include "common/status.h"

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
      {"the view", &request.view()},     {"the device", &request.device()},
      {"--by", &request.by()},           {"--from", &request.from()},
      {"--to", &request.to()},           {"--sort", &request.sort()},
      {"--against", &request.against()}, {"--reason", &request.reason()}};
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
  return absl::OkStatus();
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
    if (!wire_.against().empty() && !tables.empty()) {
      CANDOR_RETURN_IF_ERROR(Compare(tables.front()));
    }
    if (!tables.empty()) CANDOR_RETURN_IF_ERROR(Shape(tables.front()));
    return tables;
  }

 private:
  absl::Status Resolve() {
    CANDOR_ASSIGN_OR_RETURN(request_.period, ParsePeriod(wire_.from(), wire_.to(), context_.now_ms,
                                                         view_.default_days));
    CANDOR_RETURN_IF_ERROR(CheckLength(request_.period, "--from"));
    request_.by = wire_.by();
    request_.text = wire_.text();
    request_.limit = wire_.limit();
    if (!wire_.device().empty()) {
      CANDOR_ASSIGN_OR_RETURN(request_.device, FindDevice(parts_.db, wire_.device()));
      if (parts_.watching && view_.name == "watch") parts_.watching(request_.device->no);
    }
    return absl::OkStatus();
  }

  absl::Status WriteDown() {
    if (!parts_.audited || !parts_.audit) return absl::OkStatus();
    if (request_.device) {
      return parts_.audit(
          {parts_.actor, Concat("look ", view_.name), request_.device->id, wire_.reason()});
    }
    if (view_.name == "sql" && !wire_.text().empty()) {
      const std::string about = wire_.reason().empty() ? "" : wire_.reason() + ": ";
      return parts_.audit({parts_.actor, "sql", "", about + wire_.text()});
    }
    return absl::OkStatus();
  }

  absl::Status ResolveFilter() {
    if (!wire_.sort().empty()) {
      request_.mentioned.insert(wire_.sort().substr(wire_.sort().starts_with('-') ? 1 : 0));
    }
    if (wire_.where().empty() || view_.name == "sql") return absl::OkStatus();
    CANDOR_ASSIGN_OR_RETURN(const FilterExpression whole, FilterExpression::Parse(wire_.where()));
    for (std::string& name : whole.Columns()) request_.mentioned.insert(std::move(name));
    ViewRequest shape = request_;
    shape.columns_only = true;
    CANDOR_ASSIGN_OR_RETURN(const std::vector<Table> tables, view_.answer(context_, shape));
    const std::vector<Column>& columns = tables.front().columns;
    if (AllIn(whole, columns) || view_.device != View::Device::kNone || view_.name == "metrics") {
      filter_.rows = {whole};
      return Filter::Bind(whole, columns, context_.now_ms).status();
    }
    return SplitByDevices(whole, columns);
  }

  absl::Status SplitByDevices(const FilterExpression& whole, const std::vector<Column>& columns) {
    CANDOR_ASSIGN_OR_RETURN(const std::vector<Column> of_devices, DeviceColumns(context_));
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

  absl::Status Compare(Table& table) {
    CANDOR_ASSIGN_OR_RETURN(const Period other,
                            ParseAgainst(wire_.against(), request_.period, context_.now_ms));
    CANDOR_RETURN_IF_ERROR(CheckLength(other, "--against"));
    ViewRequest before = request_;
    before.period = other;
    CANDOR_ASSIGN_OR_RETURN(const std::vector<Table> tables, view_.answer(context_, before));
    table = CompareTables(std::move(table), tables.front(),
                          FormatPeriod(request_.period, context_.now_ms),
                          FormatPeriod(other, context_.now_ms));
    return absl::OkStatus();
  }

  absl::Status Shape(Table& table) {
    for (const FilterExpression& part : filter_.rows) {
      CANDOR_ASSIGN_OR_RETURN(const Filter filter,
                              Filter::Bind(part, table.columns, context_.now_ms));
      KeepMatching(filter, table);
    }
    CANDOR_RETURN_IF_ERROR(SortRows(wire_.sort(), table));
    LimitRows(wire_.limit() != 0 ? wire_.limit() : view_.default_limit, table);
    return absl::OkStatus();
  }

  const QuestionParts& parts_;
  const v1::QueryRequest& wire_;
  const View& view_;
  ViewContext context_;
  ViewRequest request_;
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
