// The prompts a simulation draws from: folders of *.jsonl or *.jsonl.gz, one conversation an object
// {id, messages[{role, content}], response?, user?, template? | task? | intent?, label?}. A record labelled anything
// but benign is skipped unless its folder is distill/. All text is kept as the inside of a JSON string, ready to be
// written.
//
// Every conversation gets a topic by spherical k-means over hashed words (kTopics for all sources together), so that
// people can be persistent. How persistent is measured on users who have several conversations: with q the chance that
// a conversation is about a user's main topic, two conversations of a user agree with chance q^2 + (1 - q^2) p0, p0
// being the chance for two users.
//
// Bounds: kConversationsMax conversations. Thread rule: immutable after load.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace stillwatch::population {

constexpr int kTopics = 48;
constexpr size_t kConversationsMax = 2'000'000;

struct Spoken {
  bool assistant = false;
  std::string text;  // JSON-escaped
};

struct Conversation {
  std::vector<Spoken> turns;  // the last is the user's
  std::string response;       // JSON-escaped, to the last turn; may be empty
  uint64_t part_hash = 0;     // of the first turn: a prompt that a source has twice falls into one part
  uint32_t user = 0;          // 0: unknown; otherwise equal for equal users of a source
  uint32_t group = 0;         // template, task or intent, numbered within the source from 0
  uint16_t topic = 0;

  uint32_t user_turns() const;
};

struct Source {
  std::string name;  // file stem
  std::string folder;
  std::vector<Conversation> conversations;
  uint32_t groups = 0;
};

struct Prompts {
  std::vector<Source> sources;  // by folder, then name
  double persistence = 0.6;     // q above

  // From all folders below the directories; fails if one cannot be read or none holds a prompt.
  static base::Result<Prompts> load(const std::vector<std::string>& directories);
  // Sources whose `folder/name` matches one of the globs (`*` and `?`).
  std::vector<const Source*> matching(const std::vector<std::string>& globs) const;
};

// The inside of a JSON string: quotes, backslashes and control characters escaped, invalid UTF-8 dropped.
std::string escape(std::string_view text);

bool glob_matches(std::string_view glob, std::string_view text);

}  // namespace stillwatch::population
