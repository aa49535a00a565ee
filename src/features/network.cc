#include "features/network.h"

#include <arpa/inet.h>

#include <cstring>

#include "base/hash.h"

namespace stillwatch::features {

uint64_t network_key(std::string_view address) {
  char text[INET6_ADDRSTRLEN + 1];
  if (address.empty() || address.size() >= sizeof text) return 0;
  std::memcpy(text, address.data(), address.size());
  text[address.size()] = '\0';
  unsigned char bytes[16];
  if (inet_pton(AF_INET, text, bytes) == 1) return base::hash64({reinterpret_cast<char*>(bytes), 3}, 4);
  if (inet_pton(AF_INET6, text, bytes) != 1) return 0;
  static constexpr unsigned char kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::memcmp(bytes, kMapped, sizeof kMapped) == 0) {
    return base::hash64({reinterpret_cast<char*>(bytes) + 12, 3}, 4);
  }
  return base::hash64({reinterpret_cast<char*>(bytes), 6}, 6);
}

}  // namespace stillwatch::features
