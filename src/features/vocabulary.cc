#include "features/vocabulary.h"

#include <algorithm>
#include <cstring>

#include "features/assets.h"
#include "features/tokens.h"

namespace stillwatch::features {
namespace {

constexpr std::string_view kMagic = "stillwatch embedding\n";

template <typename T>
T take(std::string_view& file) {
  T value{};
  std::memcpy(&value, file.data(), std::min(file.size(), sizeof value));
  file.remove_prefix(std::min(file.size(), sizeof value));
  return value;
}

}  // namespace

const Vocabulary& Vocabulary::shipped() {
  static const Vocabulary instance(assets::embedding());
  return instance;
}

Vocabulary::Vocabulary(std::string_view file) : slots_(size_t{kMask} + 1) {
  // The file is part of the program: a fault in it leaves a vocabulary without words, which tests would show.
  if (file.substr(0, kMagic.size()) != kMagic) return;
  file.remove_prefix(kMagic.size());
  const auto version = take<uint32_t>(file);
  const auto words = take<uint32_t>(file);
  const auto size = take<uint32_t>(file);
  const auto text_size = take<uint32_t>(file);
  rms_ = static_cast<unsigned char>(take<char>(file));
  mean_ = take<Embedding>(file);
  if (version != kEmbeddingVersion || size != kEmbeddingSize || words >= kMask / 2) return;
  if (file.size() != text_size + size_t{words} * kEmbeddingSize) return;

  std::string_view text = file.substr(0, text_size);
  rows_ = reinterpret_cast<const int8_t*>(file.data() + text_size);
  for (uint32_t row = 0; row < words; ++row) {
    const std::string_view word = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    const uint64_t hash = word_hash(word);
    if (row_of(hash) != nullptr) continue;  // the more frequent of two words with one key keeps it
    uint32_t slot = static_cast<uint32_t>(hash) & kMask;
    while (slots_[slot].row != kEmpty) slot = (slot + 1) & kMask;
    slots_[slot] = {static_cast<uint16_t>(static_cast<uint32_t>(hash) >> 16), static_cast<uint16_t>(row)};
  }
}

}  // namespace stillwatch::features
