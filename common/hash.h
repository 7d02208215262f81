// Hashes and keyed hashes over nettle: SHA-256, HMAC-SHA-256, HKDF-SHA-256, and hexadecimal text.
// Pure functions, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace candor {

constexpr size_t kSha256Bytes = 32;

// 32 raw bytes.
std::string Sha256(std::string_view bytes);
std::string HmacSha256(std::string_view key, std::string_view bytes);
// RFC 5869 with SHA-256; size <= 255 * 32.
std::string HkdfSha256(std::string_view key, std::string_view salt, std::string_view info,
                       size_t size);

std::string ToHex(std::string_view bytes);
// Accepts upper and lower case; colons between bytes are skipped (as in fingerprints).
absl::StatusOr<std::string> FromHex(std::string_view hex);

// Compares without telling by its time where two secrets differ.
bool EqualSecret(std::string_view a, std::string_view b);

// A random version 4 UUID's text from 16 random bytes.
std::string UuidText(std::string_view random16);

}  // namespace candor
