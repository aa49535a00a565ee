#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "tidy/rules.h"

namespace stillwatch::tidy {
namespace {

enum class Where { kAll, kOutsideApps, kOutsideAppsAndBenches, kSrc };

struct Ban {
  std::string_view patterns;  // tokens between blanks, alternatives between bars
  Where where;
  std::string_view instead;
};

// Tokens match whole words, unqualified or in std::, so `client.time(nullptr)` and `wire::assert(x)` are free.
constexpr Ban kBans[] = {
    {"rand ( | srand ( | rand_r ( | drand48 ( | random_shuffle", Where::kAll,
     "base::Random: seeded, and the same on every machine"},
    {"mt19937 | mt19937_64 | minstd_rand | default_random_engine | std :: shuffle (", Where::kAll,
     "base::Random: the standard's engines and distributions differ between libraries"},
    {"random_device | include < random >", Where::kOutsideApps, "a base::Random handed in; apps/ draws the seed"},
    {"system_clock :: now | steady_clock | high_resolution_clock | time ( nullptr ) | time ( NULL ) | gettimeofday | "
     "clock_gettime",
     Where::kOutsideAppsAndBenches, "a base::Time or a clock handed in; only apps/ reads the real one"},
    {"stoi ( | stol ( | stoll ( | stoul ( | stoull ( | stof ( | stod ( | atoi ( | atol ( | atoll ( | atof ( | "
     "strtol ( | strtoll ( | strtoul ( | strtoull ( | strtof ( | strtod (",
     Where::kAll, "std::from_chars: no locale, no exception, tells where it stopped"},
    {"printf ( | fprintf ( | puts ( | include < iostream > | std :: cout | std :: cerr | std :: clog", Where::kSrc,
     "text returned to the caller (fmt::format); report/ and apps/ decide where it goes"},
    {"sprintf ( | vsprintf ( | strcpy ( | strncpy ( | strcat ( | strncat (", Where::kAll,
     "fmt::format or std::string: they know their length"},
    {"std :: regex | include < regex >", Where::kAll,
     "a matcher written by hand, linear in its input: std::regex recurses on hostile text"},
    {"throw", Where::kOutsideApps, "base::Result and base::fail: an expected failure is a value"},
    {"assert ( | include < cassert > | include < assert.h >", Where::kAll,
     "a Result, or a type that cannot be wrong; std::abort() in a fuzzer"},
    {"using namespace", Where::kAll, "the names that are used, one by one, or a namespace alias"},
};

bool applies(Where where, std::string_view path) {
  const bool apps = path.starts_with("apps/");
  switch (where) {
    case Where::kAll:
      return true;
    case Where::kOutsideApps:
      return !apps;
    case Where::kOutsideAppsAndBenches:
      return !apps && !path.starts_with("bench/") && !path.ends_with("_bench.cc");
    case Where::kSrc:
      return path.starts_with("src/");
  }
  return true;
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

struct Token {
  std::string_view text;
  size_t line;
};

std::vector<Token> tokens_of(std::string_view code) {
  std::vector<Token> tokens;
  size_t line = 1;
  for (size_t at = 0; at < code.size();) {
    if (code[at] == '\n') ++line;
    if (std::isspace(static_cast<unsigned char>(code[at])) != 0) {
      ++at;
      continue;
    }
    size_t end = at + 1;
    if (is_word(code[at])) {
      while (end < code.size() && is_word(code[end])) ++end;
    } else if (code.substr(at, 2) == "::" || code.substr(at, 2) == "->") {
      end = at + 2;
    }
    tokens.push_back({code.substr(at, end - at), line});
    at = end;
  }
  return tokens;
}

// A member, or a name of somebody else's namespace, is not what the ban is about.
bool is_foreign(const std::vector<Token>& tokens, size_t at) {
  if (at == 0) return false;
  const std::string_view before = tokens[at - 1].text;
  if (before == "." || before == "->") return true;
  if (before != "::" || at < 2) return false;
  const std::string_view scope = tokens[at - 2].text;
  return is_word(scope.front()) && scope != "std" && scope != "chrono" && scope != "return";
}

bool matches(const std::vector<Token>& tokens, size_t at, const std::vector<std::string_view>& pattern) {
  if (at + pattern.size() > tokens.size() || is_foreign(tokens, at)) return false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (tokens[at + i].text != pattern[i]) return false;
  }
  return true;
}

std::vector<std::vector<std::string_view>> alternatives_of(std::string_view patterns) {
  std::vector<std::vector<std::string_view>> alternatives(1);
  for (const std::string_view word : words_of(patterns)) {
    if (word == "|") {
      alternatives.emplace_back();
    } else {
      alternatives.back().push_back(word);
    }
  }
  return alternatives;
}

void check_calls(const File& file, Findings& findings) {
  const std::vector<Token> tokens = tokens_of(file.code);
  for (const Ban& ban : kBans) {
    if (!applies(ban.where, file.path)) continue;
    for (const std::vector<std::string_view>& pattern : alternatives_of(ban.patterns)) {
      for (size_t at = 0; at < tokens.size(); ++at) {
        if (!matches(tokens, at, pattern)) continue;
        std::string shown;
        for (const std::string_view token : pattern) shown += fmt::format("{}{}", is_word(token[0]) ? " " : "", token);
        findings.push_back({file.path, tokens[at].line, fmt::format("banned:{}; instead: {}", shown, ban.instead)});
      }
    }
  }
}

// What is unfinished, and what holds on one machine only: looked for in comments and documents too.
void check_words(const File& file, Findings& findings) {
  static constexpr std::array<std::string_view, 2> kUnfinished = {"TODO", "FIXME"};
  static constexpr std::array<std::string_view, 3> kLocal = {"/work", "/home", "/root"};
  const std::vector<std::string_view> lines = lines_of(file.text);
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line = lines[i];
    const auto stands_alone = [&](std::string_view word, std::string_view joiners) {
      const auto joined = [&](char c) { return is_word(c) || joiners.find(c) != std::string_view::npos; };
      for (size_t at = line.find(word); at != std::string_view::npos; at = line.find(word, at + 1)) {
        const size_t end = at + word.size();
        if ((at == 0 || !joined(line[at - 1])) && (end == line.size() || !is_word(line[end]))) return true;
      }
      return false;
    };
    for (const std::string_view word : kUnfinished) {
      if (stands_alone(word, "")) {
        findings.push_back({file.path, i + 1, fmt::format("{}: do it now, or write down why not", word)});
      }
    }
    for (const std::string_view path : kLocal) {
      if (stands_alone(path, "./-*}")) {
        findings.push_back({file.path, i + 1, fmt::format("{}: a path of one machine; make it relative", path)});
      }
    }
  }
}

// Text of ours, not data: prompts and fixtures may say what they like.
bool is_ours(std::string_view path) {
  if (path.starts_with("tools/tidy/")) return false;  // names what it bans
  static constexpr std::array<std::string_view, 4> kData = {".txt", ".jsonl", ".json", ".yaml"};
  const bool data = std::any_of(kData.begin(), kData.end(), [&](std::string_view end) { return path.ends_with(end); });
  return is_text(path) && (!data || name_of(path) == "CMakeLists.txt");
}

}  // namespace

Findings check_bans(const Tree& tree) {
  Findings findings;
  for (const File& file : tree) {
    if (is_cpp(file.path)) check_calls(file, findings);
    if (is_ours(file.path)) check_words(file, findings);
  }
  return findings;
}

}  // namespace stillwatch::tidy
