// Bytes as text: base64 (RFC 4648) and hexadecimal, by libsodium. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace stillwatch::base {

enum class Base64 : uint8_t { kStandard, kUrl };  // padded; for addresses, without padding

std::string to_base64(std::string_view bytes, Base64 form = Base64::kStandard);
// Nothing for what is anything else, white space included.
std::optional<std::string> from_base64(std::string_view text, Base64 form = Base64::kStandard);

std::string to_hex(std::span<const uint8_t> bytes);  // in lower case

}  // namespace stillwatch::base
