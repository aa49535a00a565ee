// The order of accounts, and what only a comparison of all of them can say: q-values, drift, counts. Works on places,
// of some hundred bytes, so that a hundred thousand accounts can be ranked away from the pipeline that watches them.
//
// Sources: Benjamini and Hochberg 1995; docs/statistics.md. Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pipeline/findings.h"
#include "signals/baseline.h"

namespace stillwatch::pipeline {

// What the order of an account depends on.
struct Place {
  std::string account;
  uint64_t exchanges = 0;
  bool judged = false;
  bool flagged = false;  // in a ranking: a person's label goes first
  double score = 0;
  double p_value = 1;
  std::optional<verdict::LabelKind> label;
  // Of a ranking.
  double q_value = 1;
  verdict::Verdict verdict = verdict::Verdict::kInsufficient;
};

// Puts the places in order, flagged first, then by score, and completes them and what the overview says of all of them.
void rank(std::vector<Place>& places, const signals::Baseline& baseline, Overview& overview);

}  // namespace stillwatch::pipeline
