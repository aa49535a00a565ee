// An account under watch, with all that its evidence needs, and as bytes (docs/formats/subject.md). Private to the
// module. Thread rule: a value.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "pipeline/watch.h"

namespace stillwatch::pipeline {

struct Subject {
  std::unique_ptr<Watch> watch;  // null while the profile is not in memory
  std::string organization;
  std::vector<Seen> seen;
  bool changed = false;  // since it was last saved

  std::string serialize() const;  // of one in memory
  // Fails for bytes that are not a subject, and for one of another embedding version.
  static base::Result<Subject> parse(std::string_view bytes);
};

}  // namespace stillwatch::pipeline
