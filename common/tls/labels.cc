#include "common/tls/labels.h"

#include <algorithm>
#include <set>

#include "common/status.h"

namespace candor {
namespace {

bool IsKeyCharacter(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }

bool IsHostCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

// Length of the character that begins with `lead`, 0 for none; `min` is the least code point that
// may be written in that many bytes.
size_t Utf8Length(unsigned char lead, uint32_t& point, uint32_t& min) {
  if (lead < 0x80) return point = lead, min = 0, 1;
  if ((lead & 0xe0) == 0xc0) return point = lead & 0x1fU, min = 0x80, 2;
  if ((lead & 0xf0) == 0xe0) return point = lead & 0x0fU, min = 0x800, 3;
  if ((lead & 0xf8) == 0xf0) return point = lead & 0x07U, min = 0x10000, 4;
  return 0;
}

// UTF-8 of which every character satisfies `accept`.
template <typename Accept>
bool IsUtf8Of(std::string_view text, Accept accept) {
  for (size_t at = 0; at < text.size();) {
    uint32_t point = 0;
    uint32_t min = 0;
    const size_t length = Utf8Length(static_cast<unsigned char>(text[at]), point, min);
    if (length == 0 || at + length > text.size()) return false;
    for (size_t i = 1; i < length; ++i) {
      const auto byte = static_cast<unsigned char>(text[at + i]);
      if ((byte & 0xc0) != 0x80) return false;
      point = (point << 6) | (byte & 0x3fU);
    }
    const bool surrogate = point >= 0xd800 && point <= 0xdfff;
    if (point < min || point > 0x10ffff || surrogate || !accept(point)) return false;
    at += length;
  }
  return true;
}

}  // namespace

absl::Status CheckReason(std::string_view reason) {
  if (reason.size() <= kReasonBytesMax && IsCleanUtf8(reason)) return absl::OkStatus();
  return absl::InvalidArgumentError("--reason must be at most " + std::to_string(kReasonBytesMax) +
                                    " bytes of UTF-8 without control characters");
}

std::string_view BeginningOf(std::string_view text, size_t bytes_max) {
  size_t size = std::min(text.size(), bytes_max);
  while (size < text.size() && size > 0 && (text[size] & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

bool IsUtf8(std::string_view text) {
  return IsUtf8Of(text, [](uint32_t) { return true; });
}

bool IsCleanUtf8(std::string_view text) {
  return IsUtf8Of(text, [](uint32_t point) {
    const bool control = point < 0x20 || (point >= 0x7f && point < 0xa0);
    return !control;
  });
}

absl::Status CheckDeviceHost(std::string_view host) {
  if (!host.empty() && host.size() <= kHostBytesMax &&
      std::all_of(host.begin(), host.end(), IsHostCharacter)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "the host name must be 1 to 253 letters, digits, '.', '-' or '_'");
}

absl::Status CheckLabel(std::string_view key, std::string_view value) {
  if (key.empty() || key.size() > kLabelKeyMax ||
      !std::all_of(key.begin(), key.end(), IsKeyCharacter)) {
    return absl::InvalidArgumentError(
        "a label's key must be 1 to 32 lower-case letters, digits or '_': \"" +
        std::string(key.substr(0, 64)) + "\"");
  }
  if (value.empty() || value.size() > kLabelValueMax || !IsCleanUtf8(value)) {
    return absl::InvalidArgumentError(
        "the value of label " + std::string(key) +
        " must be 1 to 128 bytes of UTF-8 without control characters");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::pair<std::string, std::string>> ParseLabel(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return absl::InvalidArgumentError("a label is key=value: \"" + std::string(text.substr(0, 64)) +
                                      "\"");
  }
  CANDOR_RETURN_IF_ERROR(CheckLabel(text.substr(0, equals), text.substr(equals + 1)));
  return std::pair(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

absl::Status CheckLabels(const std::vector<std::pair<std::string, std::string>>& labels) {
  if (labels.size() > kLabelsMax) return absl::InvalidArgumentError("more than 16 labels");
  std::set<std::string_view> keys;
  for (const auto& [key, value] : labels) {
    CANDOR_RETURN_IF_ERROR(CheckLabel(key, value));
    if (!keys.insert(key).second) {
      return absl::InvalidArgumentError("label " + key + " is given twice");
    }
  }
  return absl::OkStatus();
}

}  // namespace candor
