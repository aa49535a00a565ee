// A conversation as the tokens a model reads and writes: each turn between marks that are tokens of their own.
//
// The marks of models made here are special tokens, one opens each kind of turn and <|end|> closes it:
//   <|user|>QUESTION<|end|><|assistant|><|think|>REASONING<|end|>ANSWER<|end|>
// with <|system|>...<|end|> in front where there is one, and without the part from <|think|> to its <|end|> where there
// is no reasoning. ChatML (<|im_start|>role ... <|im_end|>, <think>) is the other layout that is known. A model's
// folder says which in tokenizer_config.json, so that training and serving agree (docs/model.md). Text never gives
// marks.
//
// A dataset is JSON Lines, a conversation a line: {"messages": [{"role": "system"?, ...}, {"role": "user", "content"},
// {"role": "assistant", "reasoning_content"?, "content"}]}; other keys are ignored. Thread rule: values.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer.h"

namespace stillwatch::model {

constexpr size_t kMessagesMax = 1024;

enum class Role : uint8_t { kSystem, kUser, kAssistant };

struct Message {
  Role role = Role::kUser;
  std::string content;
  std::string reasoning;  // the assistant's, "" if there is none
};
using Conversation = std::vector<Message>;

// The conversation in the `messages` of a JSON object; `content` may be a list of parts that are text.
base::Result<Conversation> read_messages(const nlohmann::json& object);
// Reads one line of a dataset; `where` begins its errors (FILE:LINE).
base::Result<Conversation> read_conversation(std::string_view line, std::string_view where);
// Reads a dataset; blank lines are skipped. The first line that is none fails it.
base::Result<std::vector<Conversation>> read_dataset(std::string_view text, std::string_view file);

struct ChatTemplate {
  std::string system, user, assistant;  // open a turn
  std::string end;                      // closes one
  std::string think, think_end;         // around reasoning, behind `assistant`
  bool operator==(const ChatTemplate&) const = default;

  static const ChatTemplate& own();
  static const ChatTemplate& chatml();
  static std::vector<std::string> own_marks();  // the special tokens that own() needs
  // The value of "stillwatch" in tokenizer_config.json and back.
  std::string to_json() const;
  static base::Result<ChatTemplate> from_json(std::string_view text, std::string_view file);
  // The same for programs that read Hugging Face's folders (Jinja).
  std::string jinja() const;
};

// Tokens to learn from: `scored[i]` if token i is the assistant's own (its text and the mark that closes it).
struct Example {
  std::vector<int32_t> tokens;
  std::vector<bool> scored;
};
Example example_of(const Conversation& conversation, const ChatTemplate& marks, const Tokenizer& tokenizer);
std::vector<Example> examples_of(std::span<const Conversation> conversations, const ChatTemplate& marks,
                                 const Tokenizer& tokenizer);
// Tokens to go on from: all turns, then the mark that opens the assistant's.
std::vector<int32_t> prompt_of(const Conversation& conversation, const ChatTemplate& marks, const Tokenizer& tokenizer);

// Takes an answer apart, token by token, into reasoning and what is said. Reasoning is told apart where its marks are
// single tokens of the vocabulary.
class AnswerParser {
 public:
  AnswerParser(const ChatTemplate& marks, const Tokenizer& tokenizer);
  enum class Part : uint8_t { kContent, kReasoning, kMark, kEnd };
  // What a token is part of; kEnd is the mark that closes the turn.
  Part next(int32_t token);
  bool thinking() const { return thinking_; }

 private:
  int32_t think_, think_end_, end_;
  bool thinking_ = false;
};

}  // namespace stillwatch::model
