#include "base/descriptor.h"

#include <unistd.h>

#include <cerrno>

namespace stillwatch::base {

long Descriptor::read(char* data, size_t size) const {
  for (;;) {
    const ssize_t n = ::read(fd_, data, size);
    if (n >= 0 || errno != EINTR) return n;
  }
}

bool Descriptor::write_all(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

bool Descriptor::sync() const {
  return ::fsync(fd_) == 0;
}

bool Descriptor::close() {
  const int fd = std::exchange(fd_, -1);
  return fd <= STDIN_FILENO || ::close(fd) == 0;
}

}  // namespace stillwatch::base
