// Text into the words that byte pair encoding does not cross, by hand what GPT-2's and its successors' regular
// expressions say (linear in the text, whatever it is).
//
// Letters, numbers and spaces are Unicode's; a byte that is no UTF-8 counts as punctuation. Thread rule: pure function.
// Sources: the pattern in GPT-2's encoder (Radford et al. 2019); those in the tokenizer.json of Qwen2 and Llama 3.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace stillwatch::model {

enum class Pattern : uint8_t {
  kWhole,   // no splitting
  kGpt2,    // ` ?letters`, ` ?numbers`, ` ?others`, spaces
  kModern,  // a word may begin with one sign; line ends keep together; numbers in groups of digits_max
};

struct Split {
  Pattern pattern = Pattern::kGpt2;
  uint8_t digits_max = 1;      // kModern: digits that may be one word
  bool single_digits = false;  // every digit is split off first (SmolLM)
  bool operator==(const Split&) const = default;
};

// Calls visit(word) for the words of `text` in their order; together they are the text.
void each_word(std::string_view text, const Split& split, const std::function<void(std::string_view)>& visit);

struct CodePoint {
  int32_t value;  // -1: no UTF-8
  size_t bytes;
};
CodePoint first_code_point(std::string_view text);

}  // namespace stillwatch::model
