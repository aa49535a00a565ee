// A client address as a key: the /24 of IPv4, the /48 of IPv6 (one customer's usual share). An IPv4 address inside IPv6
// counts as IPv4. 0 for what is not an address.
#pragma once

#include <cstdint>
#include <string_view>

namespace stillwatch::features {

uint64_t network_key(std::string_view address);

}  // namespace stillwatch::features
