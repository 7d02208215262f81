#include "common/log.h"

#include <google/protobuf/stubs/logging.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

namespace candor {
namespace {

spdlog::level::level_enum Level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// Priorities of sd-daemon(3), read by the journal at the start of a line.
const char* JournalPrefix(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "<7>";
    case LogLevel::kInfo:
      return "<6>";
    case LogLevel::kWarning:
      return "<4>";
    case LogLevel::kError:
      return "<3>";
  }
  return "<6>";
}

struct Target {
  std::shared_ptr<spdlog::logger> logger;
  bool journal = false;

  Target() : journal(std::getenv("JOURNAL_STREAM") != nullptr && isatty(STDERR_FILENO) == 0) {
    logger = std::make_shared<spdlog::logger>("candor",
                                              std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_pattern(journal ? "%v" : "%Y-%m-%dT%H:%M:%S.%eZ %l %v",
                        spdlog::pattern_time_type::utc);
    logger->set_level(spdlog::level::info);
    logger->flush_on(spdlog::level::debug);
  }
};

Target& Out() {
  static Target target;
  return target;
}

// Quotes a value that a reader could take for several.
std::string Quoted(const std::string& value) {
  if (!value.empty() && value.find_first_of(" \"=\n\r\t\\") == std::string::npos) return value;
  std::string out = "\"";
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

LogField::LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
LogField::LogField(std::string_view k, int64_t v) : key(k), value(std::to_string(v)) {}
LogField::LogField(std::string_view k, uint64_t v) : key(k), value(std::to_string(v)) {}
LogField::LogField(std::string_view k, double v) : key(k), value(fmt::format("{}", v)) {}

void SetLogLevel(LogLevel level) { Out().logger->set_level(Level(level)); }

void InitLog(LogLevel level) {
  SetLogLevel(level);
  // Protobuf writes a line for each damaged message; whoever parses tells it better, and once.
  google::protobuf::SetLogHandler(nullptr);
}

LogLevel ParseLogLevel(std::string_view name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "warning") return LogLevel::kWarning;
  if (name == "error") return LogLevel::kError;
  return LogLevel::kInfo;
}

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  Target& out = Out();
  if (!out.logger->should_log(Level(level))) return;
  std::string line;
  if (out.journal) line += JournalPrefix(level);
  line += message;
  for (const LogField& field : fields) {
    line.append(" ").append(field.key).append("=").append(Quoted(field.value));
  }
  out.logger->log(Level(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace candor
