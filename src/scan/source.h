// Bytes of a log: a file or standard input, plain, gzip (any number of members) or Zstandard (any number of frames),
// told apart by content. Bounds: one chunk and the decompressor's window (at most 128 MiB for Zstandard). Thread rule:
// one thread.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"

namespace stillwatch::scan {

class Source {
 public:
  // "-" is standard input.
  static base::Result<std::unique_ptr<Source>> open(const std::string& path);
  virtual ~Source() = default;

  // Up to `size` bytes of content; 0 at the end. An error (a cut-off or damaged file) is final; what came before it is
  // good.
  virtual base::Result<size_t> read(char* data, size_t size) = 0;

  // Compressed bytes taken so far, for progress.
  uint64_t consumed() const { return consumed_; }

 protected:
  uint64_t consumed_ = 0;
};

// Size of a file in bytes, 0 if unknown.
uint64_t size_of(const std::string& path);

}  // namespace stillwatch::scan
