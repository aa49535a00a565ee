#include "features/kinds.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <vector>

namespace stillwatch::features {
namespace {

constexpr Rule kRules[] = {
    {Kind::kReasoning, "step by step"},
    {Kind::kReasoning, "show your work"},
    {Kind::kReasoning, "show your reasoning"},
    {Kind::kReasoning, "explain your reasoning"},
    {Kind::kReasoning, "chain of thought"},
    {Kind::kReasoning, "think carefully"},
    {Kind::kReasoning, "think aloud"},
    {Kind::kReasoning, "think out loud"},
    {Kind::kReasoning, "reason through"},
    {Kind::kReasoning, "detailed reasoning"},
    {Kind::kReasoning, "intermediate steps"},
    {Kind::kReasoning, "schritt für schritt"},
    {Kind::kReasoning, "étape par étape"},
    {Kind::kReasoning, "paso a paso"},
    {Kind::kReasoning, "passo a passo"},
    {Kind::kReasoning, "шаг за шагом"},
    {Kind::kReasoning, "一步一步"},
    {Kind::kReasoning, "逐步推理"},
    {Kind::kReasoning, "思考过程"},
    {Kind::kReasoning, "ステップ"},
    {Kind::kGrading, "on a scale of"},
    {Kind::kGrading, "on a scale from"},
    {Kind::kGrading, "rate the following"},
    {Kind::kGrading, "rate the response"},
    {Kind::kGrading, "rate the quality"},
    {Kind::kGrading, "score the following"},
    {Kind::kGrading, "which response is better"},
    {Kind::kGrading, "which answer is better"},
    {Kind::kGrading, "assistant a"},
    {Kind::kGrading, "response a"},
    {Kind::kGrading, "model answer"},
    {Kind::kGrading, "reference answer"},
    {Kind::kGrading, "grading rubric"},
    {Kind::kGrading, "impartial judge"},
    {Kind::kGrading, "evaluate the following response"},
    {Kind::kGrading, "auf einer skala"},
    {Kind::kGrading, "sur une échelle"},
    {Kind::kGrading, "en una escala"},
    {Kind::kGrading, "по шкале"},
    {Kind::kGrading, "评分标准"},
    {Kind::kGeneration, "generate * questions"},
    {Kind::kGeneration, "generate * examples"},
    {Kind::kGeneration, "generate * instructions"},
    {Kind::kGeneration, "generate * diverse"},
    {Kind::kGeneration, "come up with * questions"},
    {Kind::kGeneration, "come up with a set of"},
    {Kind::kGeneration, "question and answer pairs"},
    {Kind::kGeneration, "question answer pairs"},
    {Kind::kGeneration, "diverse task instructions"},
    {Kind::kGeneration, "diverse set of"},
    {Kind::kGeneration, "training data"},
    {Kind::kGeneration, "training examples"},
    {Kind::kGeneration, "synthetic data"},
    {Kind::kGeneration, "instruction following data"},
    {Kind::kGeneration, "rewrite the given prompt"},
    {Kind::kGeneration, "given prompt"},
    {Kind::kGeneration, "more complex version"},
    {Kind::kGeneration, "trainingsdaten"},
    {Kind::kGeneration, "données d'entraînement"},
    {Kind::kGeneration, "datos de entrenamiento"},
    {Kind::kGeneration, "训练数据"},
    {Kind::kPersona, "you are an"},
    {Kind::kPersona, "you are a"},
    {Kind::kPersona, "act as"},
    {Kind::kPersona, "pretend to be"},
    {Kind::kPersona, "pretend you"},
    {Kind::kPersona, "imagine you are"},
    {Kind::kPersona, "role play"},
    {Kind::kPersona, "roleplay"},
    {Kind::kPersona, "in the voice of"},
    {Kind::kPersona, "take on the role"},
    {Kind::kPersona, "du bist ein"},
    {Kind::kPersona, "tu es un"},
    {Kind::kPersona, "eres un"},
    {Kind::kPersona, "ты эксперт"},
    {Kind::kPersona, "你是一个"},
    {Kind::kPersona, "你是一名"},
    {Kind::kTrajectory, "thought action observation"},
    {Kind::kTrajectory, "thought * action"},
    {Kind::kTrajectory, "action input"},
    {Kind::kTrajectory, "you have access to the following tools"},
    {Kind::kTrajectory, "use the following format"},
    {Kind::kTrajectory, "next action"},
    {Kind::kTrajectory, "final answer"},
    {Kind::kProbing, "your system prompt"},
    {Kind::kProbing, "your instructions"},
    {Kind::kProbing, "your guidelines"},
    {Kind::kProbing, "your rules"},
    {Kind::kProbing, "previous instructions"},
    {Kind::kProbing, "are you allowed to"},
    {Kind::kProbing, "why did you refuse"},
    {Kind::kProbing, "training cutoff"},
    {Kind::kProbing, "knowledge cutoff"},
    {Kind::kProbing, "what model are you"},
    {Kind::kFollowUp, "thanks"},
    {Kind::kFollowUp, "thank you"},
    {Kind::kFollowUp, "go on"},
    {Kind::kFollowUp, "keep going"},
    {Kind::kFollowUp, "try again"},
    {Kind::kFollowUp, "that's not"},
    {Kind::kFollowUp, "doesn't work"},
    {Kind::kFollowUp, "didn't work"},
    {Kind::kFollowUp, "still not working"},
    {Kind::kFollowUp, "you said"},
    {Kind::kFollowUp, "you mentioned"},
    {Kind::kFollowUp, "can you make it"},
    {Kind::kFollowUp, "make it more"},
    {Kind::kFollowUp, "what about"},
    {Kind::kFollowUp, "danke"},
    {Kind::kFollowUp, "merci"},
    {Kind::kFollowUp, "gracias"},
    {Kind::kFollowUp, "obrigado"},
    {Kind::kFollowUp, "спасибо"},
    {Kind::kFollowUp, "谢谢"},
    {Kind::kFollowUp, "継続"},
    {Kind::kFollowUp, "继续"},
};

// A prompt that begins with one of these is an order; the list is the verbs of office English and their likes.
constexpr std::string_view kImperatives[] = {
    "add",        "analyze",  "answer",    "arrange",     "assess",    "brainstorm", "build",      "calculate",
    "categorize", "change",   "choose",    "classify",    "combine",   "compare",    "compile",    "complete",
    "compose",    "compute",  "construct", "contrast",    "convert",   "correct",    "craft",      "create",
    "debug",      "define",   "delete",    "demonstrate", "describe",  "design",     "detect",     "determine",
    "develop",    "devise",   "discuss",   "draft",       "edit",      "elaborate",  "estimate",   "evaluate",
    "examine",    "expand",   "explain",   "explore",     "extract",   "fill",       "find",       "fix",
    "formulate",  "generate", "give",      "group",       "highlight", "identify",   "illustrate", "implement",
    "improve",    "infer",    "insert",    "interpret",   "invent",    "list",       "make",       "match",
    "modify",     "name",     "optimize",  "order",       "organize",  "outline",    "paraphrase", "parse",
    "perform",    "plan",     "point",     "predict",     "prepare",   "present",    "print",      "produce",
    "propose",    "provide",  "rank",      "recommend",   "reformat",  "remove",     "rephrase",   "replace",
    "restate",    "retrieve", "reword",    "rewrite",     "select",    "simplify",   "solve",      "sort",
    "spell",      "split",    "state",     "suggest",     "summarize", "summarise",  "tell",       "transform",
    "translate",  "turn",     "update",    "use",         "verify",    "write",      "schreibe",   "erstelle",
    "beschreibe", "nenne",    "erkläre",   "écris",       "écrivez",   "décris",     "décrivez",   "crée",
    "donne",      "explique", "escribe",   "describe",    "explica",   "crea",       "genera",     "escreva",
    "descreva",   "crie",     "напиши",    "напишите",    "опиши",     "опишите",    "объясни",    "объясните",
    "создай",     "создайте", "составь",   "перечисли"};

constexpr std::string_view kPersonals[] = {"i",     "my",   "me",   "mine",  "i'm",  "we",  "our", "us",  "ich", "mein",
                                           "meine", "mir",  "mich", "je",    "mon",  "ma",  "mes", "moi", "yo",  "mi",
                                           "mis",   "eu",   "meu",  "minha", "io",   "mio", "mia", "я",   "мне", "мой",
                                           "моя",   "меня", "мы",   "我",    "我们", "私",  "僕",  "俺"};

// A turn that begins with one of these and a colon continues a trace of reasoning and tool use (the ReAct format of Yao
// et al. 2022 and its kin).
constexpr std::string_view kTraceMarks[] = {"observation", "thought", "action", "beobachtung", "observación"};

constexpr uint64_t kAny = 1;  // the hash that stands for `*`; word hashes are mixed and never this small in practice

struct Phrase {
  Kind kind;
  std::vector<uint64_t> words;
};

class Rules {
 public:
  Rules() {
    std::vector<Token> storage;
    for (const Rule& rule : kRules) {
      Phrase phrase{rule.kind, {}};
      for (const Token& token : tokenize(rule.phrase, storage)) {
        if (is_word(token)) phrase.words.push_back(token.hash);
        if (token.hash == '*' && token.kind == TokenKind::kPunctuation) phrase.words.push_back(kAny);
      }
      phrases_[phrase.words.front()].push_back(phrase);
      mark(phrase.words.front());
    }
    for (const std::string_view verb : kImperatives) imperatives_.push_back(word_hash(verb));
    std::sort(imperatives_.begin(), imperatives_.end());
    for (const std::string_view mark : kTraceMarks) trace_marks_.push_back(word_hash(mark));
    std::sort(trace_marks_.begin(), trace_marks_.end());
    for (const std::string_view word : kPersonals) {
      const uint64_t first = tokenize(word, storage).front().hash;
      phrases_[first].push_back({Kind::kPersonal, {first}});
      mark(first);
    }
  }

  // Most words begin no phrase: one bit tells.
  const std::vector<Phrase>* starting_with(uint64_t hash) const {
    if (!((filter_[(hash >> 6) & 255] >> (hash & 63)) & 1)) return nullptr;
    const auto it = phrases_.find(hash);
    return it == phrases_.end() ? nullptr : &it->second;
  }
  bool trace_mark(uint64_t hash) const { return std::binary_search(trace_marks_.begin(), trace_marks_.end(), hash); }
  bool imperative(uint64_t hash) const { return std::binary_search(imperatives_.begin(), imperatives_.end(), hash); }

 private:
  void mark(uint64_t hash) { filter_[(hash >> 6) & 255] |= uint64_t{1} << (hash & 63); }
  std::unordered_map<uint64_t, std::vector<Phrase>> phrases_;
  std::vector<uint64_t> imperatives_;
  std::vector<uint64_t> trace_marks_;
  std::array<uint64_t, 256> filter_{};
};

const Rules& instance() {
  static const Rules rules;
  return rules;
}

bool matches(std::span<const Token> tokens, const Phrase& phrase) {
  size_t at = 0;
  for (const uint64_t word : phrase.words) {
    while (at < tokens.size() && !is_word(tokens[at])) ++at;
    if (at == tokens.size() || (word != kAny && tokens[at].hash != word)) return false;
    ++at;
  }
  return true;
}

}  // namespace

std::string_view name_of(Kind kind) {
  constexpr std::array<std::string_view, kKinds> kNames = {
      "reasoning", "grading", "generation", "persona", "trajectory", "probing", "instruction", "personal", "follow_up"};
  return kNames[static_cast<size_t>(kind)];
}

uint32_t kinds_of(std::span<const Token> tokens) {
  const Rules& rules = instance();
  uint32_t kinds = 0;
  bool first = true;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (!is_word(tokens[i])) continue;
    if (first && rules.imperative(tokens[i].hash)) kinds |= 1u << static_cast<int>(Kind::kInstruction);
    if (first && i + 1 < tokens.size() && tokens[i + 1].hash == ':' && rules.trace_mark(tokens[i].hash)) {
      kinds |= 1u << static_cast<int>(Kind::kTrajectory);
    }
    first = false;
    const auto* candidates = rules.starting_with(tokens[i].hash);
    if (candidates == nullptr) continue;
    for (const Phrase& phrase : *candidates) {
      const uint32_t bit = 1u << static_cast<int>(phrase.kind);
      if (!(kinds & bit) && matches(tokens.subspan(i), phrase)) kinds |= bit;
    }
  }
  return kinds;
}

std::span<const Rule> rules() {
  return kRules;
}

}  // namespace stillwatch::features
