#include "collector/store/schema.h"

namespace candor {
namespace {

constexpr std::string_view kVersion1 = R"sql(
-- Primary ---------------------------------------------------------------------------------------

CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
-- keys: sealed_through_day (integer; days up to and including it are sealed), store_id

CREATE TABLE device (
  no INTEGER PRIMARY KEY,
  device_id TEXT NOT NULL UNIQUE,          -- UUID in the certificate
  host TEXT NOT NULL,
  enrolled_ms INTEGER NOT NULL,
  certificate_serial TEXT NOT NULL,
  certificate_not_after_ms INTEGER NOT NULL,
  revoked_ms INTEGER,                      -- NULL while it may send
  revoked_reason TEXT,
  agent_version TEXT NOT NULL DEFAULT '',
  last_seen_ms INTEGER,                    -- last committed batch or hello
  request_id BLOB UNIQUE                   -- of its enrolment; makes enrolment idempotent
);
CREATE INDEX device_host ON device (host);

CREATE TABLE device_label (
  device INTEGER NOT NULL REFERENCES device (no),
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (device, key)
) WITHOUT ROWID;

CREATE TABLE token (
  id TEXT PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,               -- SHA-256 of the token
  uses_left INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  revoked INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- Where each epoch of each device stands. Lives as long as the enrolment.
CREATE TABLE cursor (
  device INTEGER NOT NULL REFERENCES device (no),
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,                    -- last place stored
  chain_hash BLOB NOT NULL,                -- of that place
  opened_ms INTEGER NOT NULL,
  PRIMARY KEY (device, epoch)
) WITHOUT ROWID;

-- The append-only log. At most one row for (device, epoch, seq).
CREATE TABLE log (
  id INTEGER PRIMARY KEY,                  -- order of arrival; folds' watermarks are ids
  device INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  seq_last INTEGER NOT NULL,
  kind INTEGER NOT NULL,                   -- LogKind
  hash BLOB NOT NULL,
  received_ms INTEGER NOT NULL,
  skew_ms INTEGER NOT NULL,                -- device clock minus collector clock; added to no duration
  sealed_through_day INTEGER NOT NULL,     -- as it was when this row was committed
  detail TEXT NOT NULL DEFAULT '',
  sealed BLOB
);
CREATE UNIQUE INDEX log_place ON log (device, epoch, seq);

-- Batches of two laptops with one identity, or of a restored disk: kept, not folded.
CREATE TABLE quarantine (
  id INTEGER PRIMARY KEY,
  device INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  hash BLOB NOT NULL,
  received_ms INTEGER NOT NULL,
  reason TEXT NOT NULL,
  sealed BLOB NOT NULL,
  UNIQUE (device, epoch, seq, hash)
);

-- Which model scores which day: the row with the latest from_day not after it.
CREATE TABLE model_date (
  from_day INTEGER PRIMARY KEY,
  model TEXT NOT NULL
);

CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  wall_ms INTEGER NOT NULL,
  actor TEXT NOT NULL,                     -- role and name in the certificate
  action TEXT NOT NULL,
  subject TEXT NOT NULL,                   -- random id of a device, never its host name
  reason TEXT NOT NULL,
  previous BLOB NOT NULL,                  -- hash of the row before
  hash BLOB NOT NULL                       -- SHA-256 over previous and this row's fields
);

-- Folds -------------------------------------------------------------------------------------------

CREATE TABLE fold (
  name TEXT PRIMARY KEY,
  watermark INTEGER NOT NULL               -- last log.id folded
) WITHOUT ROWID;

-- Device-days whose facts changed since scores were last derived from them; marked in the
-- transaction that changes the facts, cleared in the one that writes the scores.
CREATE TABLE score_dirty (
  device INTEGER NOT NULL,
  day INTEGER NOT NULL,
  PRIMARY KEY (device, day)
) WITHOUT ROWID;

CREATE TABLE hour_fact (
  device INTEGER NOT NULL,
  hour INTEGER NOT NULL,
  facts BLOB NOT NULL,                     -- zstd frame of a candor.store.v1.FactSet
  PRIMARY KEY (device, hour)
) WITHOUT ROWID;

CREATE TABLE day_fact (
  device INTEGER NOT NULL,
  day INTEGER NOT NULL,
  facts BLOB NOT NULL,                     -- candor.store.v1.FactSet
  PRIMARY KEY (device, day)
) WITHOUT ROWID;
CREATE INDEX day_fact_day ON day_fact (day, device);

CREATE TABLE event (
  device INTEGER NOT NULL,
  day INTEGER NOT NULL,
  wall_ms INTEGER NOT NULL,                -- skew-corrected
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,                -- position in its batch
  kind INTEGER NOT NULL,                   -- registry number
  event BLOB NOT NULL,                     -- candor.v1.Event
  PRIMARY KEY (device, day, wall_ms, epoch, seq, ordinal)
) WITHOUT ROWID;
CREATE INDEX event_kind ON event (kind, day, device);

-- Latest value of each property; the later (wall_ms, epoch, seq) wins. NULL value: removed.
CREATE TABLE inventory (
  device INTEGER NOT NULL,
  key TEXT NOT NULL,
  value TEXT,
  day INTEGER NOT NULL,
  wall_ms INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (device, key)
) WITHOUT ROWID;
CREATE INDEX inventory_key ON inventory (key, value);

-- Latest candor.v1.Unmeasured of each device.
CREATE TABLE unmeasured (
  device INTEGER PRIMARY KEY,
  day INTEGER NOT NULL,
  wall_ms INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  items BLOB NOT NULL
);

CREATE TABLE too_late (
  device INTEGER NOT NULL,
  day INTEGER NOT NULL,
  batches INTEGER NOT NULL,
  windows INTEGER NOT NULL,
  events INTEGER NOT NULL,
  PRIMARY KEY (device, day)
) WITHOUT ROWID;

CREATE TABLE score (
  device INTEGER NOT NULL,
  day INTEGER NOT NULL,
  model TEXT NOT NULL,
  score REAL,                              -- NULL: coverage too low
  coverage REAL NOT NULL,
  provisional INTEGER NOT NULL,
  lost_min REAL NOT NULL,                  -- time lost, minutes
  PRIMARY KEY (device, day)
) WITHOUT ROWID;
CREATE INDEX score_day ON score (day, device);

-- One row a metric with a value: what `explain` prints.
CREATE TABLE score_metric (
  device INTEGER NOT NULL,
  day INTEGER NOT NULL,
  metric TEXT NOT NULL,
  value REAL,                              -- NULL: failed, and measured as 0 points
  points REAL NOT NULL,
  lost REAL NOT NULL,
  PRIMARY KEY (device, day, metric)
) WITHOUT ROWID;

CREATE TABLE score_domain (
  device INTEGER NOT NULL,
  day INTEGER NOT NULL,
  domain TEXT NOT NULL,
  points REAL NOT NULL,
  PRIMARY KEY (device, day, domain)
) WITHOUT ROWID;

-- Minutes lost by cause, on that device and day.
CREATE TABLE time_lost (
  device INTEGER NOT NULL,
  day INTEGER NOT NULL,
  cause TEXT NOT NULL,                     -- boot, signin, resume, launch, hang, stall, crash, system_failure, offline
  minutes REAL NOT NULL,
  PRIMARY KEY (device, day, cause)
) WITHOUT ROWID;
)sql";

constexpr std::string_view kVersion2 = R"sql(
-- Gaps, refusals and tombstones can be counted without a walk through the log's batches
-- (collector/store/losses.h). A batch has no entry here and costs nothing.
CREATE INDEX log_exceptional ON log (device, kind, seq, seq_last) WHERE kind <> 0;
)sql";

constexpr std::string_view kVersion3 = R"sql(
-- What each device has installed. A fleet has the same names and versions over and over: each is
-- kept once, so that a package of a device takes some 40 bytes and its index 12.
CREATE TABLE software_name (
  no INTEGER PRIMARY KEY,
  manager TEXT NOT NULL,
  name TEXT NOT NULL,                      -- '': the manager's mark of its latest whole list
  UNIQUE (name, manager)
);
CREATE TABLE software_version (
  no INTEGER PRIMARY KEY,
  version TEXT NOT NULL UNIQUE
);
-- The later (wall_ms, epoch, seq) wins, as in the inventory. NULL version: removed.
CREATE TABLE software (
  device INTEGER NOT NULL,
  name INTEGER NOT NULL,
  version INTEGER,
  day INTEGER NOT NULL,
  wall_ms INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (device, name)
) WITHOUT ROWID;
CREATE INDEX software_where ON software (name, version) WHERE version IS NOT NULL;
)sql";

}  // namespace

const std::vector<std::string_view>& StoreMigrations() {
  static const std::vector<std::string_view> migrations = {kVersion1, kVersion2, kVersion3};
  return migrations;
}

}  // namespace candor
