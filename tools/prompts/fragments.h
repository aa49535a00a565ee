// Hand-written fragments from which the shipped prompts are put together. {s} is a subject, {a} {b} {c} are words that
// belong to it, {n} {m} are numbers.
#pragma once

#include <span>
#include <string_view>

namespace stillwatch::prompts {

struct Subject {
  std::string_view name, a, b, c;
};

struct Language {
  std::string_view code;
  std::span<const Subject> subjects;
  std::span<const std::string_view> openers;
  std::span<const std::string_view> follow_ups;
};

std::span<const Subject> subjects();          // English
std::span<const std::string_view> openers();  // what people write first
std::span<const std::string_view> follow_ups();
std::span<const std::string_view> replies();    // what an assistant says in between
std::span<const std::string_view> tasks();      // what a broad instruction set asks
std::span<const std::string_view> templates();  // of honest pipelines
std::span<const std::string_view> intents();    // of a help desk, phrasings separated by |
std::span<const Language> languages();          // other than English

}  // namespace stillwatch::prompts
