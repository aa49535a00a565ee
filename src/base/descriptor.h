// A file descriptor, closed when its owner goes; standard input is borrowed and stays open. read() and write_all()
// begin again where a signal broke in, and tell of failures by errno.
//
// Thread rule: a value.
#pragma once

#include <string_view>
#include <utility>

namespace stillwatch::base {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { (void)close(); }

  bool good() const { return fd_ >= 0; }
  int get() const { return fd_; }
  // How many bytes; 0 at the end, -1 for an error.
  long read(char* data, size_t size) const;
  bool write_all(std::string_view bytes) const;
  bool sync() const;  // what was written has reached the disk
  bool close();       // false if what was written may be lost

 private:
  int fd_ = -1;
};

}  // namespace stillwatch::base
