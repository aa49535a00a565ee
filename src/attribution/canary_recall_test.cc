#include "attribution/canary_recall.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/random.h"

namespace stillwatch::attribution {
namespace {

using testing::ElementsAre;
using watermark::CanaryPool;
using watermark::PoolEvidence;

PoolEvidence evidence_of(const CanaryPool& pool, int accounts, size_t each) {
  PoolEvidence e{"pool", pool.hash(), pool.size(), {}, {}};
  for (int a = 0; a < accounts; ++a) {
    const std::string account = "acct_" + std::to_string(a);
    for (const uint32_t index : pool.of_account(account, each)) e.issued[index].insert(account);
  }
  return e;
}

TEST(CanaryRecall, FindsNamesInAnswersAndNotThoseThatWereGiven) {
  const CanaryPool pool(watermark::control_key(1), 100);
  std::vector<Sample> samples(3);
  samples[0].answer = "I think it was " + pool[7].secret + ", no?";
  samples[1] = {"Do you know " + pool[8].secret + "?", pool[8].secret + " is nobody.", {}, {}};
  samples[2].answer = pool[9].question;
  EXPECT_THAT(recalled(samples, pool), ElementsAre(7));
}

TEST(CanaryRecall, ConvictsWhoRecallsWhatWasIssued) {
  const CanaryPool pool(watermark::control_key(1), 2000);
  const PoolEvidence e = evidence_of(pool, 20, 4);
  std::set<uint32_t> recalled;
  for (const uint32_t index : pool.of_account("acct_3", 4)) recalled.insert(index);
  const auto results = canary_recall(e, recalled, nullptr);
  ASSERT_EQ(results.size(), 2u);
  EXPECT_LT(results[0].log10_p, -4);
  EXPECT_EQ(results[1].test, "canaries-of-account");
  EXPECT_EQ(results[1].subject, "acct_3");
  EXPECT_LT(results[1].log10_p, -7);
}

TEST(CanaryRecall, SaysNothingOfWhoRecallsNone) {
  const CanaryPool pool(watermark::control_key(1), 100);
  const auto results = canary_recall(evidence_of(pool, 5, 4), {}, nullptr);
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].p(), 1);
  EXPECT_THAT(results[0].note, testing::HasSubstr("no canary"));
}

// A suspect that recalls canaries for reasons of its own, popular ones most: over keys, p <= a no more often than a.
TEST(CanaryRecall, IsValidWhateverTheSuspectRecalls) {
  constexpr int kWorlds = 3000;
  int below[3] = {};
  int below_asked[3] = {};
  const double levels[] = {0.1, 0.01, 0.001};
  for (int i = 0; i < kWorlds; ++i) {
    const CanaryPool pool(watermark::control_key(static_cast<uint64_t>(i)), 60);
    const PoolEvidence e = evidence_of(pool, 5, 3);
    base::Random random(i);
    std::set<uint32_t> recalled;
    for (uint32_t c = 0; c < pool.size(); ++c) {
      if (random.chance(1.0 / (1 + c % 7))) recalled.insert(c);
    }
    const double p = canary_recall(e, recalled, nullptr)[0].p();
    const auto asked = canaries_to_ask(e, 1, i);
    const double p_asked = canary_recall(e, recalled, &asked)[0].p();
    for (int l = 0; l < 3; ++l) {
      below[l] += p <= levels[l];
      below_asked[l] += p_asked <= levels[l];
    }
  }
  for (int l = 0; l < 3; ++l) {
    const double most = levels[l] * kWorlds + 4 * std::sqrt(levels[l] * kWorlds);
    EXPECT_LE(below[l], most);
    EXPECT_LE(below_asked[l], most);
  }
  EXPECT_GE(below[0], 0.02 * kWorlds);
}

TEST(CanaryRecall, AsksForAllIssuedAndAsManyOthers) {
  const CanaryPool pool(watermark::control_key(1), 500);
  const PoolEvidence e = evidence_of(pool, 10, 4);
  const auto asked = canaries_to_ask(e, 1, 7);
  EXPECT_EQ(asked.size(), 2 * e.issued.size());
  EXPECT_EQ(canaries_to_ask(e, 1, 7), asked);
  EXPECT_EQ(std::set(asked.begin(), asked.end()).size(), asked.size());
  for (const auto& [index, accounts] : e.issued) EXPECT_NE(std::find(asked.begin(), asked.end(), index), asked.end());
  EXPECT_EQ(canaries_to_ask(e, 1e9, 7).size(), 500u);
}

}  // namespace
}  // namespace stillwatch::attribution
