// Requests of our own to the upstream that an answer waits for: drafts of it, a summary of its reasoning. Private to
// the module.
//
// Each has a connection of its own and gives a whole answer or nothing. They end with the session. Bounds:
// kCallBytesMax of the bodies of one answer's calls; the session's deadlines.
#pragma once

#include <algorithm>
#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>

#include "gateway/session.h"

namespace stillwatch::gateway {

constexpr size_t kCallBytesMax = 4u << 20;

struct Session::Call {
  explicit Call(asio::io_context& io) : upstream(io) {}
  Stream upstream;
  std::string head_text;  // head points into it
  wire::ResponseHead head;
  std::string body;
  bool good = false;  // a 200, whole and in the clear
};

struct Session::Calls {
  std::deque<Call> all;
  size_t left = 0;   // that are under way
  size_t bytes = 0;  // of bodies
  bool closed = false;
};

// Leaves fields out by name.
inline void without(wire::Head& head, std::initializer_list<std::string_view> names) {
  std::erase_if(head.fields, [&](const wire::Field& f) {
    return std::any_of(names.begin(), names.end(), [&](std::string_view n) { return wire::equal_names(f.name, n); });
  });
}

}  // namespace stillwatch::gateway
