// Tables of the spool's database. A batch is one row of `batch` for all of its life; its state says
// where it stands, and its bytes lie apart in `sealed`, so that a change of state never rewrites
// them.
#pragma once

#include <string_view>
#include <vector>

namespace candor {

// States of a batch. A tombstone goes the same way.
enum class BatchState : int {
  kSealed = 1,        // bytes and seq are fixed, it never left the laptop
  kSent = 2,          // handed to the uplink, not yet acknowledged
  kAcknowledged = 3,  // the collector has it for good; kept for the ledger
};

// Steps for Database::Migrate.
std::vector<std::string_view> SpoolMigrations();

}  // namespace candor
