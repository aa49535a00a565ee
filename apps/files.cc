#include "files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

namespace stillwatch::apps {
namespace {

using base::ErrorCode;
using File = std::unique_ptr<FILE, int (*)(FILE*)>;

constexpr size_t kFileBytesMax = size_t{1} << 30;

bool is_special(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
}

}  // namespace

base::Result<std::string> read_file(const std::string& path) {
  const File file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) return base::fail(ErrorCode::kInput, fmt::format("{} cannot be opened: {}", path, std::strerror(errno)));
  std::string text;
  char buffer[1 << 16];
  size_t n = 0;
  while ((n = std::fread(buffer, 1, sizeof buffer, file.get())) > 0) {
    text.append(buffer, n);
    if (text.size() > kFileBytesMax) return base::fail(ErrorCode::kInput, fmt::format("{} is larger than 1 GiB", path));
  }
  if (std::ferror(file.get()) != 0)
    return base::fail(ErrorCode::kInput, fmt::format("{} cannot be read: {}", path, std::strerror(errno)));
  return text;
}

base::Result<void> write_file(const std::string& path, const std::function<void(const Write&)>& produce) {
  // Devices and pipes cannot be renamed onto.
  const bool direct = path == "-" || is_special(path);
  const std::string target = direct ? path : path + ".partial";
  File file(path == "-" ? stdout : std::fopen(target.c_str(), "wb"), path == "-" ? std::fflush : std::fclose);
  const auto failed = [&](int error) {
    if (!direct) std::remove(target.c_str());
    return base::fail(ErrorCode::kInternal, fmt::format("{} cannot be written: {}", path, std::strerror(error)));
  };
  if (!file) return failed(errno);
  int error = 0;
  produce([&](std::string_view text) {
    if (error == 0 && std::fwrite(text.data(), 1, text.size(), file.get()) != text.size()) error = errno;
  });
  if (std::fflush(file.get()) != 0 && error == 0) error = errno;
  FILE* raw = file.release();
  if (path != "-" && std::fclose(raw) != 0 && error == 0) error = errno;
  if (error != 0) return failed(error);
  if (!direct && std::rename(target.c_str(), path.c_str()) != 0) return failed(errno);
  return {};
}

base::Result<void> make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error)
    return base::fail(base::ErrorCode::kInternal, fmt::format("{}: cannot be made: {}", path, error.message()));
  return {};
}

int complain(const base::Error& error) {
  fmt::print(stderr, STILLWATCH_PROGRAM ": {}\n", error.message);
  return static_cast<int>(error.code);
}

}  // namespace stillwatch::apps
