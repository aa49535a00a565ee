// A baseline: what benign traffic of an operator looks like, and the calibration that makes scores into p-values.
//
// Calibration is split conformal (Vovk, Gammerman and Shafer 2005; Lei et al. 2018): a third of the benign subjects,
// chosen by a hash of their names, fit the crowd and the norm; the others are scored by that fit, standardised by
// volume, and a p-value is the rank of a score among their strongest, one a subject. So for a new benign subject,
// judged by its strongest look so far or by all it ever has, P(p <= a) <= a, whatever the score is. Beyond the largest
// scores a fitted tail speaks, labelled.
//
// Uncalibrated baselines (the shipped reference; a log calibrated on itself) give estimates, and say so: their p-values
// come from a tail fitted to the bulk of the scores, because the top may be hostile. Ranks are never trimmed.
//
// Text form: JSON, docs/formats/baseline.md. Thread rule: const methods are reentrant.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "signals/crowd.h"
#include "signals/evidence.h"
#include "signals/score.h"

namespace stillwatch::signals {

// What is kept of a subject at a look: its current epoch and, if that is not all, its whole life.
struct Sighting {
  struct Part {
    int look = 0;
    Measurement measurement;
  };
  std::vector<Part> parts;  // one or two
};

Sighting sight(const profile::Summary& current, const profile::Summary* lifetime);

// A benign subject for calibration: its sightings in order of looks.
struct Subject {
  std::string name;
  std::vector<std::shared_ptr<const Sighting>> sightings;
};

// A sighting judged: the part with the highest score speaks.
struct Judgement {
  double score = 0;
  Values values{};
  int look = 0;
};

class Baseline {
 public:
  // Fails for fewer than kSubjectsMin subjects with a sighting. Below kSubjectsToFit the crowd and norm of `reference`
  // serve and all subjects rank. `calibrated` is what the caller knows: that the subjects are benign and not those to
  // be judged. `weights` are for a fit of its own: who is served by the reference's crowd keeps its weights.
  static constexpr size_t kSubjectsMin = 40;
  static constexpr size_t kSubjectsToFit = 300;
  static base::Result<Baseline> calibrate(std::span<const Subject> subjects, const Baseline* reference,
                                          std::string name, base::Time made, bool calibrated,
                                          const Weights& weights = shipped_weights());

  // The two halves of calibration: crowd and norm from some subjects, ranks from others.
  static Baseline fit(std::span<const Subject> subjects, const Weights& weights = shipped_weights());
  void rank(std::span<const Subject> subjects);
  void trust() { calibrated_ = true; }  // the ranking subjects are known to be benign

  static base::Result<Baseline> parse(std::string_view text);
  std::string to_json() const;

  // The shipped reference baseline; empty pointer in a build without it.
  static std::shared_ptr<const Baseline> reference();

  Judgement judge(const Sighting& sighting) const;
  // p-value, resolution and flags of a score at any look; readings are left empty.
  Evidence weigh(double score) const;
  std::vector<Reading> read(const Values& values, int look) const {
    return signals::read(norm_, weights(), values, look);
  }

  const std::string& name() const { return name_; }
  base::Time made() const { return made_; }
  bool calibrated() const { return calibrated_; }
  size_t subjects() const { return ranks_.size(); }
  // The strongest score of every ranking subject.
  const std::vector<float>& ranks() const { return ranks_; }

  const Norm& norm() const { return norm_; }
  const Weights& weights() const { return weights_; }

 private:
  struct Tails;
  void index();  // builds tails_ from ranks_

  std::string name_;
  base::Time made_{};
  bool calibrated_ = false;
  Weights weights_ = shipped_weights();
  Crowd crowd_;
  Norm norm_;
  Trend score_;               // of raw scores over looks
  std::vector<float> ranks_;  // strongest standardised score of each ranking subject
  std::shared_ptr<const Tails> tails_;
};

}  // namespace stillwatch::signals
