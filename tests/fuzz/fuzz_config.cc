// Any text as configuration: read with every kind of getter.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto reader = candor::ConfigReader::FromText(text, "fuzz.toml");
  if (!reader.ok()) return 0;
  std::string name;
  bool on = false;
  int64_t whole = 0;
  double number = 0;
  std::vector<std::string> list;
  std::vector<std::vector<double>> knots;
  reader->Get("a", name);
  reader->Get("b.c", on);
  reader->Get("d", whole, -5, 5);
  reader->Get("e", number, 0, 1);
  reader->Get("f", list);
  reader->Get("g", knots);
  for (auto& table : reader->Tables("t")) table.Get("a", name);
  for (auto& [key, table] : reader->NamedTables("n")) table.Get(key, name);
  static_cast<void>(reader->Finish());
  return 0;
}
