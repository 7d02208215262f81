#include "common/config.h"

// toml++ 3.3 turns its assertions into assumptions where NDEBUG is set.
#undef NDEBUG
namespace candor {
// What an assertion of toml++ becomes here: some of them fail on damaged text instead of reporting
// it.
struct TomlAssertion {};
[[noreturn]] inline void FailTomlAssertion() { throw TomlAssertion(); }
}  // namespace candor
#define TOML_ASSERT(condition) ((condition) ? void() : ::candor::FailTomlAssertion())
#include <toml++/toml.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <utility>

#include "common/files.h"
#include "common/status.h"

namespace candor {

struct ConfigReader::Document {
  std::string name;
  toml::table root;
  std::set<const toml::node*> asked;
  absl::Status first_error;

  absl::Status ErrorAt(const toml::node* node, std::string_view key,
                       std::string_view message) const {
    std::string text = name;
    if (node != nullptr && node->source().begin.line > 0) {
      text += ":" + std::to_string(node->source().begin.line);
    }
    text.append(": ").append(key).append(": ").append(message);
    return absl::InvalidArgumentError(text);
  }
  void Fail(const toml::node* node, std::string_view key, std::string_view message) {
    if (first_error.ok()) first_error = ErrorAt(node, key, message);
  }
};

struct ConfigReader::Table {
  const toml::table* table;
  std::string prefix;  // "push." within [push]

  // Reaches through dotted keys; null when any part is absent.
  const toml::node* Find(std::string_view key) const {
    const toml::table* at = table;
    while (true) {
      const size_t dot = key.find('.');
      const toml::node* node = at->get(key.substr(0, dot));
      if (node == nullptr || dot == std::string_view::npos) return node;
      at = node->as_table();
      if (at == nullptr) return nullptr;
      key.remove_prefix(dot + 1);
    }
  }
  std::string Full(std::string_view key) const { return prefix + std::string(key); }
};

namespace {

// Children in the order of the file; toml++ keeps them sorted by name.
std::vector<std::pair<std::string, const toml::node*>> InFileOrder(const toml::table& table) {
  std::vector<std::pair<std::string, const toml::node*>> children;
  for (const auto& [key, node] : table) children.emplace_back(std::string(key.str()), &node);
  const auto position = [](const toml::node* node) {
    const auto& begin = node->source().begin;
    return std::pair(begin.line, begin.column);
  };
  std::stable_sort(children.begin(), children.end(), [&](const auto& a, const auto& b) {
    return position(a.second) < position(b.second);
  });
  return children;
}

struct UnknownKey {
  const toml::node* node = nullptr;
  std::string key;
};

UnknownKey FindUnknown(const toml::table& table, const std::string& prefix,
                       const std::set<const toml::node*>& asked) {
  for (const auto& [key, node] : InFileOrder(table)) {
    const std::string full = prefix + key;
    if (const toml::table* inner = node->as_table()) {
      if (inner->empty() && !asked.contains(node)) return {node, full};
      if (UnknownKey found = FindUnknown(*inner, full + ".", asked); found.node != nullptr) {
        return found;
      }
      continue;
    }
    if (!asked.contains(node)) return {node, full};
    const toml::array* array = node->as_array();
    if (array == nullptr || !array->is_array_of_tables()) continue;
    for (const toml::node& element : *array) {
      UnknownKey found = FindUnknown(*element.as_table(), full + ".", asked);
      if (found.node != nullptr) return found;
    }
  }
  return {};
}

// The length of the quote that opens at `at`: 0, 1 or 3 characters.
size_t QuoteLength(std::string_view text, size_t at) {
  const char c = text[at];
  if (c != '"' && c != '\'') return 0;
  return text.substr(at, 3) == std::string(3, c) ? 3 : 1;
}

// TOML allows other than ASCII in quotes and comments only. The line of the first such character
// elsewhere; 0 when there is none. Right for text that is TOML otherwise.
size_t LineOfStrayCharacter(std::string_view text) {
  size_t line = 1;
  std::string open;  // the quote we are within
  bool comment = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      ++line;
      comment = false;
      if (open.size() == 1) open.clear();
    } else if (comment) {
      continue;
    } else if (!open.empty()) {
      if (c == '\\' && open.front() == '"') {
        ++i;
      } else if (text.substr(i, open.size()) == open) {
        i += open.size() - 1;
        open.clear();
      }
    } else if (c == '#') {
      comment = true;
    } else if (const size_t length = QuoteLength(text, i); length > 0) {
      open.assign(length, c);
      i += length - 1;
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      return line;
    }
  }
  return 0;
}

std::string AsciiCopy(std::string_view text) {
  std::string copy(text);
  for (char& c : copy) {
    if (static_cast<unsigned char>(c) >= 0x80) c = 'x';
  }
  return copy;
}

absl::StatusOr<toml::table> ParseToml(std::string_view text, const std::string& name) {
  try {
    return toml::parse(text, name);
  } catch (const toml::parse_error& error) {
    return absl::InvalidArgumentError(name + ":" + std::to_string(error.source().begin.line) +
                                      ": " + std::string(error.description()));
  } catch (const TomlAssertion&) {
    return absl::InvalidArgumentError(name + ": not TOML");
  }
}

std::string RangeText(double min, double max) {
  std::ostringstream out;
  out << "must be from " << min << " to " << max;
  return out.str();
}

}  // namespace

ConfigReader::ConfigReader(std::shared_ptr<Document> document, std::unique_ptr<Table> table)
    : document_(std::move(document)), table_(std::move(table)) {}
ConfigReader::ConfigReader(ConfigReader&&) noexcept = default;
ConfigReader& ConfigReader::operator=(ConfigReader&&) noexcept = default;
ConfigReader::~ConfigReader() = default;

absl::StatusOr<ConfigReader> ConfigReader::FromFile(const std::string& path) {
  CANDOR_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  return FromText(text, path);
}

absl::StatusOr<ConfigReader> ConfigReader::FromText(std::string_view text,
                                                    const std::string& name) {
  auto document = std::make_shared<Document>();
  document->name = name;
  // toml++ 3.3 does not survive other than ASCII outside quotes and comments, and where those are
  // only a text without mistakes can tell: so mistakes are looked for in a plain copy first.
  CANDOR_RETURN_IF_ERROR(ParseToml(AsciiCopy(text), name).status());
  if (const size_t line = LineOfStrayCharacter(text); line != 0) {
    return absl::InvalidArgumentError(name + ":" + std::to_string(line) +
                                      ": a character that is not ASCII needs quotes");
  }
  CANDOR_ASSIGN_OR_RETURN(document->root, ParseToml(text, name));
  auto table = std::make_unique<Table>(Table{&document->root, ""});
  return ConfigReader(std::move(document), std::move(table));
}

bool ConfigReader::Has(std::string_view key) const { return table_->Find(key) != nullptr; }

std::vector<std::string> ConfigReader::Keys() const {
  std::vector<std::string> keys;
  for (const auto& [key, node] : InFileOrder(*table_->table)) keys.push_back(key);
  return keys;
}

void ConfigReader::Get(std::string_view key, std::string& out) {
  const toml::node* node = table_->Find(key);
  if (node == nullptr) return;
  document_->asked.insert(node);
  if (const auto* value = node->as_string()) {
    out = value->get();
  } else {
    document_->Fail(node, table_->Full(key), "must be a text in quotes");
  }
}

void ConfigReader::Get(std::string_view key, bool& out) {
  const toml::node* node = table_->Find(key);
  if (node == nullptr) return;
  document_->asked.insert(node);
  if (const auto* value = node->as_boolean()) {
    out = value->get();
  } else {
    document_->Fail(node, table_->Full(key), "must be true or false");
  }
}

void ConfigReader::Get(std::string_view key, int64_t& out, int64_t min, int64_t max) {
  const toml::node* node = table_->Find(key);
  if (node == nullptr) return;
  document_->asked.insert(node);
  const auto* value = node->as_integer();
  if (value == nullptr) {
    document_->Fail(node, table_->Full(key), "must be a whole number");
  } else if (value->get() < min || value->get() > max) {
    document_->Fail(node, table_->Full(key),
                    "must be from " + std::to_string(min) + " to " + std::to_string(max));
  } else {
    out = value->get();
  }
}

void ConfigReader::Get(std::string_view key, double& out, double min, double max) {
  const toml::node* node = table_->Find(key);
  if (node == nullptr) return;
  document_->asked.insert(node);
  const std::optional<double> value = node->is_number() ? node->value<double>() : std::nullopt;
  if (!value) {
    document_->Fail(node, table_->Full(key), "must be a number");
  } else if (!(*value >= min && *value <= max)) {
    document_->Fail(node, table_->Full(key), RangeText(min, max));
  } else {
    out = *value;
  }
}

void ConfigReader::Get(std::string_view key, std::vector<std::string>& out) {
  const toml::node* node = table_->Find(key);
  if (node == nullptr) return;
  document_->asked.insert(node);
  const toml::array* array = node->as_array();
  std::vector<std::string> texts;
  if (array != nullptr) {
    for (const toml::node& element : *array) {
      if (const auto* value = element.as_string()) texts.push_back(value->get());
    }
  }
  if (array == nullptr || texts.size() != array->size()) {
    document_->Fail(node, table_->Full(key), "must be a list of texts in quotes");
    return;
  }
  out = std::move(texts);
}

void ConfigReader::Get(std::string_view key, std::vector<std::vector<double>>& out) {
  const toml::node* node = table_->Find(key);
  if (node == nullptr) return;
  document_->asked.insert(node);
  const toml::array* rows = node->as_array();
  std::vector<std::vector<double>> result;
  bool good = rows != nullptr;
  for (size_t i = 0; good && i < rows->size(); ++i) {
    const toml::array* row = rows->get(i)->as_array();
    good = row != nullptr;
    if (!good) break;
    std::vector<double>& numbers = result.emplace_back();
    for (const toml::node& element : *row) {
      good = good && element.is_number();
      numbers.push_back(element.value<double>().value_or(0));
    }
  }
  if (!good) {
    document_->Fail(node, table_->Full(key), "must be a list of lists of numbers");
    return;
  }
  out = std::move(result);
}

std::vector<ConfigReader> ConfigReader::Tables(std::string_view key) {
  std::vector<ConfigReader> readers;
  const toml::node* node = table_->Find(key);
  if (node == nullptr) return readers;
  document_->asked.insert(node);
  const toml::array* array = node->as_array();
  if (array == nullptr || (!array->empty() && !array->is_array_of_tables())) {
    document_->Fail(node, table_->Full(key), "must be tables: [[" + std::string(key) + "]]");
    return readers;
  }
  for (const toml::node& element : *array) {
    readers.push_back(ConfigReader(
        document_, std::make_unique<Table>(Table{element.as_table(), table_->Full(key) + "."})));
  }
  return readers;
}

std::vector<std::pair<std::string, ConfigReader>> ConfigReader::NamedTables(std::string_view key) {
  std::vector<std::pair<std::string, ConfigReader>> readers;
  const toml::node* node = table_->Find(key);
  if (node == nullptr) return readers;
  document_->asked.insert(node);
  const toml::table* table = node->as_table();
  if (table == nullptr) {
    document_->Fail(node, table_->Full(key), "must be a table");
    return readers;
  }
  for (const auto& [name, child] : InFileOrder(*table)) {
    const std::string full = table_->Full(key) + "." + name;
    document_->asked.insert(child);
    if (!child->is_table()) {
      document_->Fail(child, full, "must be a table");
      continue;
    }
    readers.emplace_back(
        name,
        ConfigReader(document_, std::make_unique<Table>(Table{child->as_table(), full + "."})));
  }
  return readers;
}

absl::Status ConfigReader::Error(std::string_view key, std::string_view message) const {
  const toml::node* node = table_->Find(key);
  return document_->ErrorAt(node != nullptr ? node : table_->table, table_->Full(key), message);
}

absl::Status ConfigReader::Finish() {
  CANDOR_RETURN_IF_ERROR(document_->first_error);
  const UnknownKey unknown = FindUnknown(*table_->table, table_->prefix, document_->asked);
  if (unknown.node != nullptr) {
    return document_->ErrorAt(unknown.node, unknown.key, "unknown key");
  }
  return absl::OkStatus();
}

}  // namespace candor
