// An observation read: the exchanges in it. One, for a request with its answer; as many as there are lines, for an
// upload or a batch of requests: a batch is a harvest too, at the moment it is handed in. Private to the module.
//
// Read are the bodies of dialect/body.h; files of requests (multipart/form-data, JSON lines, as OpenAI's batches want
// them) and lists of requests (Anthropic's). Batched requests have no answers yet; these are read when they are
// fetched, as parts of exchanges that have been counted.
// Thread rule: one thread at a time.
#pragma once

#include <simdjson.h>

#include <functional>
#include <string>

#include "dialect/body.h"
#include "gateway/observer.h"

namespace stillwatch::gateway {

class Reader {
 public:
  using Emit = std::function<void(const dialect::Exchange&)>;

  // Calls `emit` for every exchange with a prompt.
  void read(const Observation& o, const Emit& emit);

 private:
  void begin(const Observation& o);
  const std::string& response_of(const Observation& o);  // in the clear
  void read_answers(const Observation& o, const Emit& emit);
  void read_lines(const Observation& o, const Emit& emit);
  void read_batch(const Observation& o, simdjson::dom::element request, const Emit& emit);

  simdjson::dom::parser request_parser_, response_parser_;
  dialect::Arena arena_;
  dialect::Exchange exchange_;
  std::string decoded_, events_;
};

}  // namespace stillwatch::gateway
