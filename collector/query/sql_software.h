// `software` and `software_changes` of `candor sql`: what each device has installed, and what
// changed there, by day.
#pragma once

#include <sqlite3.h>

#include "collector/query/sql_tables.h"

namespace candor {

extern const SqlTable kSoftwareSqlTable;
extern const SqlTable kSoftwareChangesSqlTable;

// candor_software(event): the changes of an event as JSON, [[manager, name, before, after], …];
// NULL for another kind of event.
void SoftwareSqlFunction(sqlite3_context* context, int count, sqlite3_value** arguments);

}  // namespace candor
