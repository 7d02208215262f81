// `network` of `candor sql`: one row a device-day, shares and quantiles of its active time as
// `candor network` shows them. No sums: how long somebody worked would follow from them.
#pragma once

#include <sqlite3.h>

#include "collector/query/sql_tables.h"

namespace candor {

extern const SqlTable kNetworkSqlTable;

// candor_network(facts, 'column'): one of the table's figures out of a day's facts; NULL where it
// was not measured.
void NetworkSqlFunction(sqlite3_context* context, int count, sqlite3_value** arguments);

}  // namespace candor
