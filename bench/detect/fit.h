// Fits the weights of signals to simulated accounts: logistic regression on hinged deviations, signs held where the
// signal's meaning fixes them.
#pragma once

#include <span>

#include "experiment.h"

namespace stillwatch::bench {

struct Labelled {
  const Observed* account;
  double weight;  // of the account, shared by its looks
};

// `norm` must come from benign accounts. Looks below kFitLookMin are left out: little is known that early.
signals::Weights fit_weights(std::span<const Labelled> accounts, const signals::Baseline& norm, double ridge);

}  // namespace stillwatch::bench
