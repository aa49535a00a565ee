#include "gateway/redact.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace stillwatch::gateway {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_space(char c) {
  return static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
}
// Of addresses, keys and names: everything that is not space or a mark that stands around words.
bool is_word(char c) {
  return is_alpha(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80 ||
         std::string_view("_-+.%/=~@:").find(c) != std::string_view::npos;
}

bool contains_folded(std::string_view text, std::string_view lower) {
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  return std::search(text.begin(), text.end(), lower.begin(), lower.end(), same) != text.end();
}

// API_KEY, aws-secret, PGPASSWORD, token.
bool names_secret(std::string_view name) {
  constexpr std::array<std::string_view, 10> kNames = {"key",   "token",      "secret", "passw",  "pwd",
                                                       "passp", "credential", "auth",   "cookie", "session"};
  return std::any_of(kNames.begin(), kNames.end(), [&](std::string_view n) { return contains_folded(name, n); });
}

// A name as environments have them: upper case, and more than one word or one that names a secret.
bool is_environment_name(std::string_view word) {
  return word.size() >= 3 && names_secret(word) && std::all_of(word.begin(), word.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
         });
}

bool has_key_prefix(std::string_view word) {
  constexpr std::array<std::string_view, 12> kPrefixes = {"sk-", "pk-",  "rk_",  "sk_",  "ghp_", "gho_",
                                                          "xox", "AKIA", "ASIA", "AIza", "eyJ",  "hf_"};
  return word.size() >= 12 &&
         std::any_of(kPrefixes.begin(), kPrefixes.end(), [&](std::string_view p) { return word.starts_with(p); });
}

// A stretch of sixteen characters and more without a mark of language in it, letters and digits mixed: a key, a hash.
bool looks_random(std::string_view word) {
  constexpr size_t kLengthMin = 16;
  size_t run = 0, digits = 0, letters = 0;
  for (const char c : word) {
    if (!is_alpha(c) && !is_digit(c) && c != '_' && c != '-' && c != '+' && c != '/' && c != '=') {
      run = digits = letters = 0;
      continue;
    }
    ++run;
    digits += is_digit(c);
    letters += is_alpha(c);
    if (run >= kLengthMin && digits >= 2 && letters >= 2) return true;
  }
  return false;
}

bool is_email(std::string_view word) {
  const size_t at = word.find('@');
  return at != word.npos && at > 0 && word.find('.', at) != word.npos && at + 1 < word.size();
}

// What of a URL says where it leads: its path may hold a key as any word may.
std::string url(std::string_view word, size_t scheme) {
  const size_t host = scheme + 3;
  const size_t end = std::min(word.find_first_of("/", host), word.size());
  std::string out(word.substr(0, host));
  const size_t user = word.substr(host, end - host).rfind('@');
  if (user != word.npos) out += "[user]@";
  std::string_view rest = word.substr(user == word.npos ? host : host + user + 1);
  if (looks_random(rest.substr(std::min(rest.find('/'), rest.size())))) {
    out += rest.substr(0, rest.find('/'));
    return out + "/[path]";
  }
  return out.append(rest);
}

// One word, without the space and marks around it; `after_secret` where the words before it say that it is one.
std::string redacted_word(std::string_view word, bool after_secret) {
  if (const size_t scheme = word.find("://"); scheme != word.npos && scheme > 0) return url(word, scheme);
  if (is_email(word)) return "[email]";
  if (after_secret || is_environment_name(word) || has_key_prefix(word) || looks_random(word)) return "[secret]";
  const size_t sign = word.find_first_of("=:");
  if (sign != word.npos && sign + 1 < word.size() && names_secret(word.substr(0, sign))) return "[secret]";
  return std::string(word);
}

// Runs of digits, with what stands between the parts of telephone numbers: seven digits in all, or six in a row.
std::string without_numbers(std::string_view text) {
  constexpr size_t kInARow = 6, kInAll = 7;
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (!is_digit(text[at])) {
      out += text[at++];
      continue;
    }
    size_t end = at, digits = 0, row = 0, longest = 0;
    for (size_t i = at; i < text.size(); ++i) {
      if (is_digit(text[i])) {
        ++digits;
        longest = std::max(longest, ++row);
        end = i + 1;
      } else if (std::string_view(" .-()/").find(text[i]) != std::string_view::npos && i < end + 3) {
        row = 0;
      } else {
        break;
      }
    }
    if (digits >= kInAll || longest >= kInARow) {
      out += "[number]";
    } else {
      out += text.substr(at, end - at);
    }
    at = end;
  }
  return out;
}

// Private keys as OpenSSL writes them, to their end or that of the text.
void drop_private_keys(std::string& text) {
  constexpr std::string_view kBegin = "-----BEGIN ", kEnd = "-----END ";
  for (size_t at = text.find(kBegin); at != text.npos; at = text.find(kBegin, at)) {
    size_t end = text.find(kEnd, at);
    if (end != text.npos) end = text.find("-----", end + kEnd.size());
    end = end == text.npos ? text.size() : end + 5;
    text.replace(at, end - at, "[secret]");
  }
}

}  // namespace

std::string redact(std::string_view text, size_t bytes_max) {
  const bool cut = text.size() > kRedactedFrom * bytes_max;
  std::string source(text.substr(0, kRedactedFrom * bytes_max));
  if (cut) {  // a key cut in two would no longer look like one
    while (!source.empty() && !is_space(source.back())) source.pop_back();
  }
  drop_private_keys(source);
  std::string words;
  bool named = false, after_secret = false;  // the word before names a secret; the next one is one
  for (size_t at = 0; at < source.size();) {
    if (!is_word(source[at])) {
      const char c = source[at++];
      words += is_space(c) && c != '\n' ? ' ' : c;
      // The query of a URL, up to the next space.
      if ((c == '?' || c == '#') && words.size() > 1 && at < source.size() && !is_space(source[at]) &&
          words.find("://", words.find_last_of(" \n\"'(<", words.size() - 2) + 1) != words.npos) {
        while (at < source.size() && !is_space(source[at])) ++at;
        words += "[query]";
      }
      continue;
    }
    size_t end = at;
    while (end < source.size() && is_word(source[end])) ++end;
    size_t tail = end;  // marks of the sentence
    while (tail > at && std::string_view(".:=,").find(source[tail - 1]) != std::string_view::npos) --tail;
    const std::string_view word = std::string_view(source).substr(at, tail - at);
    const std::string_view marks = std::string_view(source).substr(tail, end - tail);
    words += word.empty() ? std::string() : redacted_word(word, after_secret);
    words += marks;
    // `Bearer X`, `password: X`, `API_KEY = X`, `password is X`.
    const bool sign = marks.find_first_of(":=") != marks.npos;
    const bool between = word.empty() || word == "is";
    after_secret = contains_folded(word, "bearer") || (names_secret(word) && sign) ||
                   (between && (after_secret || (named && (sign || word == "is"))));
    named = names_secret(word) || (named && between);
    at = end;
  }
  std::string out = without_numbers(words);
  if (out.size() > bytes_max) {
    out.resize(bytes_max);
    while (!out.empty() && !is_space(out.back())) out.pop_back();
  }
  while (!out.empty() && is_space(out.back())) out.pop_back();
  return out;
}

}  // namespace stillwatch::gateway
