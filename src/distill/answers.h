// Lets a model of this process answer many prompts at once: a student that is examined or learns from its own answers,
// a teacher that is harvested without a socket.
//
// Answers come in the order of the prompts and depend on model, prompt, seed and hook alone. Thread rule: pure
// function.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "model/folder.h"
#include "model/generator.h"

namespace stillwatch::distill {

struct AnswerOptions {
  uint32_t tokens_max = 256;
  uint32_t at_once = 64;
  unsigned threads = 1;
  double temperature = 0;  // 0: the most probable token
  uint64_t seed = 1;
  bool reasoning = true;                                     // false: the mark that begins it is forbidden
  std::function<model::LogitsHook(size_t index)> hook = {};  // bends the logits of that prompt's answer
  uint32_t logprobs = 0;  // alternatives to tell of each token; 0: none, and no log-probabilities
  std::function<void(size_t index, model::AnswerParser::Part part)> on_token = {};  // as each comes
};

struct Answer {
  std::vector<model::Choice> tokens;  // marks and the end among them
  std::string reasoning, content;
  bool ended = false;  // by its own mark, not for want of room
};

// REQUIRES: the model has marks. Fails for a prompt that leaves no room in the context.
base::Result<std::vector<Answer>> answer_all(const model::Transformer& transformer, const model::ChatTemplate& marks,
                                             const model::Tokenizer& tokenizer,
                                             std::span<const std::vector<int32_t>> prompts,
                                             const AnswerOptions& options);

}  // namespace stillwatch::distill
