#include "journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/falloc.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace stillwatch::apps {
namespace {

using base::ErrorCode;

constexpr int64_t kRoomStep = int64_t{1} << 20;
constexpr int64_t kTailMax = int64_t{64} << 20;  // a line is no longer

// The last line, if it lacks its end.
base::Result<std::string> torn_end(int fd, int64_t size, const std::string& path) {
  std::string tail;
  for (int64_t at = size; at > 0 && size - at < kTailMax;) {
    char block[1 << 16];
    const int64_t begin = std::max<int64_t>(0, at - static_cast<int64_t>(sizeof block));
    const auto n = static_cast<size_t>(at - begin);
    if (::pread(fd, block, n, begin) != static_cast<ssize_t>(n))
      return base::fail(ErrorCode::kInput, fmt::format("{} cannot be read: {}", path, std::strerror(errno)));
    const std::string_view read(block, n);
    const size_t line_end = read.rfind('\n');
    if (line_end != std::string_view::npos) {
      tail.insert(0, read.substr(line_end + 1));
      return tail;
    }
    tail.insert(0, read);
    at = begin;
  }
  if (static_cast<int64_t>(tail.size()) >= kTailMax)
    return base::fail(ErrorCode::kInput, fmt::format("{} is no file of JSON lines: it has no line ends", path));
  return tail;
}

}  // namespace

base::Result<Journal> Journal::open(const std::string& path, const std::function<bool(std::string_view)>& whole) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return base::fail(ErrorCode::kInput, fmt::format("{} cannot be opened: {}", path, std::strerror(errno)));
  struct stat info {};
  ::fstat(fd, &info);
  Journal journal(fd, path, info.st_size);
  if (!S_ISREG(info.st_mode)) return base::fail(ErrorCode::kUsage, fmt::format("{} is no regular file", path));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0)
    return base::fail(ErrorCode::kInput, fmt::format("{} is being written by another process: wait for it", path));
  const auto torn = torn_end(fd, info.st_size, path);
  if (!torn) return tl::unexpected(torn.error());
  if (torn->empty()) return journal;
  if (whole(*torn)) {
    if (auto ok = journal.append("\n"); !ok) return tl::unexpected(ok.error());
    journal.mended_ = Mended::kCompleted;
  } else {
    journal.size_ -= static_cast<int64_t>(torn->size());
    journal.room_end_ = journal.size_;
    if (::ftruncate(fd, journal.size_) != 0) return tl::unexpected(journal.failed(errno).error());
    journal.mended_ = Mended::kCut;
  }
  journal.unsynced_ = true;
  if (auto ok = journal.sync(); !ok) return tl::unexpected(ok.error());
  return journal;
}

Journal::Journal(Journal&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      size_(other.size_),
      room_end_(other.room_end_),
      unsynced_(other.unsynced_),
      mended_(other.mended_) {}

Journal::~Journal() {
  if (fd_ < 0) return;
  // Gives back what was set aside and not used.
  if (room_end_ > size_ && ::ftruncate(fd_, size_) != 0) errno = 0;
  ::close(fd_);
}

base::Result<void> Journal::failed(int error) const {
  return base::fail(ErrorCode::kInternal, fmt::format("{} cannot be written: {}; nothing that it says is lost, run the "
                                                      "same command again when there is room",
                                                      path_, std::strerror(error)));
}

base::Result<void> Journal::make_room(size_t bytes) {
  const int64_t end = size_ + static_cast<int64_t>(bytes);
  if (end <= room_end_) return {};
  const int64_t more = std::max(kRoomStep, end - room_end_);
  rlimit limit{};  // which fallocate does not look at
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && static_cast<rlim_t>(room_end_ + more) > limit.rlim_cur)
    return failed(EFBIG);
  if (::fallocate(fd_, FALLOC_FL_KEEP_SIZE, room_end_, more) != 0) {
    if (errno != EOPNOTSUPP && errno != ENOSYS) return failed(errno);  // else the file system cannot promise
  }
  room_end_ += more;
  return {};
}

base::Result<void> Journal::append(std::string_view line) {
  const ssize_t n = ::write(fd_, line.data(), line.size());
  if (n == static_cast<ssize_t>(line.size())) {
    size_ += n;
    unsynced_ = true;
    return {};
  }
  const int error = n < 0 ? errno : ENOSPC;
  if (n > 0 && ::ftruncate(fd_, size_) != 0) return failed(errno);  // no half of a line
  return failed(error);
}

base::Result<void> Journal::sync() {
  if (!unsynced_) return {};
  if (::fdatasync(fd_) != 0) return failed(errno);
  unsynced_ = false;
  return {};
}

}  // namespace stillwatch::apps
