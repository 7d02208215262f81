// What a laptop may say about itself at enrolment: its host name and labels. The laptop checks it
// to explain, the collector to be safe. Pure functions; InvalidArgument names what is wrong.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace candor {

constexpr size_t kLabelsMax = 16;
constexpr size_t kLabelKeyMax = 32;
constexpr size_t kLabelValueMax = 128;  // bytes of UTF-8
constexpr size_t kHostBytesMax = 253;

// [A-Za-z0-9._-], 1 to 253 characters.
absl::Status CheckDeviceHost(std::string_view host);
// Key [a-z0-9_], 1 to 32 characters; value 1 to 128 bytes of UTF-8 without control characters.
absl::Status CheckLabel(std::string_view key, std::string_view value);
// "key=value", checked.
absl::StatusOr<std::pair<std::string, std::string>> ParseLabel(std::string_view text);
// Each of them, at most 16, no key twice.
absl::Status CheckLabels(const std::vector<std::pair<std::string, std::string>>& labels);

// Why somebody did or looked at something, for the audit log: at most this many bytes of UTF-8
// without control characters; may be empty.
constexpr size_t kReasonBytesMax = 1024;
absl::Status CheckReason(std::string_view reason);

// As much of the beginning of UTF-8 text as fits into so many bytes, cut between characters.
std::string_view BeginningOf(std::string_view text, size_t bytes_max);

// Well-formed UTF-8: no overlong forms, no surrogates.
bool IsUtf8(std::string_view text);
// The same without control characters.
bool IsCleanUtf8(std::string_view text);

}  // namespace candor
