#include "collector/query/table_wire.h"

#include <algorithm>
#include <utility>

#include "candor/v1/query.pb.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr const char* kLive = "live";

v1::Column::Type TypeToWire(ColumnType type) {
  switch (type) {
    case ColumnType::kText:
      return v1::Column::TEXT;
    case ColumnType::kNumber:
      return v1::Column::NUMBER;
    case ColumnType::kInteger:
      return v1::Column::INTEGER;
    case ColumnType::kBoolean:
      return v1::Column::BOOLEAN;
    case ColumnType::kTime:
      return v1::Column::TIME;
    case ColumnType::kDay:
      return v1::Column::DAY;
    case ColumnType::kSeries:
      return v1::Column::SERIES;
  }
  return v1::Column::TYPE_UNSPECIFIED;
}

// A type from a newer collector is shown as text.
ColumnType TypeFromWire(v1::Column::Type type) {
  switch (type) {
    case v1::Column::NUMBER:
      return ColumnType::kNumber;
    case v1::Column::INTEGER:
      return ColumnType::kInteger;
    case v1::Column::BOOLEAN:
      return ColumnType::kBoolean;
    case v1::Column::TIME:
      return ColumnType::kTime;
    case v1::Column::DAY:
      return ColumnType::kDay;
    case v1::Column::SERIES:
      return ColumnType::kSeries;
    default:
      return ColumnType::kText;
  }
}

ColumnStyle StyleFromWire(v1::Column::Style style) {
  switch (style) {
    case v1::Column::SCORE:
      return ColumnStyle::kScore;
    case v1::Column::CHANGE:
      return ColumnStyle::kChange;
    case v1::Column::STATUS:
      return ColumnStyle::kStatus;
    case v1::Column::VERSION:
      return ColumnStyle::kPackageVersion;
    default:
      return ColumnStyle::kPlain;
  }
}

v1::Column::Style StyleToWire(ColumnStyle style) {
  switch (style) {
    case ColumnStyle::kScore:
      return v1::Column::SCORE;
    case ColumnStyle::kChange:
      return v1::Column::CHANGE;
    case ColumnStyle::kStatus:
      return v1::Column::STATUS;
    case ColumnStyle::kPackageVersion:
      return v1::Column::VERSION;
    case ColumnStyle::kPlain:
      break;
  }
  return v1::Column::PLAIN;
}

struct CellWriter {
  v1::Cell& wire;
  void operator()(std::monostate) const {}
  void operator()(const std::string& text) const { wire.set_text(text); }
  void operator()(double number) const { wire.set_number(number); }
  void operator()(int64_t integer) const { wire.set_integer(integer); }
  void operator()(bool boolean) const { wire.set_boolean(boolean); }
  void operator()(const Series& series) const {
    wire.mutable_series()->mutable_values()->Add(series.begin(), series.end());
  }
};

Cell CellFromWire(const v1::Cell& wire) {
  switch (wire.value_case()) {
    case v1::Cell::kText:
      return wire.text();
    case v1::Cell::kNumber:
      return wire.number();
    case v1::Cell::kInteger:
      return wire.integer();
    case v1::Cell::kBoolean:
      return wire.boolean();
    case v1::Cell::kSeries:
      return Series(wire.series().values().begin(), wire.series().values().end());
    case v1::Cell::VALUE_NOT_SET:
      break;
  }
  return std::monostate{};
}

}  // namespace

void HeaderToWire(const Table& table, v1::QueryReply& reply) {
  v1::TableHeader& header = *reply.mutable_header();
  header.set_name(table.name);
  header.set_title(table.title);
  header.set_record(table.record);
  for (const Column& column : table.columns) {
    v1::Column& wire = *header.add_columns();
    wire.set_name(column.name);
    wire.set_label(column.label);
    wire.set_type(TypeToWire(column.type));
    wire.set_decimals(static_cast<uint32_t>(std::max(column.decimals, 0)));
    wire.set_hidden_in_table(column.hidden);
    wire.set_rank(static_cast<uint32_t>(std::max(column.rank, 0)));
    wire.set_style(StyleToWire(column.style));
  }
  for (const std::string& note : table.notes) header.add_notes(note);
}

size_t RowsToWire(const Table& table, size_t first, v1::QueryReply& reply) {
  const size_t end = std::min(table.rows.size(), first + kRowsPerBlock);
  v1::RowBlock& block = *reply.mutable_rows();
  size_t bytes = 0;
  for (size_t i = first; i < end; ++i) {
    v1::Row& wire = *block.add_rows();
    for (const Cell& cell : table.rows[i]) std::visit(CellWriter{*wire.add_cells()}, cell);
    bytes += wire.ByteSizeLong();
    if (bytes > kBlockBytes && i > first) {
      block.mutable_rows()->RemoveLast();
      return i;
    }
  }
  return end;
}

void EndOfAnswerToWire(v1::QueryReply& reply) { reply.mutable_progress()->set_doing(kLive); }

bool IsEndOfAnswer(const v1::QueryReply& reply) {
  return reply.has_progress() && reply.progress().doing() == kLive;
}

absl::Status TableReader::Add(const v1::QueryReply& reply) {
  switch (reply.part_case()) {
    case v1::QueryReply::kHeader:
      return AddHeader(reply);
    case v1::QueryReply::kRows:
      return AddRows(reply);
    default:
      return absl::OkStatus();
  }
}

absl::Status TableReader::AddHeader(const v1::QueryReply& reply) {
  const v1::TableHeader& header = reply.header();
  if (tables_.size() == limits_.tables_max ||
      static_cast<size_t>(header.columns_size()) > limits_.columns_max) {
    return absl::InvalidArgumentError("the collector's answer has too many tables or columns");
  }
  Table& table = tables_.emplace_back();
  table.name = header.name();
  table.title = header.title();
  table.record = header.record();
  for (const v1::Column& wire : header.columns()) {
    Column& column = table.columns.emplace_back();
    column.name = wire.name();
    column.label = wire.label();
    column.type = TypeFromWire(wire.type());
    column.decimals = static_cast<int>(std::min<uint32_t>(wire.decimals(), 12));
    column.hidden = wire.hidden_in_table();
    column.rank = static_cast<int>(std::min<uint32_t>(wire.rank(), 100));
    column.style = StyleFromWire(wire.style());
  }
  table.notes.assign(header.notes().begin(), header.notes().end());
  return absl::OkStatus();
}

absl::Status TableReader::AddRows(const v1::QueryReply& reply) {
  if (tables_.empty()) return absl::InvalidArgumentError("the collector sent rows without a table");
  Table& table = tables_.back();
  for (const v1::Row& wire : reply.rows().rows()) {
    if (static_cast<size_t>(wire.cells_size()) != table.columns.size()) {
      return absl::InvalidArgumentError("the collector sent a row that does not fit its table");
    }
    if (table.rows.size() == limits_.rows_max) {
      return absl::ResourceExhaustedError("the collector's answer has too many rows");
    }
    Row& row = table.rows.emplace_back();
    row.reserve(table.columns.size());
    for (const v1::Cell& cell : wire.cells()) row.push_back(CellFromWire(cell));
  }
  return absl::OkStatus();
}

}  // namespace candor
