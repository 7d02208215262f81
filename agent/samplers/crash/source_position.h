// How far a source of findings was read, and how far what was read is told. One thread.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "agent/samplers/crash/incident.h"

namespace candor {

class SourcePosition {
 public:
  // `saved` by an earlier run; empty at the very first start.
  explicit SourcePosition(std::string saved) : saved_(std::move(saved)) {}

  bool unset() const { return saved_.empty() && read_to_.empty(); }
  // Where to read on.
  const std::string& from() const { return read_to_.empty() ? saved_ : read_to_; }
  void ReadTo(std::string position) { read_to_ = std::move(position); }

  // After IncidentMerger::Settle: the position to save, behind all that was told and before all
  // that waits; nothing when it did not move.
  std::optional<std::string> Told(const IncidentMerger& merger, Finding::Source source) {
    const std::string& settled = merger.cursor(source);
    std::string reached = saved_;
    if (!merger.Waits(source)) {
      reached = from();
    } else if (settled != settled_) {
      reached = settled;
    }
    settled_ = settled;
    if (reached == saved_) return std::nullopt;
    saved_ = reached;
    return reached;
  }

 private:
  std::string saved_;    // everything before it is told
  std::string read_to_;  // the last entry read in this run
  std::string settled_;  // the merger's position at the last call
};

}  // namespace candor
