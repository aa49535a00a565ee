// What the admin port answers (docs/openapi.json), without its sockets. Private to the module.
//
// Hostile input: heads and bodies are whoever's can reach the port. Thread rule: one thread at a time.
#pragma once

#include <string>
#include <string_view>

#include "gateway/worker.h"

namespace stillwatch::gateway {

struct Reply {
  int status = 200;
  std::string_view type = "application/json";
  std::string body;
  std::string fields = {};  // more of the head, each with its line end
};

Reply reply_to(const wire::RequestHead& head, const std::string& body, Shared& shared);
Reply error_reply(int status, std::string_view what);

}  // namespace stillwatch::gateway
