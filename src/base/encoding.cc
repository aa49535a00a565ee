#include "base/encoding.h"

#include <sodium.h>

namespace stillwatch::base {
namespace {

int variant_of(Base64 form) {
  return form == Base64::kUrl ? sodium_base64_VARIANT_URLSAFE_NO_PADDING : sodium_base64_VARIANT_ORIGINAL;
}

}  // namespace

std::string to_base64(std::string_view bytes, Base64 form) {
  std::string out(sodium_base64_encoded_len(bytes.size(), variant_of(form)), '\0');
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                    variant_of(form));
  out.pop_back();  // its final zero
  return out;
}

std::optional<std::string> from_base64(std::string_view text, Base64 form) {
  std::string out(text.size(), '\0');
  size_t size = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(), text.size(), nullptr,
                        &size, nullptr, variant_of(form)) != 0)
    return std::nullopt;
  out.resize(size);
  return out;
}

std::string to_hex(std::span<const uint8_t> bytes) {
  std::string out(2 * bytes.size() + 1, '\0');
  sodium_bin2hex(out.data(), out.size(), bytes.data(), bytes.size());
  out.pop_back();  // its final zero
  return out;
}

}  // namespace stillwatch::base
