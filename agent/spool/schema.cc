#include "agent/spool/schema.h"

namespace candor {

std::vector<std::string_view> SpoolMigrations() {
  return {R"sql(
CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE cursor(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
-- Harvests that no batch holds yet: serialized candor.v1.Contents.
CREATE TABLE pending(id INTEGER PRIMARY KEY, contents BLOB NOT NULL);
CREATE TABLE batch(
  id INTEGER PRIMARY KEY,           -- order of sealing, over all epochs
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  seq_last INTEGER NOT NULL,        -- > seq only for a tombstone
  class INTEGER NOT NULL,           -- BatchClass; 0 for a tombstone
  state INTEGER NOT NULL,           -- BatchState
  run INTEGER NOT NULL,             -- run of the agent that measured it; 0: more than one
  sealed_wall_ms INTEGER NOT NULL,
  sent_wall_ms INTEGER NOT NULL DEFAULT 0,
  acked_wall_ms INTEGER NOT NULL DEFAULT 0,
  size INTEGER NOT NULL,
  chain BLOB NOT NULL,              -- chain hash
  refused TEXT NOT NULL DEFAULT '');
CREATE UNIQUE INDEX held_by_seq ON batch(seq) WHERE state < 3;
CREATE INDEX held_by_class ON batch(class, seq) WHERE state < 3;
CREATE TABLE sealed(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
-- What is left of sent batches whose bytes grew too old, by local day of sending.
CREATE TABLE digest(
  day INTEGER PRIMARY KEY, batches INTEGER NOT NULL, bytes INTEGER NOT NULL,
  counts BLOB NOT NULL);            -- a candor.v1.Tombstone that holds the counts by kind
)sql"};
}

}  // namespace candor
