// What was told of installed software, kept over restarts so that what changed while nobody looked
// is found, too.
//
// The list is too large for a cursor: it is a file in a folder of its own, named by its hash. The
// cursor holds that name, and is saved in the transaction that spools what was told. So:
//
//   1. the new list's file is written and synced; the one that the cursor names stays
//   2. the events and the new cursor are emitted and become durable together
//
// kill -9 between the two leaves the old cursor with the old list: the same changes are found again
// and told once. Of older files each write keeps only the one that was told before; where the spool
// took nothing in between and the agent dies, the cursor may name a file that is gone: then the
// whole list is told again, which corrects whatever was known before. A change is never lost, and
// told twice only so.
//
// One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace candor {

// The cursor, "HASH MANAGER:DAY MANAGER:DAY+".
struct ToldMark {
  struct Manager {
    int64_t day = 0;          // since 1970, on which its whole list was begun to be told
    bool unfinished = false;  // '+': the rest of that list is still to come
  };
  std::string hash;
  std::map<std::string, Manager, std::less<>> managers;

  // What cannot be read is left out: it is told anew.
  static ToldMark Parse(std::string_view text);
  std::string Text() const;
};

class ToldList {
 public:
  // Empty `folder`: nothing is kept. It is made with the first list.
  explicit ToldList(std::string folder) : folder_(std::move(folder)) {}

  static std::string HashOf(std::string_view text);

  // NotFound where there is none, DataLoss where it is another than it was.
  absl::StatusOr<std::string> Read(const std::string& hash) const;
  // On disk when it returns; of other lists only `told_hash` is kept.
  absl::Status Write(std::string_view text, const std::string& told_hash) const;

 private:
  std::string PathOf(const std::string& hash) const;

  const std::string folder_;
};

}  // namespace candor
