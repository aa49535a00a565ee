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
  const profile::Summary* all = nullptr;
  profile::Summary lifetime;
  if (profile_.past() != nullptr) {
    lifetime = profile_.lifetime();
    all = &lifetime;
  }
  return Seen{f.time, current.exchanges, next_look_++,
              std::make_shared<const signals::Sighting>(signals::sight(current, all))};
}

}  // namespace stillwatch::pipeline
