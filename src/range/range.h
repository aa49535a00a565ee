// The closed loop: a teacher that is harvested through the eyes of an operator, students trained on what was bought
// before the operator would have acted and after, and what each of them can do.
//
// One account distils, beside simulated honest traffic: of what it asks, a share are word problems (problems/), which
// the teacher answers. The operator's pipeline, calibrated on other honest traffic, says when it would have flagged the
// account. Students that go on from one base (student.h) by one plan are then trained, by the teacher's
// log-probabilities where they have them, on all problems that were bought; on those bought before the flag, as if the
// account had been refused there; and on all of them with reasoning and log-probabilities stripped behind the flag. All
// are examined on problems of structures that no training problem has.
//
// Deterministic in Settings and Inputs, whatever the machine's load: the clock is the simulation's. Thread rule: one
// thread calls; `threads` compute.
#pragma once

#include "range/operator.h"
#include "range/student.h"

namespace stillwatch::range {

struct Settings {
  uint64_t seed = 1;
  uint64_t problems = 3000;      // that the harvester wants
  double problems_share = 0.75;  // of its exchanges, as long as it wants more
  uint64_t test_problems = 500;
  unsigned threads = 1;
};

struct Inputs {
  const model::Model& teacher;  // with marks
  training::Plan student;       // its seed is drawn from `seed`
  population::Config honest;    // to calibrate on
  population::Config live;      // with the harvest in it
  const population::Prompts& prompts;
};

struct Loop {
  Settings settings;
  int64_t teacher_parameters = 0;
  distill::Exam teacher;
  uint64_t prompt_tokens = 0, output_tokens = 0;  // of the problems bought
  Seen seen;
  std::vector<Student> students;
};

// `base`: what students go on from.
base::Result<Loop> run(const Settings& settings, Inputs inputs, const model::Model& base, const Tell& tell);

}  // namespace stillwatch::range
