// Cells in order, and tables over the wire and back.
#include "collector/query/table.h"

#include <cmath>
#include <limits>

#include "candor/v1/query.pb.h"
#include "collector/query/table_wire.h"
#include "common/rpc/channel.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

Table Sample(size_t rows) {
  Table table;
  table.name = "devices";
  table.title = "Devices";
  table.columns = {TextColumn("host", "host").Key(),
                   ScoreColumn("score", "score").Rank(2),
                   IntegerColumn("crashes", "crashes").Hidden(),
                   BooleanColumn("ok", "ok"),
                   TimeColumn("seen", "seen"),
                   DayColumn("day", "day"),
                   SeriesColumn("trend", "trend"),
                   NumberColumn("score_change", "change", 3).Style(ColumnStyle::kChange)};
  table.notes = {"one note"};
  table.record = true;
  for (size_t i = 0; i < rows; ++i) {
    table.rows.push_back({"host-" + std::to_string(i), 1.0 / 3, static_cast<int64_t>(i), i % 2 == 0,
                          int64_t{1'795'320'000'123}, int64_t{-3},
                          Series{1.5, std::numeric_limits<double>::infinity()}, std::monostate{}});
  }
  return table;
}

Table OverTheWire(const Table& table) {
  TableReader reader;
  v1::QueryReply header;
  HeaderToWire(table, header);
  REQUIRE_OK(reader.Add(header));
  for (size_t at = 0; at < table.rows.size();) {
    v1::QueryReply block;
    at = RowsToWire(table, at, block);
    REQUIRE_OK(reader.Add(block));
  }
  REQUIRE(reader.tables().size() == 1);
  return reader.tables().front();
}

TEST_CASE("A table is the same behind the wire") {
  const size_t rows = GENERATE(size_t{0}, size_t{1}, kRowsPerBlock, 2 * kRowsPerBlock + 7);
  const Table sent = Sample(rows);
  const Table got = OverTheWire(sent);
  REQUIRE(got.name == sent.name);
  REQUIRE(got.title == sent.title);
  REQUIRE(got.notes == sent.notes);
  REQUIRE(got.record);
  REQUIRE(got.rows == sent.rows);
  REQUIRE(got.columns.size() == sent.columns.size());
  for (size_t i = 0; i < sent.columns.size(); ++i) {
    REQUIRE(got.columns[i].name == sent.columns[i].name);
    REQUIRE(got.columns[i].label == sent.columns[i].label);
    REQUIRE(got.columns[i].type == sent.columns[i].type);
    REQUIRE(got.columns[i].decimals == sent.columns[i].decimals);
    REQUIRE(got.columns[i].style == sent.columns[i].style);
    REQUIRE(got.columns[i].rank == sent.columns[i].rank);
    REQUIRE(got.columns[i].hidden == sent.columns[i].hidden);
  }
}

// Each message of a table, as large as it is on the wire.
std::vector<size_t> BlockBytes(const Table& table) {
  std::vector<size_t> bytes;
  for (size_t at = 0; at < table.rows.size();) {
    v1::QueryReply block;
    const size_t next = RowsToWire(table, at, block);
    REQUIRE(next > at);
    at = next;
    bytes.push_back(block.ByteSizeLong());
  }
  return bytes;
}

TEST_CASE("A block ends at 500 rows or a mebibyte, and a row that is larger stands alone") {
  Table table;
  table.name = "wide";
  table.columns = {TextColumn("text", "text")};
  SECTION("many rows of 100 KiB") {
    for (int i = 0; i < 95; ++i) table.rows.push_back({std::string(100 << 10, 'a')});
    for (const size_t bytes : BlockBytes(table)) REQUIRE(bytes <= kBlockBytes + 16);
    REQUIRE(BlockBytes(table).size() == 10);
  }
  SECTION("values as large as SQL lets through, small ones between") {
    for (int i = 0; i < 6; ++i) {
      table.rows.push_back({std::string(1 << 20, 'b')});
      table.rows.push_back({std::string("small")});
    }
    for (const size_t bytes : BlockBytes(table)) REQUIRE(bytes < size_t{kMessageBytesMax});
  }
  SECTION("the widest row there is") {
    table.columns.assign(3, TextColumn("text", "text"));
    table.rows.push_back({std::string("small"), std::string(), std::string()});
    table.rows.push_back(Row(3, std::string(kRowBytesMax / 3, 'c')));
    REQUIRE(BlockBytes(table).size() == 2);
    REQUIRE(BlockBytes(table).back() < size_t{kMessageBytesMax});
  }
  REQUIRE(OverTheWire(table).rows == table.rows);
}

TEST_CASE("Replies that contradict themselves are refused") {
  TableReader reader;
  v1::QueryReply rows;
  rows.mutable_rows()->add_rows()->add_cells()->set_integer(1);
  REQUIRE(reader.Add(rows).code() == absl::StatusCode::kInvalidArgument);

  v1::QueryReply header;
  HeaderToWire(Sample(0), header);
  REQUIRE_OK(reader.Add(header));
  REQUIRE(reader.Add(rows).code() == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("Cells are ordered by value, names naturally, and nothing comes last") {
  REQUIRE(CompareCells(1.0, int64_t{2}) < 0);
  REQUIRE(CompareCells(std::string("laptop-9"), std::string("laptop-10")) < 0);
  REQUIRE(CompareCells(std::string("6.1.10"), std::string("6.1.9")) > 0);
  REQUIRE(CompareCells(std::string("a"), std::string("a")) == 0);
  REQUIRE(CompareCells(std::string("007"), std::string("7")) == 0);
  REQUIRE(CompareCells(std::string("ab"), std::string("abc")) < 0);
  REQUIRE(CompareCells(std::monostate{}, 1e300) > 0);
  REQUIRE(CompareCells(-1e300, std::monostate{}) < 0);
  REQUIRE(CompareCells(std::monostate{}, std::monostate{}) == 0);
}

}  // namespace
}  // namespace candor
