#include "countermeasure/challenge.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace stillwatch::countermeasure {
namespace {

using testing::HasSubstr;

const base::Time kNow = base::from_ms(1'772'445'600'000);

ChallengeSigner signer(uint8_t first) {
  std::array<uint8_t, ChallengeSigner::kSeedBytes> seed{};
  seed[0] = first;
  return ChallengeSigner(seed);
}

Challenge challenge(uint8_t nonce = 1) {
  return {"acct_1", kNow, base::from_ms(base::to_ms(kNow) + 60'000), {nonce}};
}

TEST(Challenge, IsReadBackByWhoSignedIt) {
  const ChallengeSigner s = signer(1);
  const std::string token = s.issue(challenge());
  const auto read = s.check(token, kNow);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->account, "acct_1");
  EXPECT_EQ(read->issued, kNow);
  EXPECT_EQ(read->nonce, challenge().nonce);
  EXPECT_LE(s.issue({std::string(256, 'a'), kNow, kNow, {}}).size(), kChallengeTokenBytesMax);
  EXPECT_EQ(s.public_key().size(), 64u);
}

TEST(Challenge, IsNothingOnceChanged) {
  const ChallengeSigner s = signer(1);
  const std::string token = s.issue(challenge());
  EXPECT_FALSE(signer(2).check(token, kNow));
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(s.check(changed, kNow)) << i;
  }
  for (const std::string& bad :
       {std::string(), std::string("."), token + "A", "A" + token, token + "." + token, std::string(5000, 'A')}) {
    EXPECT_FALSE(s.check(bad, kNow));
  }
}

TEST(Challenge, Expires) {
  const ChallengeSigner s = signer(1);
  const auto late = s.check(s.issue(challenge()), challenge().expires);
  ASSERT_FALSE(late);
  EXPECT_THAT(late.error().message, HasSubstr("expired"));
}

TEST(Redemptions, RedeemOnce) {
  Redemptions redemptions;
  EXPECT_TRUE(redemptions.redeem(challenge(1), kNow));
  EXPECT_FALSE(redemptions.redeem(challenge(1), kNow));
  EXPECT_TRUE(redemptions.redeem(challenge(2), kNow));
  EXPECT_FALSE(redemptions.redeem(challenge(3), challenge().expires));
}

TEST(Redemptions, AreBounded) {
  Redemptions redemptions;
  for (uint32_t i = 0; i < Redemptions::kMax; ++i) {
    Challenge c = challenge();
    for (int b = 0; b < 4; ++b) c.nonce[b] = static_cast<uint8_t>(i >> (8 * b));
    ASSERT_TRUE(redemptions.redeem(c, kNow));
  }
  Challenge more = challenge();
  more.nonce[15] = 1;
  EXPECT_FALSE(redemptions.redeem(more, kNow));
  more.issued = challenge().expires;
  more.expires = base::from_ms(base::to_ms(more.issued) + 1000);
  EXPECT_TRUE(redemptions.redeem(more, more.issued));  // the others have expired
  EXPECT_EQ(redemptions.size(), 1u);
}

TEST(ChallengeBody, IsWhatTheDocumentSays) {
  const auto body =
      nlohmann::json::parse(challenge_body("Please \"verify\".", "t.s", "https://example.org/verify", kNow));
  EXPECT_EQ(
      body,
      (nlohmann::json{
          {"error",
           {{"message", "Please \"verify\"."},
            {"type", "verification_required"},
            {"code", 403},
            {"challenge",
             {{"token", "t.s"}, {"url", "https://example.org/verify"}, {"expires", "2026-03-02T10:00:00.000Z"}}}}}}));
}

}  // namespace
}  // namespace stillwatch::countermeasure
