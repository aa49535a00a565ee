// Heads of HTTP/1.1 messages (RFC 9110, RFC 9112), read strictly: this pass alone decides where a message ends, so what
// two servers could read differently is refused instead of passed on. Refused are bare LF and CR, folded lines, space
// before a colon, control characters, Transfer-Encoding other than exactly "chunked" or beside Content-Length or in
// HTTP/1.0, Content-Length that is not one plain number, HTTP/1.1 without exactly one Host, CONNECT.
//
// Nothing is copied: views point into the caller's buffer and live as long as it. Bounds: kHeadBytesMax, kFieldsMax; a
// head of them is refused with the status a server answers. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace stillwatch::wire {

constexpr size_t kHeadBytesMax = 64u << 10;
constexpr size_t kFieldsMax = 200;

struct Field {
  std::string_view name;
  std::string_view value;  // without the spaces around it
};

enum class Framing : uint8_t { kNone, kLength, kChunked, kUntilClose };

// Why a message is refused: the status to answer with (of a response: 502), and a sentence.
struct Refusal {
  int status = 400;
  std::string_view reason;
};
using Verdict = tl::expected<void, Refusal>;
inline tl::unexpected<Refusal> refuse(std::string_view reason, int status = 400) {
  return tl::unexpected<Refusal>(Refusal{status, reason});
}

bool is_token_char(char c);  // RFC 9110, section 5.6.2

// What a field or a line of framing must not hold: everything invisible but the tab (RFC 9110, section 5.5).
inline bool is_control(char c) {
  const auto b = static_cast<unsigned char>(c);
  return (b < 0x20 && b != '\t') || b == 0x7f;
}

struct Head {
  std::vector<Field> fields;
  std::vector<std::string_view> connection;  // options of Connection, as they are spelt
  int minor_version = 1;
  Framing framing = Framing::kNone;
  uint64_t length = 0;  // of the body, where framing is kLength
  bool keep_alive = true;

  // The first value of a field, "" if there is none; names are compared without case.
  std::string_view find(std::string_view name) const;
};

struct RequestHead : Head {
  std::string_view method;
  std::string_view target;
  bool expects_continue = false;
};

struct ResponseHead : Head {
  int status = 0;
  std::string_view status_line;  // without its line end
};

bool equal_names(std::string_view a, std::string_view b);

// Index behind the empty line that ends the head at the front of `buffer`, or npos. `from`: where an earlier call with
// less of the same buffer ended. A bare LF ends lines here, so that parsing can refuse it at once.
size_t find_head_end(std::string_view buffer, size_t from);

// `head` ends with its empty line. `out` is overwritten; its memory is used again.
Verdict parse_request(std::string_view head, RequestHead& out);
Verdict parse_response(std::string_view head, std::string_view request_method, ResponseHead& out);

// A target without its query.
constexpr std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

// Appends the fields that a proxy passes on, as they were spelt and in their order: not Connection and what it names,
// nor Keep-Alive, Proxy-Connection, TE, Transfer-Encoding, Upgrade (RFC 9110, section 7.6.1).
// Leaves out those called as in `but`.
void append_end_to_end(const Head& head, std::string& out, std::initializer_list<std::string_view> but = {});

}  // namespace stillwatch::wire
