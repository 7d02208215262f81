// Counts by kind of what measurements hold: windows of each metric, events of each kind, and the
// span of time they are about. It is what remains of data that had to be dropped (a tombstone's
// counts) and of sent bytes that grew too old (the ledger's daily digests). A plain value.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace candor::v1 {
class Contents;
class Tombstone;
}  // namespace candor::v1

namespace candor {

class Tally {
 public:
  void Add(const v1::Contents& contents);
  // A tombstone's counts, dropped bytes and span.
  void Add(const v1::Tombstone& tombstone);
  void AddBytes(uint64_t bytes) { bytes_ += bytes; }
  void Write(v1::Tombstone& tombstone) const;

  bool empty() const { return events_.empty() && windows_.empty() && bytes_ == 0; }
  uint64_t events() const;
  uint64_t windows() const;
  uint64_t bytes() const { return bytes_; }
  // For people: "2 crash, 1 boot; 480 windows of rtt_ms, 96 of dns_ms"; "nothing" when empty.
  std::string Text() const;

 private:
  void AddSpan(int64_t first_wall_ms, int64_t last_wall_ms);

  std::map<uint32_t, uint64_t> events_;   // by event kind's number
  std::map<uint32_t, uint64_t> windows_;  // by metric's number
  uint64_t bytes_ = 0;
  int64_t first_wall_ms_ = 0;  // 0 with last_wall_ms_: no span yet
  int64_t last_wall_ms_ = 0;
};

}  // namespace candor
