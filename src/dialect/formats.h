// The readers behind LogParser, one a format: from one JSON document to its exchanges.
#pragma once

#include <string>

#include "base/error.h"
#include "dialect/body.h"
#include "dialect/log_format.h"

namespace stillwatch::dialect {

// A body that may have been stored as JSON inside a string: parsed documents live until clear().
class Nested {
 public:
  // The element itself, or what the string in it holds, or nothing.
  std::optional<json::Element> open(std::optional<json::Element> value);
  void clear() { used_ = 0; }

 private:
  std::deque<simdjson::dom::parser> parsers_;
  size_t used_ = 0;
};

struct ReadContext {
  Arena arena;
  Nested nested;
  Exchange exchange;  // reused; a reader clears it before each exchange
  const ExchangeSink* sink = nullptr;
  const IdentityIndex* identities = nullptr;
  int count = 0;

  void clear() {
    exchange.clear();
    arena.clear();
    nested.clear();
  }
  void emit();  // looks up identity, then calls the sink
};

// Nothing if all went well, else what is wrong with the record.
using Problem = std::string_view;  // empty: none; always a literal

Problem read_exchange(json::Element record, ReadContext& context);
Problem read_otel(json::Element record, ReadContext& context);
Problem read_litellm(json::Element record, ReadContext& context);
Problem read_langfuse(json::Element record, ReadContext& context);
Problem read_helicone(json::Element record, ReadContext& context);
Problem read_openai_batch(json::Element record, ReadContext& context);
Problem read_anthropic(json::Element record, ReadContext& context);

// RFC 3339 text or a number since 1970.
bool read_time(std::optional<json::Element> value, base::Time& out);

}  // namespace stillwatch::dialect
