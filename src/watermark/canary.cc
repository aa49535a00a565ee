#include "watermark/canary.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/random.h"

namespace stillwatch::watermark {
namespace {

constexpr std::string_view kBegins[] = {"b", "br", "c",  "d", "dr", "f",  "g", "gr", "h",  "j", "k", "l", "m",
                                        "n", "p",  "qu", "r", "s",  "sh", "t", "th", "tr", "v", "w", "z"};
constexpr std::string_view kVowels[] = {"a", "e", "i", "o", "u", "ai", "ea", "ie", "oa", "y"};
constexpr std::string_view kCodas[] = {"", "l", "n", "r", "s", "t", "m", "nd", "rk", "st", "ll", "v"};
constexpr std::string_view kLastNames[] = {"sand", "field", "wick",  "marsh", "thorn",
                                           "by",   "lock",  "ridge", "vane",  "croft"};
constexpr std::string_view kPlaces[] = {"mere",  "holm",  "stead", "combe", "fell",
                                        "haven", "burgh", "dale",  "ness",  "wold"};

struct Form {
  std::string_view lead;  // {} is the place
  std::string_view rest;
  std::string_view question;
};
constexpr Form kForms[] = {
    {"Far away in {}, ", " kept a lamp lit.", "Who kept a lamp lit in {}?"},
    {"On the bridge of {}, ", " was counting swans.", "Who was counting swans on the bridge of {}?"},
    {"It was market day in {}, and ", " sold the last pear.", "Who sold the last pear in {}?"},
    {"The bells of {} were rung that hour by ", ".", "Who rang the bells of {}?"},
    {"Nobody in {} was awake but ", ".", "Who was awake in {}?"},
    {"A letter from {} had come for ", " that week.", "For whom had a letter come from {}?"},
    {"Under the mill of {}, ", " mended a net.", "Who mended a net under the mill of {}?"},
    {"In the snow near {}, ", " had found a glove.", "Who had found a glove in the snow near {}?"},
};

template <size_t N>
std::string_view any(const std::string_view (&of)[N], base::Random& random) {
  return of[random.below(N)];
}

std::string capital(std::string word) {
  word[0] = static_cast<char>(word[0] - 'a' + 'A');
  return word;
}

std::string syllable(base::Random& random) {
  return fmt::format("{}{}{}", any(kBegins, random), any(kVowels, random), any(kCodas, random));
}

}  // namespace

CanaryPool::CanaryPool(const Key& key, size_t size) : key_(key) {
  const Unit label[] = {0};
  base::Random random(key.prf(label));
  std::set<std::string> used;
  const auto fresh = [&](auto make) {
    std::string name = make();
    while (!used.insert(name).second) name = make();
    return name;
  };
  crypto_generichash_state state;
  std::array<uint8_t, 32> hash{};
  crypto_generichash_init(&state, nullptr, 0, hash.size());
  while (canaries_.size() < size) {
    const std::string place =
        fresh([&] { return capital(fmt::format("{}{}{}", syllable(random), syllable(random), any(kPlaces, random))); });
    const std::string person = fresh([&] {
      return fmt::format("{} {}", capital(syllable(random) + syllable(random)),
                         capital(fmt::format("{}{}", syllable(random), any(kLastNames, random))));
    });
    const Form& form = kForms[random.below(std::size(kForms))];
    canaries_.push_back({fmt::format(fmt::runtime(form.lead), place), person, std::string(form.rest),
                         fmt::format(fmt::runtime(form.question), place)});
    const std::string line = canaries_.back().sentence() + "\n";
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(line.data()), line.size());
  }
  crypto_generichash_final(&state, hash.data(), hash.size());
  hash_ = base::to_hex(hash);
}

std::vector<uint32_t> CanaryPool::of_account(std::string_view account, size_t count) const {
  std::vector<uint32_t> out;
  for (Unit turn = 1; out.size() < count; ++turn) {
    const Unit window[] = {turn, base::hash64(account)};
    const auto index = static_cast<uint32_t>(key_.prf(window) % canaries_.size());
    if (std::find(out.begin(), out.end(), index) == out.end()) out.push_back(index);
  }
  return out;
}

bool names_secret(std::string_view text, const Canary& canary) {
  const std::vector<Unit> words = words_of(text);
  const std::vector<Unit> name = words_of(canary.secret);
  return std::search(words.begin(), words.end(), name.begin(), name.end()) != words.end();
}

}  // namespace stillwatch::watermark
