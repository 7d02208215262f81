#include "common/hash.h"

#include <nettle/hkdf.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <nettle/sha2.h>

namespace candor {
namespace {

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string Sha256(std::string_view bytes) {
  sha256_ctx context;
  sha256_init(&context);
  sha256_update(&context, bytes.size(), Bytes(bytes));
  std::string digest(kSha256Bytes, '\0');
  sha256_digest(&context, digest.size(), reinterpret_cast<uint8_t*>(digest.data()));
  return digest;
}

std::string HmacSha256(std::string_view key, std::string_view bytes) {
  hmac_sha256_ctx context;
  hmac_sha256_set_key(&context, key.size(), Bytes(key));
  hmac_sha256_update(&context, bytes.size(), Bytes(bytes));
  std::string digest(kSha256Bytes, '\0');
  hmac_sha256_digest(&context, digest.size(), reinterpret_cast<uint8_t*>(digest.data()));
  return digest;
}

std::string HkdfSha256(std::string_view key, std::string_view salt, std::string_view info,
                       size_t size) {
  const std::string extracted = HmacSha256(salt, key);
  hmac_sha256_ctx context;
  hmac_sha256_set_key(&context, extracted.size(), Bytes(extracted));
  std::string out(size, '\0');
  hkdf_expand(&context, reinterpret_cast<nettle_hash_update_func*>(hmac_sha256_update),
              reinterpret_cast<nettle_hash_digest_func*>(hmac_sha256_digest), kSha256Bytes,
              info.size(), Bytes(info), out.size(), reinterpret_cast<uint8_t*>(out.data()));
  return out;
}

std::string ToHex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 15]);
  }
  return hex;
}

absl::StatusOr<std::string> FromHex(std::string_view hex) {
  std::string bytes;
  int high = -1;
  for (size_t i = 0; i < hex.size(); ++i) {
    if (hex[i] == ':' && high < 0) continue;
    const int digit = HexDigit(hex[i]);
    if (digit < 0) {
      return absl::InvalidArgumentError("not hexadecimal at character " + std::to_string(i + 1));
    }
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<char>(high * 16 + digit));
      high = -1;
    }
  }
  if (high >= 0) return absl::InvalidArgumentError("odd number of hexadecimal digits");
  return bytes;
}

bool EqualSecret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && nettle_memeql_sec(a.data(), b.data(), a.size()) != 0;
}

std::string UuidText(std::string_view random16) {
  std::string bytes(random16.substr(0, 16));
  bytes.resize(16, '\0');
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  std::string text = ToHex(bytes);
  for (const size_t at : {8U, 13U, 18U, 23U}) text.insert(at, 1, '-');
  return text;
}

}  // namespace candor
