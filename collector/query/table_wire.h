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

constexpr size_t kRowsPerBlock = 500;

void HeaderToWire(const Table& table, v1::QueryReply& reply);
// Rows [first, first + kRowsPerBlock); gives the index behind the last one written.
size_t RowsToWire(const Table& table, size_t first, v1::QueryReply& reply);

// Stands behind each whole answer of a stream that goes on: `watch`.
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
