#include "countermeasure/strip.h"

namespace stillwatch::countermeasure {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

}  // namespace

// A string is held while it could be `"member"`, however it is spelt, and let go as soon as it cannot.
void MemberStripper::step(char c, std::string& out) {
  switch (state_) {
    case State::kOutside:
      outside(c, out);
      break;
    case State::kName:
      name(c, out);
      break;
    case State::kString:
      out += c;
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"' || c == '\n') {  // no string goes over a line: the stream is no JSON, begin anew
        state_ = State::kOutside;
      }
      break;
    case State::kAfterName:
      if (is_space(c)) {
        held_ += c;
      } else {
        out += held_;
        held_.clear();
        if (c == ':') {
          out += c;
          state_ = State::kBeforeValue;
        } else {  // the string was a value
          state_ = State::kOutside;
          outside(c, out);
        }
      }
      break;
    case State::kBeforeValue:
      if (is_space(c)) {
        out += c;
      } else if (c == '{' || c == '[') {
        out += c == '[' ? "[]" : "null";
        depth_ = 1;
        in_nested_string_ = escaped_ = false;
        state_ = State::kNested;
      } else if (c == '"') {
        out += "null";
        escaped_ = false;
        state_ = State::kStringValue;
      } else {
        out += "null";
        state_ = State::kScalar;
        step(c, out);
      }
      break;
    case State::kScalar:
      if (is_space(c) || c == ',' || c == '}' || c == ']') {
        state_ = State::kOutside;
        outside(c, out);
      }
      break;
    case State::kStringValue:
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        state_ = State::kOutside;
      }
      break;
    case State::kNested:
      if (in_nested_string_) {
        if (escaped_) {
          escaped_ = false;
        } else if (c == '\\') {
          escaped_ = true;
        } else if (c == '"') {
          in_nested_string_ = false;
        }
      } else if (c == '"') {
        in_nested_string_ = true;
      } else if (c == '{' || c == '[') {
        ++depth_;
      } else if ((c == '}' || c == ']') && --depth_ == 0) {
        state_ = State::kOutside;
      }
      break;
  }
}

void MemberStripper::outside(char c, std::string& out) {
  if (c != '"') {
    out += c;
    return;
  }
  held_ = c;
  matched_ = 0;
  escape_ = {};
  state_ = State::kName;
}

// held_ spells the first matched_ characters of the name and, where an escape has begun, a part of that.
void MemberStripper::name(char c, std::string& out) {
  const auto let_go = [&](State state) {
    out += held_;
    held_.clear();
    escaped_ = false;
    state_ = state;
  };
  if (escape_.length == 0 && c == '"' && matched_ == member_.size()) {
    held_ += c;
    state_ = State::kAfterName;
    return;
  }
  std::optional<char> spelt = c;
  if (escape_.length > 0) {
    spelt = escape_.take(c);
    if (escape_.length > 0) {  // not at its end
      held_ += c;
      return;
    }
    if (!spelt) {  // no escape of an ASCII character; `c` may be the end of the string
      let_go(State::kString);
      return step(c, out);
    }
  } else if (c == '\\') {
    held_ += c;
    escape_.length = 1;
    return;
  } else if (c == '"' || c == '\n') {
    let_go(State::kString);
    return step(c, out);
  }
  held_ += c;
  if (matched_ < member_.size() && *spelt == member_[matched_]) {
    ++matched_;
  } else {
    let_go(State::kString);
  }
}

// The character that is spelt, at the end of the escape; length is 0 there, or where it is none.
std::optional<char> MemberStripper::Escape::take(char c) {
  constexpr size_t kUnicodeLength = 6;  // of \u006c
  if (length == 1) {
    constexpr std::string_view kLetters = "\"\\/bfnrt", kSpelt = "\"\\/\b\f\n\r\t";
    if (c == 'u') {
      code = 0;
      ++length;
      return std::nullopt;
    }
    length = 0;
    const size_t at = kLetters.find(c);
    return at == kLetters.npos ? std::nullopt : std::optional(kSpelt[at]);
  }
  const int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
  if (digit < 0) {
    length = 0;
    return std::nullopt;
  }
  code = code * 16 + static_cast<uint32_t>(digit);
  if (++length < kUnicodeLength) return std::nullopt;
  length = 0;
  return code < 0x80 ? std::optional(static_cast<char>(code)) : std::optional('\x7f');  // in no name
}

void MemberStripper::pass(std::string_view bytes, std::string& out) {
  for (const char c : bytes) step(c, out);
}

void MemberStripper::finish(std::string& out) {
  out += held_;
  held_.clear();
  state_ = State::kOutside;
}

}  // namespace stillwatch::countermeasure
