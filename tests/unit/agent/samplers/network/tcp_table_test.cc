#include "agent/samplers/network/tcp_table.h"

#include "tests/support/catch.h"

namespace candor {
namespace {

using Sockets = std::vector<TcpSocket>;

TEST_CASE("what connections did before the first reading is not counted") {
  TcpTable table;
  CHECK(table.Update(Sockets{{1, 1000, 50, 0}}, Sockets{{2, 10, 1, 0}}).sent == 0);
  const auto totals = table.Update(Sockets{{1, 1100, 52, 20'000}}, {});
  CHECK(totals.sent == 100);
  CHECK(totals.retransmitted == 2);
  CHECK(totals.rtts_us == std::vector<uint32_t>{20'000});
}

TEST_CASE("a connection opened later counts from 0, also when it closed in between") {
  TcpTable table;
  table.Update({}, {});
  const auto totals = table.Update(Sockets{{1, 10, 1, 0}}, Sockets{{2, 20, 3, 0}});
  CHECK(totals.sent == 30);
  CHECK(totals.retransmitted == 4);
}

TEST_CASE("a closing is counted once, whether it comes with the reading or after it") {
  TcpTable table;
  table.Update({}, {});
  SECTION("the socket closed right after it was read") {
    CHECK(table.Update(Sockets{{1, 10, 0, 0}}, Sockets{{1, 12, 1, 0}}).sent == 12);
    CHECK(table.Update({}, {}).sent == 0);
  }
  SECTION("its closing is told with the next reading") {
    CHECK(table.Update(Sockets{{1, 10, 0, 0}}, {}).sent == 10);
    CHECK(table.Update({}, Sockets{{1, 12, 1, 0}}).sent == 2);
  }
  SECTION("its closing is told one reading late") {
    CHECK(table.Update(Sockets{{1, 10, 0, 0}}, {}).sent == 10);
    CHECK(table.Update({}, {}).sent == 0);
    CHECK(table.Update({}, Sockets{{1, 12, 1, 0}}).sent == 2);
  }
  CHECK(table.Update({}, {}).sent == 0);
  CHECK(table.size() == 0);
}

TEST_CASE("a connection that never carried data is no loss") {
  TcpTable table;
  table.Update({}, {});
  const auto totals = table.Update(Sockets{{1, 0, 6, 0}}, Sockets{{2, 0, 6, 0}});
  CHECK(totals.sent == 0);
  CHECK(totals.retransmitted == 0);
}

TEST_CASE("no more can be retransmitted than was sent") {
  TcpTable table;
  table.Update({}, {});
  // Three SYNs were lost before the one segment of data.
  const auto totals = table.Update(Sockets{{1, 1, 3, 0}}, {});
  CHECK(totals.sent == 1);
  CHECK(totals.retransmitted == 1);
}

TEST_CASE("an idle connection gives no round trip") {
  TcpTable table;
  table.Update(Sockets{{1, 5, 0, 30'000}}, {});
  CHECK(table.Update(Sockets{{1, 5, 0, 30'000}}, {}).rtts_us.empty());
}

TEST_CASE("the table stays bounded and never counts an old connection as new") {
  TcpTable table;
  Sockets many;
  for (uint64_t i = 1; i <= TcpTable::kSocketsMax + 1; ++i) many.push_back({i, 100, 0, 0});
  table.Update({}, {});
  CHECK(table.Update(many, {}).sent == 100 * static_cast<int64_t>(TcpTable::kSocketsMax));
  CHECK(table.size() == TcpTable::kSocketsMax);
  // The one without room closes; what it sent is unknown history.
  const TcpSocket left_out = many.back();
  many.pop_back();
  CHECK(table.Update(many, Sockets{left_out}).sent == 0);
  CHECK(table.size() == TcpTable::kSocketsMax);
}

}  // namespace
}  // namespace candor
