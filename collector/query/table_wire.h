// Tables to candor.v1 query replies and back. Pure functions, any thread.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "collector/query/table.h"

namespace candor::v1 {
class QueryReply;
}

namespace candor {

// A block ends after so many rows, and before the row with which it would be larger. A row that is
// larger by itself is a block of its own: what makes rows keeps them under kRowBytesMax, so that
// every message fits into the 4 MiB a client takes (common/rpc/channel.h).
constexpr size_t kRowsPerBlock = 500;
constexpr size_t kBlockBytes = 1 << 20;
constexpr size_t kRowBytesMax = 3 << 20;

void HeaderToWire(const Table& table, v1::QueryReply& reply);
// The block that begins with row `first`; gives the index behind its last row.
size_t RowsToWire(const Table& table, size_t first, v1::QueryReply& reply);

// Stands behind each whole answer: what ends without it did not come whole.
void EndOfAnswerToWire(v1::QueryReply& reply);
bool IsEndOfAnswer(const v1::QueryReply& reply);

// Puts replies together again. One thread.
class TableReader {
 public:
  struct Limits {
    size_t tables_max = 64;
    size_t columns_max = 512;
    size_t rows_max = 10'000'000;
  };
  // A header begins a table, rows go to the last one; progress is ignored. InvalidArgument when a
  // reply contradicts its header or a limit.
  absl::Status Add(const v1::QueryReply& reply);
  std::vector<Table>& tables() { return tables_; }

 private:
  absl::Status AddHeader(const v1::QueryReply& reply);
  absl::Status AddRows(const v1::QueryReply& reply);
  Limits limits_;
  std::vector<Table> tables_;
};

}  // namespace candor
