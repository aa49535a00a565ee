// A whole answer of chat completions or messages, as bytes: what it says, what it cost, and its events if it had been
// streamed. Private to the module.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "countermeasure/json_text.h"

namespace stillwatch::countermeasure {

// A member that is a number, and nothing else.
std::optional<double> number_at(const JsonText& json, JsonText::Node object, std::string_view key);
// There, and not null.
bool there(const JsonText& json, JsonText::Node n);

// Sets a member of the whole document, whether it is there or not.
void set_member(JsonText& json, std::string_view key, std::string value);

// The visible text of a choice or, for kNone, of the whole answer.
std::string text_of(const JsonText& json, JsonText::Node choice);

// Output tokens, as told; 0 if they are not.
uint64_t tokens_of(const JsonText& json);
void set_usage(JsonText& json, uint64_t tokens);

}  // namespace stillwatch::countermeasure
