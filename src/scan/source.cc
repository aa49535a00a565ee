#include "scan/source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/descriptor.h"

namespace stillwatch::scan {
namespace {

using base::ErrorCode;
using base::Result;

constexpr size_t kChunk = 256 << 10;

Result<size_t> read_some(const base::Descriptor& file, char* data, size_t size) {
  const auto n = file.read(data, size);
  if (n < 0) return base::fail(ErrorCode::kInput, fmt::format("reading failed: {}", std::strerror(errno)));
  return static_cast<size_t>(n);
}

// The raw bytes with the ones that were read to tell the format put back in front.
class Raw {
 public:
  Raw(base::Descriptor fd, std::string head) : fd_(std::move(fd)), head_(std::move(head)) {}

  Result<size_t> read(char* data, size_t size) {
    if (used_ < head_.size()) {
      const size_t n = std::min(size, head_.size() - used_);
      std::memcpy(data, head_.data() + used_, n);
      used_ += n;
      return n;
    }
    return read_some(fd_, data, size);
  }

 private:
  base::Descriptor fd_;
  std::string head_;
  size_t used_ = 0;
};

class Plain final : public Source {
 public:
  explicit Plain(Raw raw) : raw_(std::move(raw)) {}
  Result<size_t> read(char* data, size_t size) override {
    auto n = raw_.read(data, size);
    if (n) consumed_ += *n;
    return n;
  }

 private:
  Raw raw_;
};

class Gzip final : public Source {
 public:
  explicit Gzip(Raw raw) : raw_(std::move(raw)), in_(kChunk) { inflateInit2(&stream_, 15 + 16); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
  ~Gzip() override { inflateEnd(&stream_); }

  Result<size_t> read(char* data, size_t size) override {
    stream_.next_out = reinterpret_cast<Bytef*>(data);
    stream_.avail_out = static_cast<uInt>(size);
    while (stream_.avail_out == size) {
      if (stream_.avail_in == 0) {
        auto n = raw_.read(in_.data(), in_.size());
        if (!n) return n;
        if (*n == 0) {
          if (between_members_) return size_t{0};
          return base::fail(ErrorCode::kInput,
                            "the gzip data is cut off: fetch the file again; what came before was read");
        }
        consumed_ += *n;
        stream_.next_in = reinterpret_cast<Bytef*>(in_.data());
        stream_.avail_in = static_cast<uInt>(*n);
      }
      if (between_members_) {
        inflateReset(&stream_);
        between_members_ = false;
      }
      const int status = inflate(&stream_, Z_NO_FLUSH);
      if (status == Z_STREAM_END) {
        between_members_ = true;
      } else if (status != Z_OK && status != Z_BUF_ERROR) {
        if (size != stream_.avail_out) break;  // hand out what is good, fail at the next call
        return base::fail(ErrorCode::kInput, "the gzip data is damaged; what came before was read");
      }
    }
    return size - stream_.avail_out;
  }

 private:
  Raw raw_;
  std::vector<char> in_;
  z_stream stream_{};
  bool between_members_ = false;
};

class Zstandard final : public Source {
 public:
  explicit Zstandard(Raw raw) : raw_(std::move(raw)), in_(kChunk), stream_(ZSTD_createDStream(), ZSTD_freeDStream) {}

  Result<size_t> read(char* data, size_t size) override {
    ZSTD_outBuffer out{data, size, 0};
    while (out.pos == 0) {
      // The decompressor keeps a byte of input back while it holds output, so no input means no output.
      if (buffer_.pos == buffer_.size) {
        auto n = raw_.read(in_.data(), in_.size());
        if (!n) return n;
        if (*n == 0) {
          if (frame_done_) return size_t{0};
          return base::fail(ErrorCode::kInput,
                            "the Zstandard data is cut off: fetch the file again; what came before was read");
        }
        consumed_ += *n;
        buffer_ = {in_.data(), *n, 0};
      }
      const size_t left = ZSTD_decompressStream(stream_.get(), &out, &buffer_);
      if (ZSTD_getErrorCode(left) == ZSTD_error_frameParameter_windowTooLarge) {
        return base::fail(ErrorCode::kInput,
                          "the Zstandard data needs a window beyond 128 MiB: compress it again without --long");
      }
      if (ZSTD_isError(left))
        return base::fail(ErrorCode::kInput, "the Zstandard data is damaged; what came before was read");
      frame_done_ = left == 0;
    }
    return out.pos;
  }

 private:
  Raw raw_;
  std::vector<char> in_;
  std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream_;
  ZSTD_inBuffer buffer_{nullptr, 0, 0};
  bool frame_done_ = false;
};

}  // namespace

Result<std::unique_ptr<Source>> Source::open(const std::string& path) {
  base::Descriptor file(path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.good())
    return base::fail(ErrorCode::kInput, fmt::format("{} cannot be opened: {}", path, std::strerror(errno)));
  struct stat info {};
  if (::fstat(file.get(), &info) == 0 && S_ISDIR(info.st_mode)) {
    return base::fail(ErrorCode::kInput, fmt::format("{} is a directory: name the files in it", path));
  }
  std::string head;
  char bytes[4];
  while (head.size() < sizeof bytes) {
    const auto n = read_some(file, bytes, sizeof bytes - head.size());
    if (!n) return base::fail(ErrorCode::kInput, fmt::format("{}: {}", path, n.error().message));
    if (*n == 0) break;
    head.append(bytes, *n);
  }
  const bool gzip = head.substr(0, 2) == "\x1f\x8b";
  // Either magic number of RFC 8878: a frame, or a skippable one, with which parallel compressors begin.
  const std::string_view mark = head;
  const bool zstandard = head.size() == 4 &&
                         (mark == "\x28\xb5\x2f\xfd" || ((head[0] & 0xf0) == 0x50 && mark.substr(1) == "\x2a\x4d\x18"));
  Raw raw(std::move(file), std::move(head));
  if (gzip) return std::make_unique<Gzip>(std::move(raw));
  if (zstandard) return std::make_unique<Zstandard>(std::move(raw));
  return std::make_unique<Plain>(std::move(raw));
}

uint64_t size_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) ? static_cast<uint64_t>(info.st_size) : 0;
}

}  // namespace stillwatch::scan
