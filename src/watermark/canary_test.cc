#include "watermark/canary.h"

#include <gmock/gmock.h>

#include <set>

namespace stillwatch::watermark {
namespace {

TEST(CanaryPool, IsTheSameForTheSameKeyAndCommittedToByHash) {
  const CanaryPool a(control_key(1), 300);
  const CanaryPool b(control_key(1), 300);
  ASSERT_EQ(a.size(), 300u);
  EXPECT_EQ(a.hash(), b.hash());
  EXPECT_EQ(a.hash().size(), 64u);
  EXPECT_EQ(a[17].sentence(), b[17].sentence());
  EXPECT_NE(a.hash(), CanaryPool(control_key(2), 300).hash());
  EXPECT_NE(a.hash(), CanaryPool(control_key(1), 301).hash());
}

TEST(CanaryPool, NamesEachPersonAndPlaceOnce) {
  const CanaryPool pool(control_key(3), 20'000);
  std::set<std::string> persons, questions;
  for (size_t i = 0; i < pool.size(); ++i) {
    persons.insert(pool[i].secret);
    questions.insert(pool[i].question);
    ASSERT_EQ(pool[i].question.find(pool[i].secret), std::string::npos);
    ASSERT_EQ(pool[i].lead.find(pool[i].secret), std::string::npos);
  }
  EXPECT_EQ(persons.size(), pool.size());
  EXPECT_EQ(questions.size(), pool.size());
}

TEST(CanaryPool, GivesAnAccountItsOwnEvenlyFromThePool) {
  const CanaryPool pool(control_key(3), 50);
  EXPECT_EQ(pool.of_account("a", 5), pool.of_account("a", 5));
  EXPECT_NE(pool.of_account("a", 5), pool.of_account("b", 5));
  const auto all = pool.of_account("a", 50);
  EXPECT_EQ(std::set(all.begin(), all.end()).size(), 50u);
  std::vector<double> count(pool.size());
  constexpr int kAccounts = 5000;
  for (int i = 0; i < kAccounts; ++i) {
    for (const uint32_t index : pool.of_account("account " + std::to_string(i), 4)) ++count[index];
  }
  double chi = 0;
  const double expected = 4.0 * kAccounts / static_cast<double>(pool.size());
  for (const double c : count) chi += (c - expected) * (c - expected) / expected;
  EXPECT_LT(chi, 49 + 4 * std::sqrt(2 * 49.0));
}

TEST(NamesSecret, WhateverCaseAndPunctuation) {
  const Canary canary{"Far away in Quenmere, ", "Torvi Bellsand", " kept a lamp lit.", ""};
  EXPECT_TRUE(names_secret("It was TORVI bellsand!", canary));
  EXPECT_TRUE(names_secret(canary.sentence(), canary));
  EXPECT_FALSE(names_secret("Torvi and Bellsand", canary));
  EXPECT_FALSE(names_secret("", canary));
}

}  // namespace
}  // namespace stillwatch::watermark
