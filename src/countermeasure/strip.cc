#include "countermeasure/strip.h"

namespace stillwatch::countermeasure {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

}  // namespace

// A string is held while it could be `"member"` and let go as soon as it cannot. JSON may spell a name with escapes; a
// model server does not, and one that did would be passed.
void MemberStripper::step(char c, std::string& out) {
  switch (state_) {
    case State::kOutside:
      outside(c, out);
      break;
    case State::kString: {  // held_ is a prefix of the quoted name, or empty for any other string
      if (held_.empty()) {
        out += c;
        if (escaped_) {
          escaped_ = false;
        } else if (c == '\\') {
          escaped_ = true;
        } else if (c == '"' || c == '\n') {  // no string goes over a line: the stream is no JSON, begin anew
          state_ = State::kOutside;
        }
        break;
      }
      const size_t at = held_.size() - 1;
      if (at < member_.size() && c == member_[at]) {
        held_ += c;
      } else if (at == member_.size() && c == '"') {
        held_ += c;
        state_ = State::kAfterName;
      } else {
        out += held_;
        held_.clear();
        step(c, out);
      }
      break;
    }
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
  escaped_ = false;
  state_ = State::kString;
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
