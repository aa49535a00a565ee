#include "model/generator.h"

#include <fmt/format.h>

#include <algorithm>

namespace stillwatch::model {
namespace {

constexpr size_t kPromptPiece = 128;  // tokens of a prompt that one step reads

}  // namespace

struct Generator::Sequence {
  Sequence(uint64_t i, GenerationRequest r)
      : id(i), request(std::move(r)), sampler(request.sampling), context(request.prompt) {}
  size_t tokens_max() const { return request.prompt.size() + request.tokens_max; }
  bool told_of_prompt() const { return !request.want_prompt || cache->tokens() >= request.prompt.size(); }

  uint64_t id;
  GenerationRequest request;
  Sampler sampler;
  std::optional<Cache> cache;
  std::vector<int32_t> context;          // the prompt and what was made behind it
  std::vector<Choice> prompt;            // where it is to be told
  std::optional<GenerationEvent> event;  // of this step
};

Generator::Generator(const Transformer& transformer, unsigned threads, size_t cache_bytes_max)
    : transformer_(transformer),
      team_(threads),
      cache_bytes_max_(cache_bytes_max),
      rooms_(team_.size()),
      logits_(team_.size()) {}
Generator::~Generator() = default;

base::Result<uint64_t> Generator::add(GenerationRequest request) {
  const auto context = static_cast<size_t>(transformer_.config().context);
  if (request.prompt.empty()) return base::fail(base::ErrorCode::kInput, "the prompt is empty");
  if (request.prompt.size() >= context) {
    return base::fail(base::ErrorCode::kInput, fmt::format("the prompt has {} tokens, and the model's context holds {}",
                                                           request.prompt.size(), context));
  }
  for (const int32_t t : request.prompt) {
    if (t < 0 || t >= transformer_.config().vocab_size)
      return base::fail(base::ErrorCode::kInput, "the prompt holds a token that the model does not have");
  }
  request.tokens_max =
      static_cast<uint32_t>(std::clamp<size_t>(request.tokens_max, 1, context - request.prompt.size()));
  waiting_.push_back(std::make_unique<Sequence>(next_id_, std::move(request)));
  return next_id_++;
}

void Generator::cancel(uint64_t id) {
  const auto same = [id](const auto& s) { return s->id == id; };
  std::erase_if(waiting_, same);
  for (const auto& s : running_) {
    if (same(s)) cache_bytes_ -= Cache::bytes_of(transformer_.config(), s->tokens_max());
  }
  std::erase_if(running_, same);
}

// In the order they came; the first always fits.
void Generator::admit() {
  while (!waiting_.empty()) {
    Sequence& s = *waiting_.front();
    const size_t bytes = Cache::bytes_of(transformer_.config(), s.tokens_max());
    if (!running_.empty() && cache_bytes_ + bytes > cache_bytes_max_) return;
    cache_bytes_ += bytes;
    s.cache.emplace(transformer_.config(), s.tokens_max());
    running_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

std::vector<GenerationEvent> Generator::step() {
  admit();
  if (running_.empty()) return {};
  const std::span<const std::unique_ptr<Sequence>> all(running_);
  team_.parts(all.size(), 1, [&](size_t from, size_t to) {
    // The parts are in the order of the threads.
    const size_t parts = std::min<size_t>(all.size(), team_.size());
    size_t thread = 0;
    while (all.size() * (thread + 1) / parts <= from) ++thread;
    advance(all.subspan(from, to - from), thread);
  });
  std::vector<GenerationEvent> events;
  for (const auto& s : running_) {
    if (s->event) events.push_back(*std::exchange(s->event, std::nullopt));
  }
  for (const GenerationEvent& e : events) {
    if (e.finish) cancel(e.id);
  }
  return events;
}

void Generator::advance(std::span<const std::unique_ptr<Sequence>> mine, size_t thread) {
  const auto vocab = static_cast<size_t>(transformer_.config().vocab_size);
  const auto part_of = [](Sequence& s) {
    const std::span<const int32_t> unread = std::span(s.context).subspan(s.cache->tokens());
    return Transformer::Part{&*s.cache, unread.first(std::min(unread.size(), kPromptPiece)), !s.told_of_prompt()};
  };
  std::vector<float>& logits = logits_[thread];
  std::vector<Transformer::Part> parts;
  std::vector<Sequence*> together;
  for (const auto& s : mine) {
    const Transformer::Part part = part_of(*s);
    if (part.all_logits) {  // by itself: a row of logits for each token of many prompts would fill the memory
      transformer_.read({&part, 1}, rooms_[thread], logits);
      const size_t read = s->cache->tokens(), first = read - part.tokens.size();
      for (size_t i = first; i < read && i + 1 < s->context.size(); ++i) {
        const std::span<const float> row = std::span(logits).subspan((i - first) * vocab, vocab);
        s->prompt.push_back(judge(s->context[i + 1], row, s->request.sampling.logprobs));
      }
      if (read == s->context.size()) choose(*s, std::span(logits).last(vocab));
    } else {
      parts.push_back(part);
      together.push_back(s.get());
    }
  }
  if (parts.empty()) return;
  transformer_.read(parts, rooms_[thread], logits);
  for (size_t i = 0; i < together.size(); ++i) {
    Sequence& s = *together[i];
    if (s.cache->tokens() == s.context.size()) choose(s, std::span(logits).subspan(i * vocab, vocab));
  }
}

// The next token of a sequence that has read all it has.
void Generator::choose(Sequence& s, std::span<float> logits) {
  GenerationEvent event{s.id, s.sampler.next(s.context, logits, s.request.want_logprobs), std::nullopt,
                        std::exchange(s.prompt, {})};
  const int32_t token = event.choice.token;
  s.context.push_back(token);
  if (std::find(s.request.stop.begin(), s.request.stop.end(), token) != s.request.stop.end()) {
    event.finish = Finish::kStop;
  } else if (s.context.size() - s.request.prompt.size() >= s.request.tokens_max) {
    event.finish = Finish::kLength;
  }
  s.event = std::move(event);
}

base::Result<std::vector<Choice>> generate(const Transformer& transformer, GenerationRequest request) {
  Generator generator(transformer, 1);
  if (auto id = generator.add(std::move(request)); !id) return tl::unexpected(id.error());
  std::vector<Choice> out;
  while (!generator.idle()) {
    for (GenerationEvent& e : generator.step()) out.push_back(std::move(e.choice));
  }
  return out;
}

}  // namespace stillwatch::model
