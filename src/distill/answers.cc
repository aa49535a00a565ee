#include "distill/answers.h"

#include <map>

#include "base/hash.h"

namespace stillwatch::distill {

base::Result<std::vector<Answer>> answer_all(const model::Transformer& transformer, const model::ChatTemplate& marks,
                                             const model::Tokenizer& tokenizer,
                                             std::span<const std::vector<int32_t>> prompts,
                                             const AnswerOptions& options) {
  using Part = model::AnswerParser::Part;
  struct Open {
    size_t index;
    model::AnswerParser parser;
  };
  model::Generator generator(transformer, options.threads);
  std::map<uint64_t, Open> open;
  std::vector<Answer> answers(prompts.size());
  const int32_t think = tokenizer.find_special(marks.think);
  for (size_t next = 0; next < prompts.size() || !open.empty();) {
    for (; next < prompts.size() && open.size() < options.at_once; ++next) {
      model::GenerationRequest request;
      request.prompt = prompts[next];
      request.tokens_max = options.tokens_max;
      request.want_logprobs = options.logprobs > 0;
      request.sampling.logprobs = options.logprobs;
      request.sampling.temperature = options.temperature;
      request.sampling.seed = base::combine(options.seed, next);
      if (options.hook) request.sampling.on_logits = options.hook(next);
      if (!options.reasoning && think >= 0) request.sampling.bias[think] = -1e9F;
      // One mark may close reasoning and answers alike: the parser tells when the answer is over.
      if (marks.think_end != marks.end) request.stop = transformer.config().eos;
      const auto id = generator.add(std::move(request));
      if (!id) return tl::unexpected(id.error());
      open.emplace(*id, Open{next, model::AnswerParser(marks, tokenizer)});
    }
    for (model::GenerationEvent& e : generator.step()) {
      const auto it = open.find(e.id);
      if (it == open.end()) continue;
      Answer& answer = answers[it->second.index];
      const Part part = it->second.parser.next(e.choice.token);
      const std::string_view piece = tokenizer.piece(e.choice.token);
      if (options.on_token) options.on_token(it->second.index, part);
      if (part == Part::kReasoning) answer.reasoning += piece;
      if (part == Part::kContent) answer.content += piece;
      answer.tokens.push_back(std::move(e.choice));
      answer.ended = part == Part::kEnd || e.finish == model::Finish::kStop;
      if (part == Part::kEnd && !e.finish) generator.cancel(e.id);
      if (part == Part::kEnd || e.finish) open.erase(it);
    }
  }
  return answers;
}

}  // namespace stillwatch::distill
