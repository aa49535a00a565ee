// Any bytes as a profile: refused, or read to a profile that writes the same bytes' meaning again and stays within
// bounds.
#include <cstdlib>

#include "base/limits.h"
#include "profile/profile.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using stillwatch::profile::Profile;
  const auto profile = Profile::parse({reinterpret_cast<const char*>(data), size});
  if (!profile) return 0;
  if (profile->bytes() > stillwatch::base::kProfileBytesMax) std::abort();
  const auto again = Profile::parse(profile->serialize());
  if (!again || !(*again == *profile)) std::abort();
  Profile merged = *profile;
  merged.merge(*again);
  if (merged.exchanges() != 2 * profile->exchanges()) std::abort();
  return 0;
}
