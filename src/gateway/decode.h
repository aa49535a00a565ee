// Encoded bodies in the clear, for reading beside the relay: gzip, deflate, br, zstd (RFC 9110, section 8.4.1; RFC
// 7932; RFC 8878), one after the other where several are named.
//
// Hostile input: what decodes to more than `size_max`, or not at all, is refused; a body that was cut gives what came
// before. Thread rule: pure function.
#pragma once

#include <string>
#include <string_view>

namespace stillwatch::gateway {

// `encoding` as in Content-Encoding; "" and "identity" copy. False if it is unknown, broken or too large.
bool decode(std::string_view encoding, std::string_view bytes, size_t size_max, std::string& out);

}  // namespace stillwatch::gateway
