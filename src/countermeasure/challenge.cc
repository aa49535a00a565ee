#include "countermeasure/challenge.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/encoding.h"
#include "base/limits.h"
#include "countermeasure/json_text.h"

namespace stillwatch::countermeasure {
namespace {

using base::Base64;
using base::ErrorCode;

constexpr std::string_view kMagic = "SWC1";

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

ChallengeSigner::ChallengeSigner(std::span<const uint8_t, kSeedBytes> seed) {
  static_assert(crypto_sign_SEEDBYTES == kSeedBytes && crypto_sign_BYTES == 64);
  crypto_sign_seed_keypair(public_.data(), secret_.data(), seed.data());
}

std::string ChallengeSigner::public_key() const {
  return base::to_hex(public_);
}

std::string ChallengeSigner::issue(const Challenge& c) const {
  base::Writer out{std::string(kMagic)};
  out.u64(static_cast<uint64_t>(base::to_ms(c.issued)));
  out.u64(static_cast<uint64_t>(base::to_ms(c.expires)));
  for (const uint8_t byte : c.nonce) out.u8(byte);
  out.text(c.account);
  const std::string payload = out.take();
  std::string signature(crypto_sign_BYTES, '\0');
  crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr, bytes_of(payload), payload.size(),
                       secret_.data());
  return base::to_base64(payload, Base64::kUrl) + "." + base::to_base64(signature, Base64::kUrl);
}

base::Result<Challenge> ChallengeSigner::check(std::string_view token, base::Time now) const {
  const auto none = [] {
    return base::fail(ErrorCode::kInput,
                      "this is no token of this gateway: ask for a new one by making the request again");
  };
  const size_t dot = token.find('.');
  if (token.size() > kChallengeTokenBytesMax || dot == token.npos) return none();
  const auto payload = base::from_base64(token.substr(0, dot), Base64::kUrl);
  const auto signature = base::from_base64(token.substr(dot + 1), Base64::kUrl);
  if (!payload || !signature || signature->size() != crypto_sign_BYTES || !payload->starts_with(kMagic) ||
      crypto_sign_verify_detached(bytes_of(*signature), bytes_of(*payload), payload->size(), public_.data()) != 0)
    return none();
  base::Reader in(std::string_view(*payload).substr(kMagic.size()));
  Challenge c;
  c.issued = base::from_ms(static_cast<int64_t>(in.u64()));
  c.expires = base::from_ms(static_cast<int64_t>(in.u64()));
  for (uint8_t& byte : c.nonce) byte = in.u8();
  c.account = in.text(base::kIdentityBytesMax);
  if (!in.done()) return none();
  if (now >= c.expires)
    return base::fail(ErrorCode::kInput, "this token has expired: ask for a new one by making the request again");
  return c;
}

base::Result<void> Redemptions::redeem(const Challenge& challenge, base::Time now) {
  if (now >= challenge.expires) return base::fail(ErrorCode::kInput, "this token has expired");
  if (by_nonce_.contains(challenge.nonce)) return base::fail(ErrorCode::kInput, "this token was redeemed before");
  if (by_nonce_.size() >= kMax) {
    std::erase_if(by_nonce_, [now](const auto& entry) { return entry.second <= now; });
    if (by_nonce_.size() >= kMax)
      return base::fail(ErrorCode::kInternal, "too many tokens have been redeemed lately: try again later");
  }
  by_nonce_[challenge.nonce] = challenge.expires;
  return {};
}

std::string challenge_body(std::string_view message, std::string_view token, std::string_view url, base::Time expires) {
  return fmt::format(
      R"({{"error":{{"message":{},"type":"verification_required","code":403,"challenge":{{"token":{},"url":{},"expires":"{}"}}}}}})",
      json_string(message), json_string(token), json_string(url), base::format_rfc3339(expires));
}

}  // namespace stillwatch::countermeasure
