// A JSON document as bytes with places in it: what is edited changes, and nothing else does, not a space and not the
// way a number is written. For answers on their way to a client.
//
// Hostile bytes: what is not JSON (RFC 8259), or nests deeper than base::kJsonDepthMax, is none. Thread rule: a value.
// Bounds: a node a value, 48 bytes each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stillwatch::countermeasure {

class JsonText {
 public:
  enum class Kind : uint8_t { kObject, kArray, kString, kOther };
  using Node = uint32_t;  // 0 is the whole document
  static constexpr Node kNone = ~Node{0};

  // `text` must live as long as this.
  static std::optional<JsonText> parse(std::string_view text);

  Kind kind(Node n) const { return nodes_[n].kind; }
  std::string_view raw(Node n) const { return text_.substr(nodes_[n].begin, nodes_[n].end - nodes_[n].begin); }
  // Of a string, without its escapes; "" for anything else. Broken surrogates become U+FFFD.
  std::string text(Node n) const;
  // A member of an object, the last of that name; kNone for a missing one and for anything that is no object.
  Node at(Node object, std::string_view key) const;
  bool is(Node object, std::string_view key, std::string_view value) const;  // a string member with that value
  Node first(Node parent) const { return parent == kNone ? kNone : nodes_[parent].child; }
  Node next(Node n) const { return nodes_[n].next; }

  void replace(Node n, std::string json);
  void replace_text(Node n, std::string_view text);
  // In front of the others; the name must be free. REQUIRES: an object.
  void add(Node object, std::string_view key, std::string_view json);
  bool edited() const { return !edits_.empty(); }
  std::string str() const;

 private:
  struct Value {
    Kind kind = Kind::kOther;
    uint32_t begin = 0, end = 0;
    uint32_t key_begin = 0, key_end = 0;  // with its quotes; equal if there is none
    Node child = kNone, next = kNone;
  };
  struct Edit {
    uint32_t begin = 0, end = 0;
    std::string json;
  };
  class Parser;

  std::string_view text_;
  std::vector<Value> nodes_;
  std::vector<Edit> edits_;
};

// A JSON string with its quotes. Bytes that are not UTF-8 go through as they are.
std::string json_string(std::string_view text);

}  // namespace stillwatch::countermeasure
