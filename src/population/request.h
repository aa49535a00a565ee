// A request about to be written to the log, and the writer. One writer for all classes: nothing about an account shows
// in how its lines are put together.
//
// All texts are the inside of a JSON string, ready to be written, and stay valid until the account's next request.
// Thread rule: values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace stillwatch::population {

enum class Speaker : uint8_t { kUser, kAssistant, kTool };

struct Said {
  Speaker who = Speaker::kUser;
  std::string_view text;
  std::string_view tool{};  // an assistant with a tool calls it with `text` as its path; a tool turn is its result
};

struct Request {
  std::string_view system;
  std::vector<Said> turns;
  Said answer{Speaker::kAssistant, {}};
  uint32_t answer_tokens = 0;
  std::string user;  // end user named by the account; may be empty
  bool offers_tools = false;
  double gap_ms = 0;       // before the next request, if it belongs to the same conversation
  bool continues = false;  // the next request continues this conversation

  void clear() {
    std::vector<Said> keep = std::move(turns);
    *this = Request{};
    turns = std::move(keep);
    turns.clear();
  }
};

// Who sends, besides the account: what the log says about one line's origin.
struct Origin {
  std::string_view account;
  std::string_view network;
  std::string_view client;
  std::string_view parameters;  // JSON fields of the body, each with a comma before it
  bool anthropic = false;       // the body's dialect
};

// Appends the line, with its newline. `status` 403 stands for a suspended account: an error instead of an answer.
void write_line(base::Time time, const Origin& origin, std::string_view model, int status, const Request& request,
                std::string& line);

}  // namespace stillwatch::population
