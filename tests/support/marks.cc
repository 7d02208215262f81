#include "tests/support/marks.h"

#include <openssl/evp.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>

#include "common/hash.h"

namespace candor::testing {
namespace {

constexpr size_t kWordBytes = sizeof(uint64_t);
constexpr size_t kWhatBytesMax = 6;
constexpr size_t kUnpackedBytesMax = size_t{256} << 20;
constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd";
constexpr std::array kDigests = {"MD5",    "SHA1",     "SHA224",     "SHA256",    "SHA384",
                                 "SHA512", "SHA3-256", "BLAKE2b512", "BLAKE2s256"};

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

uint64_t WordAt(const char* at) {
  uint64_t word = 0;
  std::memcpy(&word, at, kWordBytes);
  return word;
}

std::string LittleEndian(uint64_t number) {
  std::string bytes;
  for (size_t i = 0; i < kWordBytes; ++i) bytes += static_cast<char>(number >> (8 * i));
  return bytes;
}

std::string Varint(uint64_t number) {
  std::string bytes;
  for (; number >= 0x80; number >>= 7) bytes += static_cast<char>(number | 0x80);
  return bytes + static_cast<char>(number);
}

std::string Base64(std::string_view bytes) {
  std::string text(4 * (bytes.size() / 3 + 1) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  return text;
}

std::string Digest(const char* name, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const EVP_MD* kind = EVP_get_digestbyname(name);
  if (kind == nullptr ||
      EVP_Digest(text.data(), text.size(), digest.data(), &size, kind, nullptr) != 1) {
    throw std::runtime_error(std::string("no digest ") + name);
  }
  return {reinterpret_cast<const char*>(digest.data()), size};
}

uint64_t Fnv1a(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}

// As far as it can be read.
std::string Unzstd(std::string_view frame, size_t size_max) {
  const std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream(ZSTD_createDStream(),
                                                                          &ZSTD_freeDStream);
  ZSTD_inBuffer in = {frame.data(), frame.size(), 0};
  std::string content;
  std::array<char, 65'536> part{};
  while (content.size() < size_max) {
    ZSTD_outBuffer out = {part.data(), part.size(), 0};
    const size_t left = ZSTD_decompressStream(stream.get(), &out, &in);
    content.append(part.data(), out.pos);
    const bool no_more = in.pos == in.size && out.pos < out.size;
    if (ZSTD_isError(left) != 0 || left == 0 || no_more) break;
  }
  return content;
}

}  // namespace

std::string Marks::Make(const std::string& what) {
  if (what.size() > kWhatBytesMax) throw std::runtime_error("too long for a mark: " + what);
  std::random_device random;
  std::string mark = "z" + what;
  while (mark.size() < 13) mark += static_cast<char>('a' + random() % 26);
  Put(any_case_, mark, "the mark " + mark);
  Add(mark);
  return mark;
}

void Marks::Add(const std::string& text) {
  for (const std::string& form : {text, text + "\n", text + std::string(1, '\0')}) {
    for (const char* name : kDigests) {
      AddHash(Digest(name, form), std::string("the ") + name + " hash of " + text);
    }
    AddNumber(Fnv1a(form), "the FNV-1a hash of " + text);
    AddNumber(std::hash<std::string_view>{}(form), "the standard library's hash of " + text);
  }
}

void Marks::AddHash(const std::string& digest, const std::string& meaning) {
  Put(any_case_, ToHex(digest.substr(0, kWordBytes)), meaning);
  std::string base64 = Base64(digest).substr(0, 10);
  Put(exact_, base64, meaning);
  std::replace(base64.begin(), base64.end(), '+', '-');
  std::replace(base64.begin(), base64.end(), '/', '_');
  Put(exact_, base64, meaning);
  AddNumber(WordAt(digest.data()), meaning);
}

void Marks::AddNumber(uint64_t number, const std::string& meaning) {
  const std::string little = LittleEndian(number);
  const std::string big(little.rbegin(), little.rend());
  Put(any_case_, ToHex(little), meaning);
  Put(any_case_, ToHex(big), meaning);
  for (const std::string& bytes : {little, big}) {
    Put(exact_, bytes, meaning);
    const uint64_t value = WordAt(bytes.data());
    Put(exact_, Varint(value), meaning);
    Put(exact_, std::to_string(value), meaning);
    Put(exact_, std::to_string(static_cast<int64_t>(value)), meaning);
  }
}

void Marks::Put(Needles& needles, const std::string& bytes, const std::string& meaning) {
  // Shorter ones, a number that begins with zeros, are found by chance.
  if (bytes.size() < kWordBytes) return;
  needles.emplace(WordAt(bytes.data()), Needle{bytes, meaning});
}

std::vector<std::string> Marks::FoundIn(std::string_view bytes) const {
  const std::string all = Unpacked(bytes);
  std::vector<std::string> found;
  Search(exact_, all, found);
  Search(any_case_, Lower(all), found);
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

void Marks::Search(const Needles& needles, std::string_view bytes,
                   std::vector<std::string>& found) {
  for (size_t at = 0; at + kWordBytes <= bytes.size(); ++at) {
    const auto [begin, end] = needles.equal_range(WordAt(bytes.data() + at));
    for (auto needle = begin; needle != end; ++needle) {
      if (bytes.substr(at).starts_with(needle->second.bytes)) {
        found.push_back(needle->second.meaning);
      }
    }
  }
}

std::string Unpacked(std::string_view bytes) {
  std::string all(bytes);
  for (size_t at = 0; (at = all.find(kZstdMagic, at)) != std::string::npos; ++at) {
    if (all.size() > kUnpackedBytesMax) throw std::runtime_error("too much to unpack");
    const std::string_view frame = std::string_view(all).substr(at);
    all += Unzstd(frame, kUnpackedBytesMax);
  }
  return all;
}

}  // namespace candor::testing
