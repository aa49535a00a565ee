// The rungs of the ladder that change what an account is answered, between a client and a model server.
#include <nlohmann/json.hpp>

#include "gateway/standings.h"
#include "gateway/test_policies.h"
#include "gateway/turns.h"

namespace stillwatch::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Ladder : public Policies {};

TEST_F(Ladder, ChallengesUntilTheTokenIsRedeemedAndThenForAWhile) {
  const auto challenge = policy("{rung: challenge, url: 'https://models.example/verify', token_s: 600, pass_s: 7200}");
  start(challenge);
  label_hostile();
  const Message refused = ask();
  EXPECT_THAT(refused.raw, StartsWith("HTTP/1.1 403 Forbidden\r\n"));
  const auto error = nlohmann::json::parse(refused.payload)["error"];
  EXPECT_EQ(error["type"], "verification_required");
  EXPECT_EQ(error["challenge"]["url"], "https://models.example/verify");
  EXPECT_EQ(error["challenge"]["expires"], "2026-03-02T00:10:00.000Z");
  const std::string token = nlohmann::json({{"token", error["challenge"]["token"]}}).dump();
  const std::string later =
      nlohmann::json({{"token", nlohmann::json::parse(ask().payload)["error"]["challenge"]["token"]}}).dump();

  EXPECT_THAT(admin("POST", "/api/v1/challenges/redeem", R"({"token":"x.y"})").raw, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(admin("POST", "/api/v1/challenges/redeem", "{}").raw, StartsWith("HTTP/1.1 400 "));
  const Message redeemed = admin("POST", "/api/v1/challenges/redeem", token);
  EXPECT_EQ(redeemed.payload, R"({"account":")" + account_ + R"(","until":"2026-03-02T02:00:00.000Z"})");
  EXPECT_EQ(ask().payload, kAnswer);
  EXPECT_THAT(admin("POST", "/api/v1/challenges/redeem", token).payload, HasSubstr("redeemed before"));

  gateway_.reset();  // it is remembered
  start(challenge);
  EXPECT_EQ(ask().payload, kAnswer);
  EXPECT_THAT(admin("POST", "/api/v1/challenges/redeem", token).payload, HasSubstr("redeemed before"));
  EXPECT_THAT(admin("GET", "/metrics").payload,
              HasSubstr("stillwatch_policy_requests_total{rung=\"challenge\",mode=\"enforce\"} 0\n"));
  now_ms_ += 7'200'000;
  EXPECT_THAT(ask().raw, StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(admin("POST", "/api/v1/challenges/redeem", later).payload, HasSubstr("expired"));
  gateway_->set_policy(policy("{rung: refuse}, {rung: challenge, url: u}"));
  EXPECT_THAT(ask().payload, Not(HasSubstr("challenge")));  // who is refused need not show who it is
}

TEST_F(Ladder, ShapesARateAndSaysWhenToComeBack) {
  start(policy("{rung: delay, per_minute: 2}"));
  label_hostile();
  EXPECT_EQ(ask().payload, kAnswer);  // the first passes at once
  now_ms_ += 29'950;
  const auto begun = std::chrono::file_clock::now();
  EXPECT_EQ(ask().payload, kAnswer);
  EXPECT_GE(std::chrono::file_clock::now() - begun, std::chrono::milliseconds(45));
  Turns turns;
  const base::Time now = base::from_ms(now_ms_);
  const std::chrono::milliseconds longest(60'000);
  // A turn that is further away is not taken.
  for (const int64_t wait : {0, 30'000, 60'000, 90'000, 90'000})
    EXPECT_EQ(turns.take("a", 2, now, longest).count(), wait);
  EXPECT_EQ(turns.take("b", 2, now, longest).count(), 0);
  EXPECT_EQ(turns.take("a", 2, now + longest, longest).count(), 30'000);
}

TEST_F(Ladder, MoreRefusalsThanAllowedWaitForASecondOperator) {
  const auto limited = policy("{rung: refuse}", "refuse_accounts_max: 0, ");
  start(limited);
  label_hostile();
  EXPECT_EQ(ask().payload, kAnswer);
  auto shown = nlohmann::json::parse(admin("GET", "/api/v1/policy").payload);
  EXPECT_EQ(shown["refuse_accounts_max"], 0);
  EXPECT_EQ(shown["decided"][0]["waits"], true);
  EXPECT_EQ(shown["decided"][0]["would"][0], "refuse");
  nlohmann::json approval{{"policy", shown["hash"]}, {"accounts", 5}, {"who", "b"}};
  const std::string path = "/api/v1/policy/approve", second = "Authorization: Bearer second\r\n";
  EXPECT_THAT(admin("POST", path, approval.dump()).raw, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(admin("POST", path, "{}", second).raw, StartsWith("HTTP/1.1 400 "));
  nlohmann::json other = approval;
  other["policy"] = "0000000000000000";
  EXPECT_THAT(admin("POST", path, other.dump(), second).raw, StartsWith("HTTP/1.1 409 "));
  EXPECT_EQ(ask().payload, kAnswer);
  EXPECT_THAT(admin("POST", path, approval.dump(), second).raw, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask().raw, StartsWith("HTTP/1.1 403 "));
  gateway_.reset();
  start(limited);  // what was approved stays so
  EXPECT_THAT(ask().raw, StartsWith("HTTP/1.1 403 "));
  gateway_->set_policy(policy("{rung: refuse, message: other}", "refuse_accounts_max: 0, "));
  EXPECT_EQ(ask().payload, kAnswer);  // another policy is not what was approved
}

pipeline::AccountFinding flagged(const std::string& account, bool is = true) {
  pipeline::AccountFinding f;
  f.account = account;
  f.flagged = is;
  f.verdict = is ? verdict::Verdict::kHarvest : verdict::Verdict::kClear;
  f.evidence.p_value = is ? 1e-6 : 1;
  f.evidence.calibrated = true;
  return f;
}

TEST(Standings, RefuseWhoCameFirstAndLetOthersMoveUp) {
  const auto two = policy("{rung: refuse}", "refuse_accounts_max: 2, ");
  Standings standings(two);
  for (const char* account : {"d", "c", "b", "a"}) standings.update(flagged(account));
  const auto refused = [&] {
    std::string names;
    for (const Standings::Row& row : standings.decided()) names += row.decision.refusal != nullptr ? row.account : "";
    return names;
  };
  EXPECT_EQ(refused(), "cd");
  standings.set_policy(two);
  EXPECT_EQ(refused(), "cd");
  standings.forget("c");
  standings.update(flagged("a"));
  EXPECT_EQ(refused(), "ad");
  standings.update(flagged("d", false));
  standings.update(flagged("b"));
  EXPECT_EQ(refused(), "ab");
  standings.approve({two->hash() + 1, 9, "w"});
  standings.update(flagged("e"));
  EXPECT_EQ(refused(), "ab");
  standings.approve({two->hash(), 9, "w"});
  EXPECT_EQ(refused(), "abe");
}

TEST(Standings, NameTheCampaignThatIsActedOnAsOne) {
  Standings standings(policy("{rung: delay, per_minute: 5, when: {campaign: true}}"));
  standings.set_members({{"a", verdict::CampaignStanding{"c", 0.001, true, {}}}});
  EXPECT_EQ(standings.find("a")->campaign, "c");
  standings.set_policy(policy("{rung: refuse, when: {campaign: true}}"));
  EXPECT_EQ(standings.find("a")->campaign, "");
}

}  // namespace
}  // namespace stillwatch::gateway
