// What a request target says of the answer to it. Private to the module. Thread rule: pure functions.
#pragma once

#include <string_view>

namespace stillwatch::gateway {

// Whether the answer is a file of answers to a batch of requests: JSON lines, under whatever type. The files of
// `.../files/ID/content` may be others.
inline bool gives_batch(std::string_view path) {
  return (path.ends_with("/content") && path.find("/files/") != path.npos) ||
         (path.ends_with("/results") && path.find("/batches/") != path.npos);
}

}  // namespace stillwatch::gateway
