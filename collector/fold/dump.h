// Canonical text of all folds: two stores that hold the same folds give the same bytes, however
// their batches came. For `candor-collector dump`, for comparing by eye or with diff, and for
// tests.
//
// One line a fact, tables one after the other, each sorted; doubles in full precision (%.17g),
// devices by their id, days as dates. Facts of days are written out; those of hours stand as the
// SHA-256 of their bytes, which are canonical themselves.
#pragma once

#include <iosfwd>

#include "absl/status/status.h"
#include "common/sqlite.h"

namespace candor {

// Reads what is stored. Where log rows are not folded yet, or scores behind, the text says so
// first: catch up before (FoldAll, Folder::CatchUp). Internal when `out` failed.
absl::Status Dump(Database& db, std::ostream& out);

}  // namespace candor
