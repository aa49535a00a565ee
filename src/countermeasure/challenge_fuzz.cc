// Any bytes as a token.
#include "countermeasure/challenge.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace cm = stillwatch::countermeasure;
  static const cm::ChallengeSigner signer(std::array<uint8_t, cm::ChallengeSigner::kSeedBytes>{});
  static_cast<void>(
      signer.check({reinterpret_cast<const char*>(data), size}, stillwatch::base::from_ms(1'772'445'600'000)));
  return 0;
}
