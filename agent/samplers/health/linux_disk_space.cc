// How much room the system's disk has, asked so that nobody waits.
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

#include "agent/samplers/health/linux_system_disk.h"
#include "agent/samplers/support/text.h"
#include "common/status.h"

namespace candor {

absl::StatusOr<DiskSpace> ReadDiskSpace(const std::string& path) {
  constexpr int64_t kMib = 1 << 20;
  struct statvfs space {};
  if (statvfs(path.c_str(), &space) != 0) return ErrnoStatus(errno, path);
  const auto block = static_cast<int64_t>(space.f_frsize);
  DiskSpace disk;
  disk.free_mib = static_cast<int64_t>(space.f_bavail) * block / kMib;
  disk.total_mib = static_cast<int64_t>(space.f_blocks) * block / kMib;
  if (disk.total_mib == 0) return absl::NotFoundError(Concat(path, ": tells no size"));
  return disk;
}

// Outlives whoever asked when the answer does not come.
struct PatientDiskSpace::Question {
  explicit Question(std::string asked)
      : path(std::move(asked)), signal_fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;
  ~Question() {
    if (signal_fd >= 0) close(signal_fd);
  }

  const std::string path;
  const int signal_fd;  // readable once `answer` is there
  absl::StatusOr<DiskSpace> answer = absl::UnavailableError("not asked");
  std::atomic<bool> answered{false};
};

PatientDiskSpace::PatientDiskSpace(boost::asio::io_context& io, int time_limit_ms)
    : io_(io), time_limit_ms_(time_limit_ms) {}
PatientDiskSpace::~PatientDiskSpace() = default;

void PatientDiskSpace::Answer(const std::shared_ptr<Question>& question) {
  question->answer = ReadDiskSpace(question->path);
  question->answered.store(true, std::memory_order_release);
  eventfd_write(question->signal_fd, 1);
}

absl::Status PatientDiskSpace::Start(std::string path) {
  auto question = std::make_shared<Question>(std::move(path));
  if (question->signal_fd < 0) return ErrnoStatus(errno, "eventfd");
  // Signals are for the daemon's own thread.
  sigset_t all{};
  sigset_t before{};
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  absl::Status status;
  try {
    std::thread([question] { Answer(question); }).detach();
  } catch (const std::system_error& error) {
    status = absl::UnavailableError(Concat("no thread to ask the disk in: ", error.what()));
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (status.ok()) question_ = std::move(question);
  return status;
}

boost::asio::awaitable<absl::StatusOr<DiskSpace>> PatientDiskSpace::Read(std::string path) {
  const absl::Status silent =
      absl::UnavailableError("the system disk's file system does not answer");
  if (question_ && !question_->answered.load(std::memory_order_acquire)) co_return silent;
  if (absl::Status started = Start(std::move(path)); !started.ok()) co_return started;
  const std::shared_ptr<Question> question = question_;

  boost::asio::posix::stream_descriptor signal(io_);
  boost::system::error_code error;
  const int fd = fcntl(question->signal_fd, F_DUPFD_CLOEXEC, 3);
  if (fd < 0) co_return ErrnoStatus(errno, "duplicating a descriptor");
  signal.assign(fd, error);
  if (error) {
    close(fd);
    co_return absl::UnavailableError(Concat("waiting for the disk: ", error.message()));
  }
  boost::asio::steady_timer timer(io_, std::chrono::milliseconds(time_limit_ms_));
  auto canceller = std::make_shared<boost::asio::posix::stream_descriptor*>(&signal);
  timer.async_wait([canceller](const boost::system::error_code& cancelled) {
    boost::system::error_code ignored;
    if (!cancelled && *canceller != nullptr) (*canceller)->cancel(ignored);
  });
  co_await signal.async_wait(boost::asio::posix::descriptor_base::wait_read,
                             boost::asio::redirect_error(boost::asio::use_awaitable, error));
  *canceller = nullptr;  // the timer's handler may already be queued
  timer.cancel();
  if (!question->answered.load(std::memory_order_acquire)) co_return silent;
  co_return question->answer;
}

}  // namespace candor
