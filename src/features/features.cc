#include "features/features.h"

#include <algorithm>
#include <limits>

#include "base/hash.h"
#include "base/limits.h"
#include "features/network.h"

namespace stillwatch::features {
namespace {

using dialect::Exchange;
using dialect::Role;
using dialect::Turn;

uint32_t bounded(uint64_t n) {
  return static_cast<uint32_t>(std::min<uint64_t>(n, std::numeric_limits<int32_t>::max()));
}

uint64_t key_of(std::string_view text) {
  return text.empty() ? 0 : base::hash64(text) | 1;
}

// The turns new to the conversation are those after the last answer that something follows: an answer at the very end
// is a prefill, which the client wrote.
std::span<const Turn> new_turns(const std::vector<Turn>& turns) {
  size_t end = turns.size();
  while (end > 0 && turns[end - 1].role == Role::kAssistant) --end;
  size_t begin = end;
  while (begin > 0 && turns[begin - 1].role != Role::kAssistant) --begin;
  return {turns.data() + begin, end - begin};
}

// Appends the parts of one text that stay within `budget`: its head, its tail and, between them, pieces at places that
// only the text's length decides.
void sample(std::string_view text, size_t budget, std::string& out) {
  if (text.size() <= budget) {
    out.append(text);
    return;
  }
  constexpr size_t kPieces = 4;
  const size_t head = budget / 2;
  const size_t tail = budget / 4;
  const size_t piece = (budget - head - tail) / kPieces;
  out.append(text.substr(0, head));
  const size_t middle = text.size() - head - tail;
  const size_t stride = middle / kPieces;
  for (size_t i = 0; i < kPieces && stride > piece; ++i) {
    out.push_back('\n');
    const size_t room = stride - piece;
    out.append(text.substr(head + i * stride + base::combine(text.size(), i) % room, piece));
  }
  out.push_back('\n');
  out.append(text.substr(text.size() - tail));
}

struct Facts {
  uint32_t traits = 0;
  void set(Trait t, bool value = true) { traits |= static_cast<uint32_t>(value) << static_cast<int>(t); }
};

void note_request(const Exchange& e, Facts& facts) {
  const dialect::Sampling& s = e.sampling;
  facts.set(Trait::kToolsOffered, s.tools > 0);
  facts.set(Trait::kStream, s.stream);
  facts.set(Trait::kJson, s.json);
  facts.set(Trait::kLogprobs, s.logprobs || s.top_logprobs.value_or(0) > 0);
  facts.set(Trait::kChoices, s.choices.value_or(1) > 1);
  facts.set(Trait::kSeed, s.seed.has_value());
  facts.set(Trait::kStops, s.stops > 0);
  facts.set(Trait::kReasoningAsked, s.reasoning);
  facts.set(Trait::kTemperatureSet, s.temperature.has_value());
  facts.set(Trait::kGreedy, s.temperature.has_value() && *s.temperature <= 0);
  facts.set(Trait::kHot, s.temperature.has_value() && *s.temperature > 1);
  facts.set(Trait::kMaxTokensSet, s.max_tokens.has_value());
  facts.set(Trait::kEndUserNamed, !e.user.empty());
}

// How the prompt is written; `tokens` are all of it, `text` what they point into.
void note_style(std::string_view text, std::span<const Token> tokens, Facts& facts) {
  bool cased = false;
  bool capital = false;
  uint32_t lines = 0;
  uint32_t symbols = 0;
  uint32_t words = 0;
  const Token* first = nullptr;
  for (const Token& token : tokens) {
    switch (token.kind) {
      case TokenKind::kWord:
        cased = cased || token.script == Script::kLatin || token.script == Script::kGreek ||
                token.script == Script::kCyrillic;
        capital = capital || token.capital;
        ++words;
        if (first == nullptr) first = &token;
        break;
      case TokenKind::kNumber:
        facts.set(Trait::kNumbers);
        break;
      case TokenKind::kNewline:
        ++lines;
        break;
      case TokenKind::kPunctuation:
        symbols += text[token.begin] == '{' || text[token.begin] == '}' || text[token.begin] == ';' ||
                   text[token.begin] == '=' || text[token.begin] == '`' || text[token.begin] == '_';
        break;
      case TokenKind::kIdeograph:
        ++words;
        break;
    }
  }
  facts.set(Trait::kCapitalStart, first != nullptr && first->capital);
  facts.set(Trait::kNoCapital, cased && !capital);
  facts.set(Trait::kNewlines, lines > 0);
  facts.set(Trait::kCode, symbols >= 3 && symbols * 8 >= words);
  facts.set(Trait::kLink, text.find("://") != std::string_view::npos);
  if (!tokens.empty()) {
    const Token& last = tokens.back();
    const std::string_view end = text.substr(last.begin, last.length);
    facts.set(Trait::kTerminalEnd, end == "." || end == "?" || end == "!" || end == "。" || end == "？" ||
                                       end == "！" || end == "؟" || end == "।" || end == "…");
  }
}

// Keys of the words in order: the prompt as a whole, its first and last four words, its five-word shingles.
void note_words(std::span<const Token> tokens, Features& f) {
  constexpr uint32_t kEdgeWords = 4;
  constexpr uint32_t kShingleWords = 5;
  // A polynomial over the window modulo 2^64, rolled on word by word (Karp and Rabin 1987).
  constexpr uint64_t kBase = 0x9e3779b97f4a7c15ULL;
  constexpr uint64_t kOldest = kBase * kBase * kBase * kBase * kBase;
  uint64_t window[kShingleWords] = {};
  uint64_t rolled = 0;
  uint64_t prompt = 0;
  uint32_t n = 0;
  uint32_t slot = 0;
  for (const Token& token : tokens) {
    if (!is_word(token)) continue;
    prompt = (prompt ^ token.hash) * kBase;
    rolled = rolled * kBase + token.hash - kOldest * window[slot];
    window[slot] = token.hash;
    slot = slot + 1 == kShingleWords ? 0 : slot + 1;
    ++n;
    if (n <= kEdgeWords) f.opening = base::combine(f.opening, token.kind == TokenKind::kNumber ? 1 : token.hash);
    if (n < kShingleWords || f.shingle_count == kShinglesMax) continue;
    const uint64_t shingle = base::combine(rolled, kShingleWords);
    if ((shingle & 7) == 0) f.shingles[f.shingle_count++] = shingle;
  }
  const uint32_t edge = std::min(n, kEdgeWords);
  for (uint32_t i = 0; i < edge; ++i) f.closing = base::combine(f.closing, window[(n - edge + i) % kShingleWords]);
  f.prompt = n > 0 ? base::combine(prompt, n) : 0;
  f.prompt_words = n;
  f.meaningful = n > 0;
}

}  // namespace

Features FeatureExtractor::extract(const Exchange& e) {
  Features f;
  f.time = e.time;
  f.system = key_of(e.system);
  f.network = network_key(e.network);
  f.client = key_of(e.client);
  f.user = key_of(e.user);
  f.model = key_of(e.model);
  f.continues = key_of(e.continues);
  f.answer = key_of(e.answer_id);
  f.part = e.part;
  f.answered = e.status < 400;
  f.refused = e.refused;

  Facts facts;
  note_request(e, facts);

  const std::span<const Turn> fresh = new_turns(e.turns);
  uint64_t context_bytes = e.system.size();
  for (const Turn& turn : e.turns) {
    context_bytes += turn.text.size();
    f.depth += turn.role == Role::kAssistant;
  }
  // What tools returned is read only where the person or program wrote nothing of its own.
  const bool spoken =
      std::any_of(fresh.begin(), fresh.end(), [](const Turn& t) { return t.role == Role::kUser && !t.text.empty(); });
  uint64_t fresh_bytes = 0;
  size_t parts = 0;
  for (const Turn& turn : fresh) {
    facts.set(Trait::kImage, turn.images > 0);
    facts.set(Trait::kToolResult, turn.role == Role::kTool);
    if (spoken && turn.role != Role::kUser) continue;
    fresh_bytes += turn.text.size();
    ++parts;
  }
  f.depth += f.continues != 0;
  facts.set(Trait::kHistory, f.depth > 0);
  text_.clear();
  for (const Turn& turn : fresh) {
    if (spoken && turn.role != Role::kUser) continue;
    if (!text_.empty()) text_.push_back('\n');
    // Every part gets its share of the budget, in proportion to nothing: a long paste must not hide the question.
    const size_t share =
        fresh_bytes <= base::kFeatureTextBytesMax ? turn.text.size() : base::kFeatureTextBytesMax / parts;
    if (text_.size() + share > base::kFeatureTextBytesMax + parts) break;
    sample(turn.text, share, text_);
  }

  const std::span<const Token> tokens = tokenize(text_, token_storage_);
  note_words(tokens, f);
  note_style(text_, tokens, facts);
  f.kinds = kinds_of(tokens);
  f.traits = facts.traits;
  for (const Token& token : tokens) {
    if (token.script != Script::kNone) {
      f.script = token.script;
      break;
    }
  }
  if (fresh_bytes > text_.size() && !text_.empty()) {
    f.prompt_words = bounded(f.prompt_words * fresh_bytes / text_.size());
    f.prompt = base::combine(f.prompt, fresh_bytes);
  }
  f.context_tokens = bounded(
      static_cast<uint64_t>(std::max<int64_t>(0, e.prompt_tokens.value_or(static_cast<int64_t>(context_bytes / 4)))));
  f.output_tokens = bounded(static_cast<uint64_t>(std::max<int64_t>(
      0, e.output_tokens.value_or(static_cast<int64_t>((e.answer.size() + e.reasoning.size()) / 4)))));

  if (f.meaningful) {
    const Embedding embedding = embed(tokens);
    f.spectrum = spectrum_of(embedding);
    f.cell = cell_of(embedding);
  }
  return f;
}

}  // namespace stillwatch::features
