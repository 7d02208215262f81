// What can be asked of any table, whatever made it: --where, --sort, --limit and the comparison of
// two periods. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/query/filter.h"
#include "collector/query/table.h"

namespace candor {

// Keeps the rows for which the filter is true.
void KeepMatching(const Filter& filter, Table& table);

// By `sort`, a column with '-' before it for descending; rows without a value last in both
// directions; equal rows keep their order. An unknown column is answered with the nearest names.
absl::Status SortRows(std::string_view sort, Table& table);

// A view's own order: by the first of these columns that differs, each as in SortRows. The columns
// must exist.
void RankRows(const std::vector<std::string>& columns, Table& table);

// Keeps the first `limit` rows (0: all) and says so in a note.
void LimitRows(uint32_t limit, Table& table);

// What the name of a column that CompareTables adds ends with.
constexpr std::string_view kBeforeSuffix = "_before";
constexpr std::string_view kChangeSuffix = "_change";

// Whether rows of two periods can be matched and have a number to compare: not where a row is a
// day.
bool CanCompare(const Table& table);

// Beside each number of `now` its value in the table `before` and the difference, for rows with the
// same keys. `comparison` says "ok"; "new" for a row that was not there before, which has neither;
// "gone" for one that is there no more, which has only what it was before and comes last; "not
// comparable" where both sides have a `coverage` that differs by more than 0.10, or a `score_model`
// that is not the same: the differences of scores stay empty then. The labels name the two periods
// in a note; no note without them.
Table CompareTables(const Table& now, const Table& before, std::string_view now_label,
                    std::string_view before_label);

}  // namespace candor
