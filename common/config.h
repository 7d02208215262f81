// Reading of TOML configuration with errors that name file, line and key. Each program has one
// struct of settings with defaults and one function that fills it through a ConfigReader.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace candor {

// One table of a TOML document. Getters leave `out` as it is when the key is absent, and remember
// the first error; Finish gives that error, or names the first key that nobody asked for.
// Not copyable, one thread.
class ConfigReader {
 public:
  // NotFound when the file does not exist; InvalidArgument "FILE:LINE: …" for bad TOML.
  static absl::StatusOr<ConfigReader> FromFile(const std::string& path);
  static absl::StatusOr<ConfigReader> FromText(std::string_view text, const std::string& name);

  ConfigReader(ConfigReader&&) noexcept;
  ConfigReader& operator=(ConfigReader&&) noexcept;
  ~ConfigReader();

  // Dotted keys reach into tables: "push.active_s".
  void Get(std::string_view key, std::string& out);
  void Get(std::string_view key, bool& out);
  void Get(std::string_view key, int64_t& out, int64_t min, int64_t max);
  void Get(std::string_view key, double& out, double min, double max);
  void Get(std::string_view key, std::vector<std::string>& out);
  bool Has(std::string_view key) const;
  // The tables of [[key]], or of [key.NAME] with their names; in the order of the file.
  std::vector<ConfigReader> Tables(std::string_view key);
  std::vector<std::pair<std::string, ConfigReader>> NamedTables(std::string_view key);
  // Keys of this table, in order.
  std::vector<std::string> Keys() const;
  // Values of an array of arrays of numbers ("knots = [[15, 100], [30, 85]]").
  void Get(std::string_view key, std::vector<std::vector<double>>& out);

  // InvalidArgument "FILE:LINE: key: message" for use by callers with rules of their own.
  absl::Status Error(std::string_view key, std::string_view message) const;

  // The first error met by any getter, or about the first unknown key, tables included.
  absl::Status Finish();

 private:
  struct Document;
  struct Table;
  ConfigReader(std::shared_ptr<Document> document, std::unique_ptr<Table> table);
  std::shared_ptr<Document> document_;
  std::unique_ptr<Table> table_;
};

}  // namespace candor
