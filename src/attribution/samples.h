// What a suspect said: prompts with answers, out of data sets and logs in whatever shape they come.
//
// A line is one JSON object: a record of any log format (docs/formats/logs.md), or one with an answer in `response`,
// `answer`, `completion`, `output`, `chosen` or `text` and its prompt in `prompt`, `question` or `instruction` (`input`
// and `system` are added to it), or a conversation in `messages` or `conversations`, of which every answer of the
// assistant is one sample with all before it as its prompt. Token ids may stand in `tokens` and `prompt_tokens`. A file
// that does not begin with `{` is one text.
//
// Thread rule: a value. Bounds: lines as in dialect/log_format.h; a conversation's answers up to base::kTurnsMax.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "dialect/log_format.h"

namespace stillwatch::attribution {

struct Sample {
  std::string prompt;
  std::string answer;
  std::vector<int32_t> prompt_tokens;
  std::vector<int32_t> tokens;
};

class SampleReader {
 public:
  using Sink = std::function<void(const Sample&)>;

  SampleReader();
  ~SampleReader();
  // How many samples the line held; an Error says what it lacks, never what it says.
  base::Result<int> read(std::string_view line, const Sink& sink);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// All samples of a file's text; errors name the line (1-based) as `name:line`. Fails if there is none.
base::Result<std::vector<Sample>> read_samples(std::string_view text, std::string_view name);

}  // namespace stillwatch::attribution
