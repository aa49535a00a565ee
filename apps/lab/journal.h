// A file of JSON lines that only grows, and that a kill, a crash or a full disk leaves whole: what it says was written
// is there, a line is there or is not, and space is set aside before it is needed. One process at a time has it.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "distill/harvest.h"

namespace stillwatch::apps {

class Journal : public distill::Sink {
 public:
  // Begins the file or goes on with it. A last line without its end was torn by a crash: it is completed if it is
  // `whole`, else cut off. Fails if another process writes to it.
  static base::Result<Journal> open(const std::string& path, const std::function<bool(std::string_view)>& whole);
  Journal(Journal&& other) noexcept;
  Journal& operator=(Journal&&) = delete;
  ~Journal() override;

  base::Result<void> make_room(size_t bytes) override;
  base::Result<void> append(std::string_view line) override;
  base::Result<void> sync() override;

  enum class Mended : uint8_t { kNothing, kCompleted, kCut };
  Mended mended() const { return mended_; }

 private:
  Journal(int fd, std::string path, int64_t size) : fd_(fd), path_(std::move(path)), size_(size), room_end_(size) {}
  base::Result<void> failed(int error) const;

  int fd_;
  std::string path_;
  int64_t size_;
  int64_t room_end_;  // bytes up to here are set aside
  bool unsynced_ = false;
  Mended mended_ = Mended::kNothing;
};

}  // namespace stillwatch::apps
