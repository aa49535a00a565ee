// What Stillwatch keeps of one exchange: a record of fixed size, without text, from which profiles are made.
//
// The prompt is the turns new to the conversation: what follows the last answer (resent history counts once, when it
// was new); the system prompt is a key of its own. Of the prompt at most kFeatureTextBytesMax bytes are read: head,
// tail and a sample between that depends only on the prompt. Answers are read for their length and refusal alone.
//
// Thread rule: extract() is reentrant; one FeatureExtractor per thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "dialect/exchange.h"
#include "features/embedding.h"
#include "features/kinds.h"
#include "features/tokens.h"

namespace stillwatch::features {

// Yes-or-no facts about the request: how it is written and what it asks of the sampler.
enum class Trait : uint8_t {
  kCapitalStart,  // first letter is upper case (scripts with case only)
  kTerminalEnd,   // ends with . ? ! or its like
  kNoCapital,     // letters of a script with case, none upper case
  kNewlines,      // more than one line
  kNumbers,       // has a number
  kCode,          // looks like program text
  kLink,          // has a URL
  kImage,         // has an image, audio or file part
  kHistory,       // resends earlier turns
  kToolResult,    // the new turns are tool results
  kToolsOffered,
  kStream,
  kJson,
  kLogprobs,
  kChoices,  // asks for more than one answer
  kSeed,
  kStops,
  kReasoningAsked,  // by parameter
  kGreedy,          // temperature 0
  kHot,             // temperature above 1
  kTemperatureSet,
  kMaxTokensSet,
  kEndUserNamed,
};
constexpr int kTraits = 23;
constexpr size_t kWritingTraits = static_cast<size_t>(Trait::kToolsOffered) + 1;  // the first: no parameters

constexpr int kShinglesMax = 12;

struct Features {
  base::Time time{};
  uint64_t prompt = 0;   // hash of the folded words
  uint64_t opening = 0;  // hash of the first four words: templates start alike
  uint64_t closing = 0;  // hash of the last four words
  uint64_t system = 0;   // hash of the system prompt, 0 if none
  uint64_t network = 0;  // hash of the /24 or /48, 0 if unknown
  uint64_t client = 0;   // hash of the client string, 0 if unknown
  uint64_t user = 0;     // hash of the end user named, 0 if none
  uint64_t model = 0;
  uint64_t continues = 0;  // hash of the answer's id that the request goes on from, 0 if it brings all of its history
  uint64_t answer = 0;     // hash of the answer's id, 0 if none
  std::array<uint64_t, kShinglesMax> shingles{};  // a consistent one in eight of all five-word shingles
  uint32_t shingle_count = 0;
  uint32_t kinds = 0;           // bits by Kind
  uint32_t traits = 0;          // bits by Trait
  uint32_t prompt_words = 0;    // words and numbers in the new turns, extrapolated where only a sample was read
  uint32_t context_tokens = 0;  // whole request, as reported or a quarter of its bytes
  uint32_t output_tokens = 0;   // as reported or a quarter of the answer's bytes
  uint32_t depth = 0;           // answers already in the conversation; one where they are held by the server
  uint16_t cell = 0;
  Script script = Script::kNone;
  dialect::Part part = dialect::Part::kWhole;
  bool answered = false;  // the model answered: a status below 400 and a response, if responses are logged
  bool refused = false;
  bool meaningful = false;  // the prompt has a word; otherwise spectrum and cell are void
  Spectrum spectrum{};

  bool has(Trait t) const { return (traits >> static_cast<int>(t)) & 1; }
  bool has(Kind k) const { return (kinds >> static_cast<int>(k)) & 1; }
};

class FeatureExtractor {
 public:
  Features extract(const dialect::Exchange& exchange);

 private:
  std::string text_;
  std::vector<Token> token_storage_;
};

}  // namespace stillwatch::features
