// What a mark is laid over: units, 64-bit numbers. At the token level a unit is the token's id; of text it is a hash of
// a word, so that a student with any tokenizer can be tested. The byte-exact rules are in docs/formats/watermark.md.
//
// Words: runs of letters and digits, ASCII folded to lower case; ideographs, kana and letters of scripts without spaces
// are words of their own; everything else, invalid UTF-8 included, only separates. Thread rule: pure functions. Bounds:
// linear in the text.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace stillwatch::watermark {

using Unit = uint64_t;

// Appends the words of `text`.
void append_words(std::string_view text, std::vector<Unit>& out);
std::vector<Unit> words_of(std::string_view text);

// Bytes up to the end of the first sentence, its closing quotes included; the whole length if it does not end in
// `text`. A full stop, question or exclamation mark ends a sentence where white space or the text's end follows, a line
// break and an ideographic full stop always; none in the first 20 bytes.
size_t sentence_end(std::string_view text);

}  // namespace stillwatch::watermark
