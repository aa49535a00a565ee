#include "gateway/reader.h"

#include "gateway/decode.h"

namespace stillwatch::gateway {
namespace {

// The data of all events of a stream as one JSON array; events that are no object (`[DONE]`) are left out.
void array_of_events(std::string_view stream, std::string& out) {
  out = "[";
  while (!stream.empty()) {
    const size_t end = std::min(stream.find_first_of("\r\n"), stream.size());
    std::string_view line = stream.substr(0, end);
    stream.remove_prefix(std::min(end + 1, stream.size()));
    if (!line.starts_with("data:")) continue;
    line.remove_prefix(5);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (!line.starts_with('{')) continue;
    if (out.size() > 1) out += ',';
    out += line;
  }
  out += ']';
}

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
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

void Reader::read(const Observation& o, const Emit& emit) {
  if (o.request.empty()) return;
  if (o.request.starts_with("--") && path_of(o.target).ends_with("/files")) return read_lines(o, emit);
  simdjson::dom::element request;
  if (request_parser_.parse(o.request).get(request) != simdjson::SUCCESS) return;
  begin(o);
  if (!dialect::read_request(request, arena_, exchange_)) return read_batch(o, request, emit);
  std::string_view text = o.response;
  if (!o.encoding.empty()) {
    if (!decode(o.encoding, text, kObservedBodyBytesMax, decoded_)) decoded_.clear();
    text = decoded_;
  }
  if (o.streamed) {
    array_of_events(text, events_);
    text = events_;
  }
  simdjson::dom::element response;
  if (!text.empty() && response_parser_.parse(text.data(), text.size()).get(response) == simdjson::SUCCESS)
    dialect::read_response(response, arena_, exchange_);
  emit(exchange_);
}

// The lines of the one file in a form that are requests.
void Reader::read_lines(const Observation& o, const Emit& emit) {
  std::string_view rest = o.request;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    simdjson::dom::element record;
    if (!line.starts_with('{') || request_parser_.parse(line.data(), line.size()).get(record) != simdjson::SUCCESS)
      continue;
    begin(o);
    const auto body = dialect::json::at(record, "body");
    if (body && dialect::read_request(*body, arena_, exchange_)) emit(exchange_);
  }
}

void Reader::read_batch(const Observation& o, simdjson::dom::element request, const Emit& emit) {
  simdjson::dom::array requests;
  if (request["requests"].get(requests) != simdjson::SUCCESS) return;
  for (const simdjson::dom::element record : requests) {
    begin(o);
    const auto params = dialect::json::at(record, "params");
    if (params && dialect::read_request(*params, arena_, exchange_)) emit(exchange_);
  }
}

}  // namespace stillwatch::gateway
