#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "agent/samplers/responsiveness/pressure.h"
#include "common/status.h"

namespace candor {
namespace {

class ProcPressure final : public PressureFiles {
 public:
  ~ProcPressure() override {
    for (const int fd : fds_) {
      if (fd >= 0) close(fd);
    }
  }

  absl::Status Open(const std::string& proc) {
    for (size_t kind = 0; kind < fds_.size(); ++kind) {
      const std::string path = proc + "/pressure/" + std::string(kPressureKinds[kind]);
      fds_[kind] = open(path.c_str(), O_RDONLY | O_CLOEXEC);
      if (fds_[kind] >= 0) continue;
      if (errno == ENOENT) {
        return absl::NotFoundError("the kernel keeps no pressure figures (PSI is off): no " + path);
      }
      return ErrnoStatus(errno, path);
    }
    // With PSI compiled in but switched off, the files are there and reading them fails.
    return ReadTotalsUs().status();
  }

  absl::StatusOr<std::array<int64_t, 3>> ReadTotalsUs() override {
    std::array<int64_t, 3> totals{};
    for (size_t kind = 0; kind < fds_.size(); ++kind) {
      char text[256];
      const ssize_t got = pread(fds_[kind], text, sizeof text, 0);
      const std::string name = "pressure/" + std::string(kPressureKinds[kind]);
      if (got < 0 && errno == EOPNOTSUPP) {
        return absl::UnavailableError("the kernel keeps no pressure figures (PSI is off)");
      }
      if (got < 0) return ErrnoStatus(errno, name);
      const auto total = ParseSomeTotalUs({text, static_cast<size_t>(got)});
      if (!total) return absl::UnavailableError(name + " is not in a known form");
      totals[kind] = *total;
    }
    return totals;
  }

 private:
  std::array<int, 3> fds_ = {-1, -1, -1};
};

}  // namespace

absl::StatusOr<std::unique_ptr<PressureFiles>> OpenPressureFiles(const std::string& proc) {
  auto files = std::make_unique<ProcPressure>();
  CANDOR_RETURN_IF_ERROR(files->Open(proc));
  return files;
}

}  // namespace candor
