#include "pipeline/watch.h"

namespace stillwatch::pipeline {

std::optional<Seen> Watch::observe(const features::Features& f) {
  profile_.add(f);
  if (!f.answered) return std::nullopt;
  if (profile_.epoch() != epoch_) {
    epoch_ = profile_.epoch();
    next_look_ = 0;
  }
  const profile::Summary& current = profile_.current();
  if (next_look_ >= signals::kLooks || current.exchanges < signals::volume_of_look(next_look_)) return std::nullopt;
  Seen seen{f.time, current.exchanges, next_look_++, {}};
  if (profile_.past() == nullptr) {
    seen.sighting = signals::sight(current, nullptr);
  } else {
    const profile::Summary lifetime = profile_.lifetime();
    seen.sighting = signals::sight(current, &lifetime);
  }
  return seen;
}

}  // namespace stillwatch::pipeline
