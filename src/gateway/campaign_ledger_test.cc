#include "gateway/campaign_ledger.h"

#include <gtest/gtest.h>

namespace stillwatch::gateway {
namespace {

using pipeline::CampaignFinding;
using Names = std::vector<std::string>;

base::Time at(int day) {
  return base::from_ms(int64_t{day} * 86'400'000);
}

CampaignFinding found(const std::string& name, Names accounts, bool flagged = true, int last_day = 1) {
  CampaignFinding c;
  c.campaign = name;
  c.accounts = std::move(accounts);
  c.flagged = flagged;
  c.last_seen = at(last_day);
  return c;
}

TEST(CampaignLedger, ACampaignKeepsItsNameWhileItGrows) {
  CampaignLedger ledger;
  EXPECT_EQ(ledger.update({found("one", {"a", "b", "c"})}, at(1), {}), Names{"one"});
  EXPECT_EQ(ledger.update({found("two", {"z", "a", "b", "c", "d", "e", "f"})}, at(2), {}), Names{});
  ASSERT_EQ(ledger.known().size(), 1u);
  EXPECT_EQ(ledger.known()[0].campaign, "one");
  EXPECT_EQ(ledger.known()[0].accounts.size(), 7u);
  EXPECT_EQ(ledger.known()[0].flagged_at, at(1));
}

TEST(CampaignLedger, OneThatSharesLittleIsAnother) {
  CampaignLedger ledger;
  ledger.update({found("one", {"a", "b", "c", "d"})}, at(1), {});
  EXPECT_EQ(ledger.update({found("one", {"d", "e", "f", "g"})}, at(2), {}), Names{"one-2"});
  EXPECT_EQ(ledger.known().size(), 2u);
}

TEST(CampaignLedger, AFlaggedOneStaysAsItWasAndOneOnWatchDoesNot) {
  CampaignLedger ledger;
  ledger.update({found("one", {"a", "b", "c"}), found("two", {"d", "e"}, false)}, at(1), {});
  EXPECT_TRUE(ledger.update({found("one", {"a", "b"}, false)}, at(2), {}).empty());
  ASSERT_EQ(ledger.known().size(), 1u);
  EXPECT_TRUE(ledger.known()[0].flagged);
  EXPECT_EQ(ledger.known()[0].accounts.size(), 3u);
  ledger.update({}, at(3), {});
  EXPECT_EQ(ledger.known().size(), 1u);
  ledger.update({}, at(9), at(2));  // not seen since then
  EXPECT_TRUE(ledger.known().empty());
}

TEST(CampaignLedger, OnWatchFirstItIsFlaggedOnceUnderTheSameName) {
  CampaignLedger ledger;
  EXPECT_TRUE(ledger.update({found("one", {"a", "b"}, false)}, at(1), {}).empty());
  EXPECT_EQ(ledger.update({found("two", {"a", "b", "c"})}, at(2), {}), Names{"one"});
  EXPECT_TRUE(ledger.update({found("two", {"a", "b", "c"})}, at(3), {}).empty());
}

TEST(CampaignLedger, TwoThatBecomeOneAreThatWhichSharesMost) {
  CampaignLedger ledger;
  ledger.update({found("one", {"a", "b"}), found("two", {"d", "e", "f"})}, at(1), {});
  ledger.update({found("three", {"a", "b", "d", "e", "f"})}, at(2), {});
  ASSERT_EQ(ledger.known().size(), 1u);
  EXPECT_EQ(ledger.known()[0].campaign, "two");
}

TEST(CampaignLedger, KeptOnesAreInOrderWhateverTheStoresIs) {
  CampaignFinding weak = found("weak", {"a"}), strong = found("strong", {"b"});
  weak.p_value = 0.01;
  strong.p_value = 0.001;
  const CampaignLedger ledger({weak, strong});
  EXPECT_EQ(ledger.known()[0].campaign, "strong");
}

TEST(CampaignLedger, WhoIsForgottenIsInNoExample) {
  CampaignFinding c = found("one", {"a1", "b2"});
  c.why = {{"nearness", 1, "they lean", "a1 and b2: evidence 3"}, {"diversity", 1, "pooled", ""}};
  CampaignLedger ledger({c});
  EXPECT_FALSE(ledger.forget("c3"));
  EXPECT_TRUE(ledger.forget("a1"));
  EXPECT_EQ(ledger.known()[0].accounts, Names{"b2"});
  EXPECT_EQ(ledger.known()[0].why[0].example, "");
  EXPECT_TRUE(ledger.forget("b2"));
  EXPECT_TRUE(ledger.known().empty());
}

TEST(CampaignLedger, LinksOfTheOthersFollowThemWhenOneIsForgotten) {
  CampaignFinding c = found("one", {"a", "b", "c"});
  c.links = {{0, 1, {1}}, {1, 2, {2}}, {0, 2, {3}}};
  CampaignLedger ledger({c});
  ledger.forget("b");
  const auto& left = ledger.known()[0].links;
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].a, 0u);
  EXPECT_EQ(left[0].b, 1u);
  EXPECT_EQ(left[0].evidence[0], 3);
}

}  // namespace
}  // namespace stillwatch::gateway
