// How reading went, for people: nothing that was in a line, only where it was and what was wrong with it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace stillwatch::report {

struct ReadStats {
  static constexpr size_t kLocatedMax = 20;

  uint64_t files = 0;
  uint64_t bytes = 0;  // uncompressed
  uint64_t lines = 0;
  uint64_t exchanges = 0;
  uint64_t broken = 0;                   // lines
  uint64_t unidentified = 0;             // exchanges that name no account, organisation, user or network
  uint64_t late = 0;                     // exchanges beyond the reorder window
  std::vector<std::string> located;      // "file:line: why", the first kLocatedMax broken lines
  std::vector<std::string> file_errors;  // files that could not be read, or not to their end
};

}  // namespace stillwatch::report
