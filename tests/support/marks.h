// Marks on what is personal, and the search for them in bytes that must not hold them: a test marks
// a person's name, files, windows and more, lets the programs work, and looks through all they sent
// and wrote.
//
// Found is a mark in any case of letters, alone or inside of other text; and what betrays a text as
// surely as the text itself, a hash of it without a key (MD5, the SHA and BLAKE2 families, FNV-1a,
// the standard library's), be it as bytes, as text or as a number of 64 bits, whole or cut to
// those. Content compressed with zstd is searched as well, wherever in the bytes it begins.
// One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace candor::testing {

class Marks {
 public:
  // A new mark of at most 13 lower-case letters and digits, fit for names of every kind, that holds
  // `what` (at most 6 letters), which names it.
  std::string Make(const std::string& what);
  // A text whose hash is searched like those of the marks themselves: a whole path, a whole title.
  void Add(const std::string& text);

  // What was found in `bytes`, in words, each once.
  std::vector<std::string> FoundIn(std::string_view bytes) const;

 private:
  struct Needle {
    std::string bytes;
    std::string meaning;
  };
  // By their first eight bytes.
  using Needles = std::unordered_multimap<uint64_t, Needle>;

  static void Put(Needles& needles, const std::string& bytes, const std::string& meaning);
  static void Search(const Needles& needles, std::string_view bytes,
                     std::vector<std::string>& found);
  void AddHash(const std::string& digest, const std::string& meaning);
  void AddNumber(uint64_t number, const std::string& meaning);

  Needles exact_;
  Needles any_case_;  // in lower case
};

// `bytes`, and behind them the content of every zstd frame that begins in them, and so on inside.
std::string Unpacked(std::string_view bytes);

}  // namespace candor::testing
