#include "countermeasure/json_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"

namespace stillwatch::countermeasure {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

int hex_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The four digits behind \u; -1 if they are none.
int32_t unit_at(std::string_view text, size_t at) {
  if (at + 4 > text.size()) return -1;
  int32_t unit = 0;
  for (size_t i = at; i < at + 4; ++i) {
    const int digit = hex_of(text[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

void append_utf8(uint32_t c, std::string& out) {
  const auto byte = [&](uint32_t b) { out += static_cast<char>(b); };
  if (c < 0x80) {
    byte(c);
  } else if (c < 0x800) {
    byte(0xc0 | c >> 6);
    byte(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    byte(0xe0 | c >> 12);
    byte(0x80 | (c >> 6 & 0x3f));
    byte(0x80 | (c & 0x3f));
  } else {
    byte(0xf0 | c >> 18);
    byte(0x80 | (c >> 12 & 0x3f));
    byte(0x80 | (c >> 6 & 0x3f));
    byte(0x80 | (c & 0x3f));
  }
}

// Of a string with its quotes, that a parser has let pass.
std::string unescaped(std::string_view raw) {
  std::string out;
  for (size_t i = 1; i + 1 < raw.size(); ++i) {
    if (raw[i] != '\\') {
      out += raw[i];
      continue;
    }
    const char c = raw[++i];
    constexpr std::string_view kNames = "bfnrt";
    constexpr std::string_view kValues = "\b\f\n\r\t";
    if (const size_t at = kNames.find(c); at != kNames.npos) {
      out += kValues[at];
    } else if (c != 'u') {
      out += c;
    } else {
      auto unit = static_cast<uint32_t>(unit_at(raw, i + 1));
      i += 4;
      if (unit >= 0xd800 && unit < 0xdc00 && raw.substr(i + 1, 2) == "\\u") {
        const int32_t low = unit_at(raw, i + 3);
        if (low >= 0xdc00 && low < 0xe000) {
          unit = 0x10000 + ((unit - 0xd800) << 10) + static_cast<uint32_t>(low - 0xdc00);
          i += 6;
        }
      }
      append_utf8(unit >= 0xd800 && unit < 0xe000 ? 0xfffd : unit, out);
    }
  }
  return out;
}

}  // namespace

class JsonText::Parser {
 public:
  explicit Parser(JsonText& out) : out_(out), text_(out.text_) {}

  bool run() {
    if (value(0) == kNone) return false;
    skip_space();
    return at_ == text_.size();
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Node value(size_t depth) {
    skip_space();
    if (at_ == text_.size() || depth > base::kJsonDepthMax) return kNone;
    const auto node = static_cast<Node>(out_.nodes_.size());
    out_.nodes_.emplace_back();
    out_.nodes_[node].begin = static_cast<uint32_t>(at_);
    const char c = text_[at_];
    const bool ok = c == '{' || c == '[' ? container(node, depth) : c == '"' ? string() : scalar();
    if (!ok) return kNone;
    out_.nodes_[node].kind = c == '{'   ? Kind::kObject
                             : c == '[' ? Kind::kArray
                             : c == '"' ? Kind::kString
                                        : Kind::kOther;
    out_.nodes_[node].end = static_cast<uint32_t>(at_);
    return node;
  }

  bool container(Node node, size_t depth) {
    const bool object = text_[at_++] == '{';
    const char close = object ? '}' : ']';
    if (take(close)) return true;
    Node last = kNone;
    do {
      uint32_t key_begin = 0;
      uint32_t key_end = 0;
      if (object) {
        skip_space();
        key_begin = static_cast<uint32_t>(at_);
        if (at_ == text_.size() || text_[at_] != '"' || !string()) return false;
        key_end = static_cast<uint32_t>(at_);
        if (!take(':')) return false;
      }
      const Node child = value(depth + 1);
      if (child == kNone) return false;
      out_.nodes_[child].key_begin = key_begin;
      out_.nodes_[child].key_end = key_end;
      (last == kNone ? out_.nodes_[node].child : out_.nodes_[last].next) = child;
      last = child;
    } while (take(','));
    return take(close);
  }

  bool string() {
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') continue;
      if (++at_ == text_.size()) return false;
      if (text_[at_] == 'u') {
        if (unit_at(text_, at_ + 1) < 0) return false;
        at_ += 4;
      } else if (std::string_view("\"\\/bfnrt").find(text_[at_]) == std::string_view::npos) {
        return false;
      }
    }
    return false;
  }

  bool scalar() {
    for (const std::string_view word : {"true", "false", "null"}) {
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        return true;
      }
    }
    const auto digits = [&] {
      const size_t begin = at_;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
      return at_ > begin;
    };
    const auto peek = [&](char c) { return at_ < text_.size() && text_[at_] == c; };
    if (peek('-')) ++at_;
    if (!digits()) return false;
    if (peek('.') && (++at_, !digits())) return false;
    if (peek('e') || peek('E')) {
      ++at_;
      if (peek('+') || peek('-')) ++at_;
      return digits();
    }
    return true;
  }

  JsonText& out_;
  std::string_view text_;
  size_t at_ = 0;
};

std::optional<JsonText> JsonText::parse(std::string_view text) {
  if (text.size() > base::kLineBytesMax) return std::nullopt;
  JsonText out;
  out.text_ = text;
  if (!Parser(out).run()) return std::nullopt;
  return out;
}

std::string JsonText::text(Node n) const {
  return n != kNone && kind(n) == Kind::kString ? unescaped(raw(n)) : std::string();
}

JsonText::Node JsonText::at(Node object, std::string_view key) const {
  if (object == kNone || kind(object) != Kind::kObject) return kNone;
  Node found = kNone;
  for (Node n = first(object); n != kNone; n = next(n)) {
    const std::string_view name = text_.substr(nodes_[n].key_begin, nodes_[n].key_end - nodes_[n].key_begin);
    if (name.substr(1, name.size() - 2) == key || (name.find('\\') != name.npos && unescaped(name) == key)) found = n;
  }
  return found;
}

bool JsonText::is(Node object, std::string_view key, std::string_view value) const {
  const Node n = at(object, key);
  return n != kNone && kind(n) == Kind::kString && text(n) == value;
}

void JsonText::replace(Node n, std::string json) {
  const Edit edit{nodes_[n].begin, nodes_[n].end, std::move(json)};
  // What is within a part that is replaced goes with it.
  std::erase_if(edits_,
                [&](const Edit& e) { return e.begin >= edit.begin && e.end <= edit.end && e.begin < edit.end; });
  const auto inside = [&](const Edit& e) { return e.begin <= edit.begin && edit.end <= e.end; };
  if (std::any_of(edits_.begin(), edits_.end(), inside)) return;
  edits_.push_back(edit);
}

void JsonText::replace_text(Node n, std::string_view text) {
  replace(n, json_string(text));
}

void JsonText::add(Node object, std::string_view key, std::string_view json) {
  const uint32_t at = nodes_[object].begin + 1;
  edits_.push_back({at, at, fmt::format("{}:{}{}", json_string(key), json, first(object) != kNone ? "," : "")});
}

std::string JsonText::str() const {
  std::vector<const Edit*> in_order;
  for (const Edit& e : edits_) in_order.push_back(&e);
  std::stable_sort(in_order.begin(), in_order.end(), [](const Edit* a, const Edit* b) { return a->begin < b->begin; });
  std::string out;
  size_t at = 0;
  for (const Edit* e : in_order) {
    out += text_.substr(at, e->begin - at);
    out += e->json;
    at = e->end;
  }
  out += text_.substr(at);
  return out;
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  return out + '"';
}

}  // namespace stillwatch::countermeasure
