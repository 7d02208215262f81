#include "agent/samplers/crash/apport_log.h"

#include <csignal>
#include <ctime>
#include <utility>

#include "agent/samplers/support/text.h"

namespace candor {
namespace {

constexpr size_t kLevelBytesMax = 16;
constexpr size_t kPathBytesMax = 4096;

struct Line {
  std::string_view handler;
  std::string_view when;
  std::string_view text;
};

// "LEVEL: apport (pid N) WHEN: TEXT"
std::optional<Line> Parse(std::string_view line) {
  const size_t name = line.find(": apport (pid ");
  if (name > kLevelBytesMax) return std::nullopt;  // or is not there at all
  line.remove_prefix(line.find('(', name));
  const size_t close = line.find(") ");
  if (close == std::string_view::npos) return std::nullopt;
  Line parsed;
  parsed.handler = line.substr(0, close + 1);
  line.remove_prefix(close + 2);
  // WHEN holds colons, but none that a blank follows.
  const size_t colon = line.find(": ");
  if (colon == std::string_view::npos) return std::nullopt;
  parsed.when = line.substr(0, colon);
  parsed.text = line.substr(colon + 2);
  return parsed;
}

std::optional<int64_t> ParseWhen(std::string_view when) {
  const std::string text(when);
  std::tm parts{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%d %H:%M:%S", &parts);
  if (rest == nullptr) {
    parts = {};
    rest = ::strptime(text.c_str(), "%a %b %d %H:%M:%S %Y", &parts);
  }
  if (rest == nullptr) return std::nullopt;
  int64_t ms = 0;
  if (*rest == ',') ms = ParseNumber<int64_t>(std::string_view(rest + 1)).value_or(0);
  return int64_t{::timegm(&parts)} * 1000 + ms;
}

// "called for pid 4711, signal 11, core limit …", the pid also as "global pid".
std::optional<ApportReport> ParseCall(std::string_view text) {
  if (!text.starts_with("called for ")) return std::nullopt;
  const auto pid = Between(text, "pid ", ",");
  const auto signal = Between(text, ", signal ", ",");
  if (!pid || !signal) return std::nullopt;
  ApportReport report;
  report.pid = ParseNumber<uint32_t>(*pid).value_or(0);
  report.signal = ParseNumber<uint32_t>(*signal).value_or(0);
  if (report.pid == 0 || report.signal == 0) return std::nullopt;
  return report;
}

std::string ParseProgram(std::string_view text) {
  std::optional<std::string_view> path;
  if (text.starts_with("executable: ")) path = Between(text, "executable: ", " (command line ");
  if (text.starts_with("script: ")) path = Between(text, "script: ", ", interpreted by ");
  if (!path || path->size() > kPathBytesMax) return {};
  return std::string(*path);
}

}  // namespace

std::optional<ApportReport> ApportLines::Take(std::string_view text) {
  const auto line = Parse(text);
  if (!line) return std::nullopt;
  if (const auto call = ParseCall(line->text)) {
    begun_.reset();
    const auto when = ParseWhen(line->when);
    // Somebody asked for this dump, from a keyboard: the program did not fail.
    if (!when || call->signal == SIGQUIT) return std::nullopt;
    begun_ = Begun{std::string(line->handler), *call};
    begun_->report.local_ms = *when;
    return std::nullopt;
  }
  if (!begun_ || begun_->handler != line->handler) return std::nullopt;
  std::string program = ParseProgram(line->text);
  if (program.empty()) return std::nullopt;
  ApportReport report = std::move(begun_->report);
  begun_.reset();
  report.executable = std::move(program);
  return report;
}

}  // namespace candor
