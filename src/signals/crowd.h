// What the crowd asks: the mean of benign subjects' mean spectra, each subject counted once however much it sends, and
// the axes along which benign subjects differ from each other (principal components of their means, noise of small
// volumes taken off). A subject far from the crowd along these axes has an unusual interest; a subject far from it in
// the other directions asks in a way that no honest interest explains.
//
// Source: maximum mean discrepancy, Gretton et al. 2012; the split into axes and rest is that of probabilistic PCA
// (Tipping and Bishop 1999). Bounds: kAxes axes. Thread rule: const methods are reentrant.
#pragma once

#include <span>
#include <vector>

#include "signals/measure.h"

namespace stillwatch::signals {

constexpr int kAxes = 16;

struct Crowd {
  Mean mean{};
  std::vector<Mean> axes;  // orthonormal, strongest first; at most kAxes
  double self = 0;         // squared norm of the mean
  double rest_noise = 1;   // share of one exchange's variance that lies off the axes

  static Crowd of(std::span<const Meaning> subjects);

  // Root of the unbiased squared distance, 0 where that is negative: over all directions, and off the axes.
  double shift(const Meaning& m) const;
  double off_axes(const Meaning& m) const;
};

}  // namespace stillwatch::signals
