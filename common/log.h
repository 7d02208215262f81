// Structured logs to standard error: one line, a message and key=value pairs; with the service
// manager's level prefix when standard error is the journal. Never a secret, never a person.
// Any thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace candor {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

struct LogField {
  LogField(std::string_view k, std::string_view v);
  LogField(std::string_view k, const char* v) : LogField(k, std::string_view(v)) {}
  LogField(std::string_view k, const std::string& v) : LogField(k, std::string_view(v)) {}
  LogField(std::string_view k, int64_t v);
  LogField(std::string_view k, uint64_t v);
  LogField(std::string_view k, int v) : LogField(k, int64_t{v}) {}
  LogField(std::string_view k, unsigned v) : LogField(k, uint64_t{v}) {}
  LogField(std::string_view k, double v);

  std::string_view key;
  std::string value;
};

// Called once by main, before any thread; before it, messages go out at kInfo. Silences protobuf's
// own lines.
void InitLog(LogLevel level);
// Changes what goes out from now on.
void SetLogLevel(LogLevel level);
// "debug", "info", "warning", "error"; kInfo for anything else.
LogLevel ParseLogLevel(std::string_view name);

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

inline void LogDebug(std::string_view m, std::initializer_list<LogField> f = {}) {
  Log(LogLevel::kDebug, m, f);
}
inline void LogInfo(std::string_view m, std::initializer_list<LogField> f = {}) {
  Log(LogLevel::kInfo, m, f);
}
inline void LogWarning(std::string_view m, std::initializer_list<LogField> f = {}) {
  Log(LogLevel::kWarning, m, f);
}
inline void LogError(std::string_view m, std::initializer_list<LogField> f = {}) {
  Log(LogLevel::kError, m, f);
}

}  // namespace candor
