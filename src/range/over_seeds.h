// The same trial in several seeds. Private to the module. Thread rule: a value.
#pragma once

#include <initializer_list>
#include <vector>

#include "distill/exam.h"
#include "range/ledger.h"

namespace stillwatch::range {

struct OverSeeds {
  Json first;
  distill::Tally all;
  std::vector<double> shares;  // right of those asked, by seed
  std::string each;            // right, by seed

  void add(const Json& result);
  // Its interval (95 %) has the scatter between seeds in it; of one seed, it is that of the problems alone.
  std::string share_text() const;
};

// The results that stand under `list` in each seed's, those together that have the same `keys`; in the order in which
// they first come.
std::vector<OverSeeds> over_seeds(const std::vector<Json>& seeds, const char* list,
                                  std::initializer_list<const char*> keys);

}  // namespace stillwatch::range
