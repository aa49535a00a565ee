// Profiles as older programs wrote them, for tests.
#pragma once

#include <string>

#include "base/bytes.h"
#include "profile/profile.h"

namespace stillwatch::profile {

// By one that kept no joint spectrum.
inline std::string without_joint(const Profile& p) {
  std::string bytes = p.serialize();
  const auto cut = [&bytes](const Summary& s) {
    base::Writer joint;
    joint.varint(s.jointly);
    for (const int32_t v : s.joint) joint.zigzag(v);
    bytes.erase(bytes.find(joint.bytes()), joint.bytes().size());
  };
  cut(p.current());
  if (p.past() != nullptr) cut(*p.past());
  bytes[3] = '1';
  return bytes;
}

}  // namespace stillwatch::profile
