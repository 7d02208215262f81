// What apport, Ubuntu's crash handler, writes to its log about a program that died. One run handles
// one crash and writes, among others, two lines, both with its own pid:
//   INFO: apport (pid 812) 2026-11-27 09:12:01,123: called for pid 4711, signal 11, core limit 0, …
//   INFO: apport (pid 812) 2026-11-27 09:12:01,456: executable: /usr/bin/x (command line
//   "/usr/bin/x")
// (older versions write ERROR and "Fri Nov 27 09:12:01 2026", "global pid"; a script is named
// beside its interpreter). A run that ends before the second line found nothing to report: a core
// dump that was asked for, a session that was closing. The lines' format is that of data/apport in
// apport's own source. Plain text in, reports out; one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace candor {

struct ApportReport {
  uint32_t pid = 0;
  uint32_t signal = 0;
  std::string executable;  // its path, or the script's; never told
  // When it was handled, on this machine's own clock face: milliseconds since 1970 as if it were
  // UTC.
  int64_t local_ms = 0;
};

class ApportLines {
 public:
  // Takes the next line, without its end; the report that it completes.
  std::optional<ApportReport> Take(std::string_view line);
  // The first line of a report was taken, its second was not.
  bool half() const { return begun_.has_value(); }

 private:
  struct Begun {
    std::string handler;  // "(pid 812)"
    ApportReport report;
  };
  std::optional<Begun> begun_;
};

}  // namespace candor
