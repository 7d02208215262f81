#include "agent/samplers/software/software_list.h"

#include <algorithm>

#include "agent/samplers/support/clean_text.h"
#include "agent/samplers/support/text.h"
#include "candor/v1/envelope.pb.h"

namespace candor {
namespace {

// What a change takes beside its text: lengths and tags of three fields and of itself.
constexpr size_t kChangeOverhead = 12;
// An event without changes: its manager and flags, and what stands around it.
constexpr size_t kEventOverhead = 64;

void AppendLine(std::string_view manager, std::string_view name, std::string_view version,
                std::string& text) {
  text.append(manager).append("\t").append(name).append("\t").append(version).append("\n");
}

// Walks over the lines of one manager.
class Lines {
 public:
  Lines(std::string_view text, std::string_view manager)
      : text_(text), prefix_bytes_(manager.size() + 1) {
    Next();
  }

  bool end() const { return end_; }
  std::string_view name() const { return name_; }
  std::string_view version() const { return version_; }

  void Next() {
    end_ = text_.empty();
    if (end_) return;
    const size_t size = std::min(text_.find('\n'), text_.size());
    std::string_view line = text_.substr(0, size);
    text_.remove_prefix(std::min(size + 1, text_.size()));
    line.remove_prefix(std::min(prefix_bytes_, line.size()));
    const size_t tab = std::min(line.find('\t'), line.size());
    name_ = line.substr(0, tab);
    version_ = line.substr(std::min(tab + 1, line.size()));
  }

 private:
  std::string_view text_;
  const size_t prefix_bytes_;
  bool end_ = false;
  std::string_view name_;
  std::string_view version_;
};

class Step {
 public:
  Step(std::string_view manager, Baseline baseline, size_t& room,
       std::vector<v1::SoftwareChange>& events)
      : manager_(manager), baseline_(baseline != Baseline::kNone), room_(room), events_(events) {
    if (baseline == Baseline::kBegins && !Begin(true, true)) step_.complete = false;
  }

  void Same(std::string_view name, std::string_view version) {
    AppendLine(manager_, name, version, step_.told);
  }
  void Came(std::string_view name, std::string_view version) {
    if (Tell(baseline_, name, "", version)) Same(name, version);
  }
  void Changed(std::string_view name, std::string_view before, std::string_view after) {
    Same(name, Tell(false, name, before, after) ? after : before);
  }
  void Went(std::string_view name, std::string_view before) {
    if (!Tell(false, name, before, "")) Same(name, before);
  }

  SoftwareStep Take() { return std::move(step_); }

 private:
  bool Begin(bool baseline, bool begins) {
    if (room_ < kEventOverhead) return false;
    room_ -= kEventOverhead;
    bytes_ = kEventOverhead;
    v1::SoftwareChange& event = events_.emplace_back();
    event.set_manager(std::string(manager_));
    event.set_baseline(baseline);
    event.set_begins(begins);
    open_ = true;
    return true;
  }

  // False where it does not fit any more: it stays as it was told before.
  bool Tell(bool baseline, std::string_view name, std::string_view before, std::string_view after) {
    const size_t bytes = name.size() + before.size() + after.size() + kChangeOverhead;
    // Once something had to wait, all that comes behind it does: the next step finds it.
    bool fits = step_.complete && bytes <= room_;
    const bool fresh = !open_ || events_.back().baseline() != baseline ||
                       bytes_ + bytes > SoftwareLimits::kEventBytesMax;
    if (fits && fresh) fits = room_ >= bytes + kEventOverhead && Begin(baseline, false);
    if (!fits) {
      step_.complete = false;
      return false;
    }
    room_ -= bytes;
    bytes_ += bytes;
    v1::SoftwareChange::Change& change = *events_.back().add_changes();
    change.set_name(std::string(name));
    change.set_before(std::string(before));
    change.set_after(std::string(after));
    return true;
  }

  const std::string_view manager_;
  const bool baseline_;
  size_t& room_;
  std::vector<v1::SoftwareChange>& events_;
  bool open_ = false;  // the last event is this step's
  size_t bytes_ = 0;   // of the last event
  SoftwareStep step_;
};

}  // namespace

bool AddSoftware(std::string_view name, std::string_view version, SoftwareList& list) {
  std::string clean_name = CleanText(name, SoftwareLimits::kNameBytesMax);
  std::string clean_version = CleanText(version, SoftwareLimits::kVersionBytesMax);
  if (clean_name.empty() || clean_version.empty()) return true;
  if (list.size() >= SoftwareLimits::kPackagesMax && !list.contains(clean_name)) return false;
  list.insert_or_assign(std::move(clean_name), std::move(clean_version));
  return true;
}

std::string_view LinesOf(std::string_view text, std::string_view manager) {
  const std::string prefix = Concat(manager, "\t");
  size_t begin = std::string_view::npos;
  size_t at = 0;
  while (at < text.size()) {
    const bool of_manager = text.substr(at, prefix.size()) == prefix;
    if (of_manager && begin == std::string_view::npos) begin = at;
    if (!of_manager && begin != std::string_view::npos) break;
    at = std::min(text.find('\n', at), text.size() - 1) + 1;
  }
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin, at - begin);
}

std::string TextOf(std::string_view manager, const SoftwareList& list) {
  std::string text;
  for (const auto& [name, version] : list) AppendLine(manager, name, version, text);
  return text;
}

SoftwareStep TellSoftware(std::string_view manager, std::string_view before,
                          const SoftwareList& now, Baseline baseline, size_t& room,
                          std::vector<v1::SoftwareChange>& events) {
  Step step(manager, baseline, room, events);
  Lines old(before, manager);
  auto at = now.begin();
  while (!old.end() || at != now.end()) {
    const int order = old.end() ? 1 : at == now.end() ? -1 : old.name().compare(at->first);
    if (order < 0) {
      step.Went(old.name(), old.version());
    } else if (order > 0) {
      step.Came(at->first, at->second);
    } else if (old.version() == at->second) {
      step.Same(at->first, at->second);
    } else {
      step.Changed(at->first, old.version(), at->second);
    }
    if (order <= 0) old.Next();
    if (order >= 0) ++at;
  }
  return step.Take();
}

}  // namespace candor
