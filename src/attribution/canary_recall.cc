#include "attribution/canary_recall.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <unordered_map>

#include "base/random.h"
#include "stats/hypergeometric.h"

namespace stillwatch::attribution {
namespace {

using watermark::CanaryPool;
using watermark::PoolEvidence;
using watermark::Unit;

TestResult test(std::string name, std::string subject, std::string null, uint64_t population, uint64_t issued,
                uint64_t drawn, uint64_t hits) {
  TestResult t;
  t.test = std::move(name);
  t.subject = std::move(subject);
  t.null = std::move(null);
  t.log10_p = stats::log_hypergeometric_tail(hits, population, issued, drawn) / std::numbers::ln10;
  const auto figure = [&](const char* what, uint64_t value) {
    t.figures.push_back({what, static_cast<double>(value)});
  };
  figure("asked", population);
  figure("issued", issued);
  figure("recalled", drawn);
  figure("recalled_issued", hits);
  if (drawn == 0) t.note = "the suspect recalls no canary at all";
  return t;
}

}  // namespace

std::set<uint32_t> recalled(std::span<const Sample> samples, const CanaryPool& pool) {
  // By the first word of the name; the rest is compared where that is met.
  std::unordered_multimap<Unit, uint32_t> by_first;
  std::vector<std::vector<Unit>> names;
  for (uint32_t i = 0; i < pool.size(); ++i) {
    names.push_back(watermark::words_of(pool[i].secret));
    by_first.emplace(names.back().front(), i);
  }
  const auto named = [&](std::string_view text) {
    std::set<uint32_t> found;
    const std::vector<Unit> words = watermark::words_of(text);
    for (size_t at = 0; at < words.size(); ++at) {
      const auto [begin, end] = by_first.equal_range(words[at]);
      for (auto it = begin; it != end; ++it) {
        const std::vector<Unit>& name = names[it->second];
        if (words.size() - at >= name.size() &&
            std::equal(name.begin(), name.end(), words.begin() + static_cast<std::ptrdiff_t>(at)))
          found.insert(it->second);
      }
    }
    return found;
  };
  std::set<uint32_t> all;
  for (const Sample& sample : samples) {
    const std::set<uint32_t> given = named(sample.prompt);
    for (const uint32_t index : named(sample.answer)) {
      if (!given.contains(index)) all.insert(index);
    }
  }
  return all;
}

std::vector<uint32_t> canaries_to_ask(const PoolEvidence& evidence, double others, uint64_t seed) {
  std::vector<uint32_t> issued;
  std::vector<uint32_t> never;
  for (uint32_t i = 0; i < evidence.size; ++i) (evidence.issued.contains(i) ? issued : never).push_back(i);
  base::Random random(seed);
  random.shuffle(std::span(never));
  const double wanted = std::ceil(others * static_cast<double>(issued.size()));
  never.resize(std::min(never.size(), static_cast<size_t>(std::max(0.0, wanted))));
  issued.insert(issued.end(), never.begin(), never.end());
  random.shuffle(std::span(issued));
  return issued;
}

std::vector<TestResult> canary_recall(const PoolEvidence& evidence, const std::set<uint32_t>& recalled,
                                      const std::vector<uint32_t>* asked) {
  std::set<uint32_t> population;
  if (asked != nullptr) {
    population.insert(asked->begin(), asked->end());
  } else {
    for (uint32_t i = 0; i < evidence.size; ++i) population.insert(population.end(), i);
  }
  std::map<std::string, std::set<uint32_t>> by_account;
  uint64_t issued = 0;
  uint64_t drawn = 0;
  uint64_t hits = 0;
  uint64_t drawn_never = 0;
  for (const uint32_t index : population) {
    const auto given = evidence.issued.find(index);
    const bool is_recalled = recalled.contains(index);
    drawn += is_recalled;
    if (given == evidence.issued.end()) {
      drawn_never += is_recalled;
      continue;
    }
    ++issued;
    hits += is_recalled;
    for (const std::string& account : given->second) by_account[account].insert(index);
  }
  const uint64_t never = population.size() - issued;
  std::vector<TestResult> results;
  results.push_back(test("canaries", evidence.label,
                         "which canaries the suspect recalls does not depend on which were issued", population.size(),
                         issued, drawn, hits));
  // Who passed them on is asked about accounts one by one, and only if somebody did.
  constexpr double kWorthAsking = 0.01;
  if (results.front().p() > kWorthAsking) return results;
  for (const auto& [account, canaries] : by_account) {
    const auto of_account = static_cast<uint64_t>(
        std::count_if(canaries.begin(), canaries.end(), [&](uint32_t i) { return recalled.contains(i); }));
    if (of_account == 0) continue;
    results.push_back(test("canaries-of-account", account,
                           "which canaries the suspect recalls does not depend on which were issued to this account",
                           never + canaries.size(), canaries.size(), drawn_never + of_account, of_account));
    // Those that nothing was recalled of are not listed, and were looked at nevertheless.
    TestResult& t = results.back();
    t.log10_p = std::min(0.0, t.log10_p + std::log10(static_cast<double>(by_account.size())));
    t.figures.push_back({"accounts", static_cast<double>(by_account.size())});
    t.note = "p is multiplied by the number of accounts that were given canaries";
  }
  return results;
}

}  // namespace stillwatch::attribution
