#include "wire/head.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace stillwatch::wire {
namespace {

constexpr auto kToken = [] {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<size_t>(c)] = table[static_cast<size_t>(c - 32)] = true;
  for (const unsigned char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'})
    table[c] = true;
  return table;
}();

bool is_token(std::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), is_token_char);
}

bool is_value(std::string_view s) {
  return std::none_of(s.begin(), s.end(), is_control);
}

std::string_view trimmed(std::string_view s) {
  const size_t begin = s.find_first_not_of(" \t");
  if (begin == s.npos) return {};
  return s.substr(begin, s.find_last_not_of(" \t") - begin + 1);
}

// Takes the next line off `rest`, without its CRLF; nothing if it ends with a bare LF or holds a bare CR.
std::optional<std::string_view> take_line(std::string_view& rest) {
  const size_t end = rest.find('\n');
  if (end == rest.npos || end == 0 || rest[end - 1] != '\r') return std::nullopt;
  const std::string_view line = rest.substr(0, end - 1);
  rest.remove_prefix(end + 1);
  if (std::memchr(line.data(), '\r', line.size()) != nullptr) return std::nullopt;
  return line;
}

constexpr std::string_view kLineEnds = "lines end with CR LF, and neither stands alone";

std::optional<uint64_t> plain_number(std::string_view s) {
  if (s.empty() || s.size() > 18) return std::nullopt;
  uint64_t n = 0;
  for (const char c : s) {
    if (c < '0' || c > '9') return std::nullopt;
    n = n * 10 + static_cast<uint64_t>(c - '0');
  }
  return n;
}

// What the fields of either kind of message say about its end and its connection.
struct Facts {
  int hosts = 0;
  std::optional<uint64_t> length;
  bool chunked = false;
  bool close = false;
  bool stay = false;
};

Verdict note_connection(std::string_view value, Head& out, Facts& facts) {
  while (!value.empty()) {
    const size_t comma = std::min(value.find(','), value.size());
    const std::string_view option = trimmed(value.substr(0, comma));
    value.remove_prefix(std::min(comma + 1, value.size()));
    if (option.empty()) continue;
    if (!is_token(option)) return refuse("Connection holds something that is no name");
    for (const std::string_view name : {"host", "content-length", "transfer-encoding"}) {
      if (equal_names(option, name)) return refuse("Connection names a field that no proxy may drop");
    }
    facts.close |= equal_names(option, "close");
    facts.stay |= equal_names(option, "keep-alive");
    out.connection.push_back(option);
  }
  return {};
}

Verdict note_field(const Field& f, Head& out, Facts& facts) {
  switch (f.name.size()) {
    case 4:
      facts.hosts += equal_names(f.name, "host");
      break;
    case 10:
      if (equal_names(f.name, "connection")) return note_connection(f.value, out, facts);
      break;
    case 14:
      if (!equal_names(f.name, "content-length")) break;
      if (facts.length) return refuse("there is more than one Content-Length");
      facts.length = plain_number(f.value);
      if (!facts.length) return refuse("Content-Length is not one plain number");
      break;
    case 17:
      if (!equal_names(f.name, "transfer-encoding")) break;
      if (facts.chunked) return refuse("there is more than one Transfer-Encoding");
      if (!equal_names(f.value, "chunked")) return refuse("Transfer-Encoding is not `chunked`", 501);
      facts.chunked = true;
      break;
    default:
      break;
  }
  return {};
}

Verdict parse_fields(std::string_view rest, Head& out, Facts& facts) {
  out.fields.clear();
  out.connection.clear();
  while (true) {
    const auto line = take_line(rest);
    if (!line) return refuse(kLineEnds);
    if (line->empty()) return rest.empty() ? Verdict() : refuse("something follows the head");
    const size_t colon = line->find(':');
    if (colon == line->npos || !is_token(line->substr(0, colon)))
      return refuse("a field has no name, or space before its colon, or continues the line before");
    const Field field{line->substr(0, colon), trimmed(line->substr(colon + 1))};
    if (!is_value(field.value)) return refuse("a field holds a control character");
    if (out.fields.size() == kFieldsMax) return refuse("there are too many fields", 431);
    out.fields.push_back(field);
    if (auto ok = note_field(field, out, facts); !ok) return ok;
  }
}

// The version at the end of a request line or the start of a status line.
Verdict note_version(std::string_view version, Head& out) {
  if (version.size() != 8 || !version.starts_with("HTTP/")) return refuse("this is not HTTP");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return refuse("only HTTP/1.1 and HTTP/1.0 are spoken here", 505);
  out.minor_version = version.back() - '0';
  return {};
}

Verdict settle(Head& out, const Facts& facts) {
  if (facts.chunked && facts.length) return refuse("Transfer-Encoding and Content-Length contradict each other");
  if (facts.chunked && out.minor_version == 0) return refuse("HTTP/1.0 knows no Transfer-Encoding");
  out.length = facts.length.value_or(0);
  out.framing = facts.chunked ? Framing::kChunked : facts.length ? Framing::kLength : Framing::kNone;
  out.keep_alive = !facts.close && (out.minor_version == 1 || facts.stay);
  return {};
}

}  // namespace

bool is_token_char(char c) {
  return kToken[static_cast<unsigned char>(c)];
}

bool equal_names(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

std::string_view Head::find(std::string_view name) const {
  for (const Field& f : fields) {
    if (equal_names(f.name, name)) return f.value;
  }
  return {};
}

size_t find_head_end(std::string_view buffer, size_t from) {
  size_t at = from > 2 ? from - 2 : 0;
  while ((at = buffer.find('\n', at)) != buffer.npos) {
    if (at + 1 < buffer.size() && buffer[at + 1] == '\n') return at + 2;
    if (at + 2 < buffer.size() && buffer[at + 1] == '\r' && buffer[at + 2] == '\n') return at + 3;
    ++at;
  }
  return buffer.npos;
}

Verdict parse_request(std::string_view head, RequestHead& out) {
  const auto line = take_line(head);
  if (!line) return refuse(kLineEnds);
  const size_t method_end = line->find(' ');
  const size_t target_end = line->rfind(' ');
  if (method_end == line->npos || target_end == method_end) return refuse("the request line has not three parts");
  out.method = line->substr(0, method_end);
  out.target = line->substr(method_end + 1, target_end - method_end - 1);
  if (!is_token(out.method)) return refuse("the method is not a name");
  if (out.target.empty() || !is_value(out.target) || out.target.find_first_of(" \t") != out.target.npos)
    return refuse("the target holds a space or a control character");
  if (auto ok = note_version(line->substr(target_end + 1), out); !ok) return ok;
  if (out.method == "CONNECT") return refuse("CONNECT is not for this server", 501);

  Facts facts;
  if (auto ok = parse_fields(head, out, facts); !ok) return ok;
  if (facts.hosts > 1 || (facts.hosts == 0 && out.minor_version == 1)) return refuse("Host is missing or there twice");
  if (auto ok = settle(out, facts); !ok) return ok;
  out.expects_continue = equal_names(out.find("expect"), "100-continue");
  return {};
}

Verdict parse_response(std::string_view head, std::string_view request_method, ResponseHead& out) {
  const auto line = take_line(head);
  if (!line) return refuse(kLineEnds);
  if (line->size() < 12 || (*line)[8] != ' ' || (line->size() > 12 && (*line)[12] != ' ') || !is_value(*line))
    return refuse("the status line is broken");
  if (auto ok = note_version(line->substr(0, 8), out); !ok) return ok;
  const auto status = plain_number(line->substr(9, 3));
  if (!status || *status < 100 || *status > 599) return refuse("the status is not a number from 100 to 599");
  out.status = static_cast<int>(*status);
  out.status_line = *line;

  Facts facts;
  if (auto ok = parse_fields(head, out, facts); !ok) return ok;
  if (auto ok = settle(out, facts); !ok) return ok;
  if (request_method == "HEAD" || out.status < 200 || out.status == 204 || out.status == 304) {
    out.framing = Framing::kNone;
  } else if (out.framing == Framing::kNone) {
    out.framing = Framing::kUntilClose;
    out.keep_alive = false;
  }
  return {};
}

void append_end_to_end(const Head& head, std::string& out, std::initializer_list<std::string_view> but) {
  constexpr std::string_view kHopByHop[] = {"connection", "keep-alive",        "proxy-connection",
                                            "te",         "transfer-encoding", "upgrade"};
  const auto dropped = [&](std::string_view name) {
    const auto is = [name](std::string_view other) { return equal_names(name, other); };
    return std::any_of(std::begin(kHopByHop), std::end(kHopByHop), is) ||
           std::any_of(head.connection.begin(), head.connection.end(), is);
  };
  for (const Field& f : head.fields) {
    if (dropped(f.name) || std::any_of(but.begin(), but.end(), [&](auto name) { return equal_names(f.name, name); }))
      continue;
    out.append(f.name).append(": ").append(f.value).append("\r\n");
  }
}

}  // namespace stillwatch::wire
