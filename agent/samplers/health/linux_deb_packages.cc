#include "agent/samplers/health/linux_deb_packages.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

#include "agent/samplers/support/text.h"
#include "common/descriptor.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr size_t kPieceBytes = 64 << 10;
constexpr int64_t kFileBytesMax = 128 << 20;

}  // namespace

std::string DpkgStatusFile(const LinuxRoots& roots) {
  return Concat(roots.var, "/lib/dpkg/status");
}

boost::asio::awaitable<absl::Status> ForEachDebPackage(boost::asio::io_context& io,
                                                       std::string path,
                                                       std::function<void(const DebPackage&)> fn) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) co_return ErrnoStatus(errno, path);
  DebParagraphs paragraphs;
  std::string piece(kPieceBytes, '\0');
  bool whole = true;
  for (int64_t at = 0; at < kFileBytesMax;) {
    const ssize_t got = pread(file.get(), piece.data(), piece.size(), at);
    if (got < 0) co_return ErrnoStatus(errno, path);
    if (got == 0) {
      if (!whole) co_return absl::DataLossError(Concat(path, " ends in the middle of a line"));
      paragraphs.End(fn);
      co_return absl::OkStatus();
    }
    whole = piece[static_cast<size_t>(got) - 1] == '\n';
    paragraphs.Feed(std::string_view(piece).substr(0, static_cast<size_t>(got)), fn);
    at += got;
    co_await boost::asio::post(io, boost::asio::use_awaitable);
  }
  co_return absl::ResourceExhaustedError(Concat(path, " is too large"));
}

}  // namespace candor
