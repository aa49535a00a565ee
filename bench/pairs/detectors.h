// Detectors of a window of queries that differs from honest traffic: each is fitted on a reference set of honest
// queries and on honest windows, and gives a score that grows with suspicion.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "features/features.h"

namespace stillwatch::bench {

struct Query {
  features::Features features;
  features::Embedding embedding;
};
using Window = std::vector<const Query*>;

class Detector {
 public:
  virtual ~Detector() = default;
  virtual std::string name() const = 0;
  virtual void fit(const Window& reference, std::span<const Window> honest) = 0;
  virtual double score(const Window& window) const = 0;
};

// Ours: every signal of the window as one subject, standardised on honest windows; the sum of squared deviations, each
// cut at 6.
std::unique_ptr<Detector> signals_detector();
// Ours: the distance of kernel means alone (signal `shift`).
std::unique_ptr<Detector> shift_detector();
// Gretton et al. 2012: exact Gaussian kernel on embeddings, bandwidth the median distance of the reference.
std::unique_ptr<Detector> mmd_detector();
// Juuti et al. 2019 (PRADA): distances of each query to the nearest before it; how far they are from a normal law by
// Shapiro and Francia's W'.
std::unique_ptr<Detector> prada_detector();

}  // namespace stillwatch::bench
