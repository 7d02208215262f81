#include "agent/samplers/software/told_list.h"

#include <filesystem>
#include <system_error>

#include "agent/samplers/software/software_list.h"
#include "agent/samplers/support/text.h"
#include "common/files.h"
#include "common/hash.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr size_t kHashDigits = 16;
constexpr int kFolderMode = 0700;
constexpr int kFileMode = 0600;

bool IsHash(std::string_view text) {
  return text.size() == kHashDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

ToldMark ToldMark::Parse(std::string_view text) {
  ToldMark mark;
  for (std::string_view word : Split(text, ' ')) {
    const size_t colon = word.find(':');
    if (colon == std::string_view::npos) {
      if (IsHash(word)) mark.hash = std::string(word);
      continue;
    }
    Manager manager;
    manager.unfinished = word.ends_with('+');
    if (manager.unfinished) word.remove_suffix(1);
    const auto day = ParseNumber<int64_t>(word.substr(colon + 1));
    if (!day) continue;
    manager.day = *day;
    mark.managers.emplace(word.substr(0, colon), manager);
  }
  return mark;
}

std::string ToldMark::Text() const {
  std::string text = hash;
  for (const auto& [name, manager] : managers) {
    text.append(Concat(" ", name, ":", std::to_string(manager.day), manager.unfinished ? "+" : ""));
  }
  return text;
}

std::string ToldList::HashOf(std::string_view text) {
  return ToHex(Sha256(text)).substr(0, kHashDigits);
}

std::string ToldList::PathOf(const std::string& hash) const { return Concat(folder_, "/", hash); }

absl::StatusOr<std::string> ToldList::Read(const std::string& hash) const {
  if (folder_.empty() || hash.empty()) return absl::NotFoundError("nothing was told yet");
  CANDOR_ASSIGN_OR_RETURN(std::string text, ReadFile(PathOf(hash), SoftwareLimits::kTextBytesMax));
  if (HashOf(text) != hash) return absl::DataLossError(Concat(PathOf(hash), " is damaged"));
  return text;
}

absl::Status ToldList::Write(std::string_view text, const std::string& told_hash) const {
  if (folder_.empty()) return absl::OkStatus();
  CANDOR_RETURN_IF_ERROR(MakeFolder(folder_, kFolderMode));
  const std::string hash = HashOf(text);
  CANDOR_RETURN_IF_ERROR(WriteFileAtomically(PathOf(hash), text, kFileMode));
  std::error_code error;
  std::filesystem::directory_iterator at(folder_, error);
  for (; !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    const std::string name = at->path().filename().string();
    std::error_code ignored;
    if (name != hash && name != told_hash) std::filesystem::remove(at->path(), ignored);
  }
  return absl::OkStatus();
}

}  // namespace candor
