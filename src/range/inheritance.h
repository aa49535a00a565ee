// Do neural students inherit marks, over tokens or by selecting drafts? A teacher writes texts, of which a share is
// marked; students that go on from one base by one plan learn from all of them, then write by themselves, and what they
// write is tested for the key: the closed model of attribution/radioactivity.h. What they expect in unmarked texts that
// they read is tested for marks over tokens: the open model.
//
// The base learnt from further unmarked texts of the teacher's. Each mark has one student at one share of marked texts.
// Students that learnt from unmarked texts alone are tested under the keys of all marks: the clean models. Thread rule:
// one thread calls; `threads` compute.
#pragma once

#include "model/folder.h"
#include "range/ledger.h"
#include "range/student.h"
#include "range/writing.h"

namespace stillwatch::range {

struct InheritanceSettings {
  uint64_t seed = 1;
  uint64_t texts = 12'000;  // that a student learns from
  uint64_t said = 2'000;    // texts that it writes to be tested
  uint64_t read = 2'000;    // unmarked texts that it reads
  uint32_t text_tokens = 96;
  uint64_t clean_students = 20;
  uint64_t clean_texts = 3'000;  // that each of these learns from, and a share of the steps that is as large
  uint64_t wrong_keys = 200;
  unsigned threads = 1;
};

// A student's terms.
struct MarkedShare {
  watermark::Mark mark;
  double share = 0.05;
  size_t drafts = 0;  // of each text, the one chosen that carries most; 0: the mark is laid over tokens
};
std::vector<MarkedShare> marked_shares();  // the trials

// `teacher` writes texts by itself and has a token that begins them; `base` is the recipe of what students go on from
// by `plan`. Trials: `inheritance/SEED/NAME`. The result: docs/range.md.
base::Result<Json> run_inheritance(const InheritanceSettings& settings, const training::Recipe& base,
                                   const training::Plan& plan, const model::Model& teacher, Ledger& ledger,
                                   const Tell& tell);

}  // namespace stillwatch::range
