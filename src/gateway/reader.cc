#include "gateway/reader.h"

#include "gateway/decode.h"
#include "gateway/targets.h"
#include "wire/head.h"
#include "wire/sse.h"

namespace stillwatch::gateway {
namespace {

static_assert(kParserPadding >= simdjson::SIMDJSON_PADDING);

// The data of all events of a stream as one JSON array; events that are no object (`[DONE]`) are left out.
void array_of_events(std::string_view stream, std::string& out) {
  out.assign(1, '[');
  const auto add = [&](std::string_view data) {
    if (!data.starts_with('{')) return;
    if (out.size() > 1) out += ',';
    out += data;
  };
  wire::EventReader events;
  events.feed(stream, add);
  events.finish(add);
  out += ']';
}

// Calls visit(line) for those that hold an object.
template <typename Visit>
void for_each_object(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('{')) visit(line);
  }
}

}  // namespace

void Reader::begin(const Observation& o) {
  arena_.clear();
  exchange_.clear();
  exchange_.time = o.time;
  exchange_.account = o.account;
  exchange_.network = o.network;
  exchange_.client = o.client;
  exchange_.status = o.status;
}

const std::string& Reader::response_of(const Observation& o) {
  if (o.encoding.empty()) return o.response;
  if (!decode(o.encoding, o.response, kObservedBodyBytesMax, decoded_)) decoded_.clear();
  return decoded_;
}

void Reader::read(const Observation& o, const Emit& emit) {
  if (o.request.empty()) {
    if (gives_batch(wire::path_of(o.target))) read_answers(o, emit);
    return;
  }
  if (o.request.starts_with("--") && wire::path_of(o.target).ends_with("/files")) return read_lines(o, emit);
  simdjson::dom::element request;
  if (request_parser_.parse(o.request).get(request) != simdjson::SUCCESS) return;
  begin(o);
  if (!dialect::read_request(request, arena_, exchange_)) return read_batch(o, request, emit);
  const std::string& whole = response_of(o);
  if (o.streamed) array_of_events(whole, events_);
  const std::string& text = o.streamed ? events_ : whole;
  simdjson::dom::element response;
  if (!text.empty() && response_parser_.parse(text).get(response) == simdjson::SUCCESS)
    dialect::read_response(response, arena_, exchange_);
  emit(exchange_);
}

// The lines of the one file in a form that are requests.
void Reader::read_lines(const Observation& o, const Emit& emit) {
  for_each_object(o.request, [&](std::string_view line) {
    simdjson::dom::element record;
    if (request_parser_.parse(line.data(), line.size()).get(record) != simdjson::SUCCESS) return;
    begin(o);
    exchange_.part = dialect::Part::kRequest;
    const auto body = dialect::json::at(record, "body");
    if (body && dialect::read_request(*body, arena_, exchange_)) emit(exchange_);
  });
}

// {"id", "response": {"body"}} of OpenAI's batches, {"custom_id", "result": {"message": {"id"}}} of Anthropic's.
void Reader::read_answers(const Observation& o, const Emit& emit) {
  for_each_object(response_of(o), [&](std::string_view line) {
    simdjson::dom::element record;
    if (response_parser_.parse(line.data(), line.size()).get(record) != simdjson::SUCCESS) return;
    const auto outer = dialect::json::first(record, "response", "result");
    const auto body = outer ? dialect::json::first(*outer, "body", "message") : std::nullopt;
    if (!body) return;
    begin(o);
    exchange_.part = dialect::Part::kAnswer;
    dialect::read_response(*body, arena_, exchange_);
    if (const std::string_view id = dialect::json::text(dialect::json::at(record, "id")); !id.empty()) {
      exchange_.answer_id = id;
    } else {
      exchange_.answer_id = dialect::json::text(*body, "id");
    }
    // One without a name could be counted twice.
    if (exchange_.has_response && !exchange_.answer_id.empty()) emit(exchange_);
  });
}

void Reader::read_batch(const Observation& o, simdjson::dom::element request, const Emit& emit) {
  simdjson::dom::array requests;
  if (request["requests"].get(requests) != simdjson::SUCCESS) return;
  for (const simdjson::dom::element record : requests) {
    begin(o);
    exchange_.part = dialect::Part::kRequest;
    const auto params = dialect::json::at(record, "params");
    if (params && dialect::read_request(*params, arena_, exchange_)) emit(exchange_);
  }
}

}  // namespace stillwatch::gateway
