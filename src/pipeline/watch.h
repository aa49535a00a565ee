// One subject under watch: its profile, and when it is looked at. Looks happen when the exchanges of the current epoch
// reach 20, 40, 80, ...; each yields a sighting, which is all that evidence needs.
//
// Thread rule: a value.
#pragma once

#include <memory>
#include <optional>

#include "profile/profile.h"
#include "signals/baseline.h"

namespace stillwatch::pipeline {

struct Seen {
  base::Time time{};
  uint64_t exchanges = 0;  // in the epoch
  int look = 0;
  std::shared_ptr<const signals::Sighting> sighting;
};

class Watch {
 public:
  Watch() = default;
  // As it was when profile(), epoch() and next_look() were these.
  Watch(profile::Profile profile, int64_t epoch, int next_look)
      : profile_(std::move(profile)), epoch_(epoch), next_look_(next_look) {}

  std::optional<Seen> observe(const features::Features& f);
  const profile::Profile& profile() const { return profile_; }
  int64_t epoch() const { return epoch_; }
  int next_look() const { return next_look_; }

 private:
  profile::Profile profile_;
  int64_t epoch_ = 0;
  int next_look_ = 0;
};

}  // namespace stillwatch::pipeline
