#include "range/writing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/hash.h"
#include "model/generator.h"
#include "training/loss.h"
#include "watermark/embed.h"

namespace stillwatch::range {

watermark::Key trial_key(uint64_t seed) {
  const std::array<uint8_t, watermark::MasterKey::kBytes> master{0x5a};
  return watermark::MasterKey(master).derive(fmt::format("range:{}", seed));
}

model::LogitsHook hook_of(const TokenMark& mark) {
  return [embedder = watermark::Embedder(mark.key, mark.mark)](
             std::span<const int32_t> context, std::span<float> logits) mutable { embedder.apply(context, logits); };
}

base::Result<std::vector<Text>> write_texts(const model::Transformer& transformer, const WriteOptions& options) {
  constexpr uint64_t kAtOnce = 64;
  model::Generator generator(transformer, options.threads);
  std::vector<Text> texts(options.texts);
  uint64_t first_id = 0, done = 0;
  for (uint64_t next = 0; done < options.texts;) {
    for (; next < options.texts && next - done < kAtOnce; ++next) {
      model::GenerationRequest request;
      request.prompt = {transformer.config().bos};
      request.tokens_max = options.tokens_max;
      request.stop = transformer.config().eos;
      request.sampling.seed = base::combine(options.seed, next);
      if (options.mark) request.sampling.on_logits = hook_of(*options.mark);
      const auto id = generator.add(std::move(request));
      if (!id) return tl::unexpected(id.error());
      if (next == 0) first_id = *id;
    }
    for (const model::GenerationEvent& e : generator.step()) {
      texts[e.id - first_id].push_back(e.choice.token);
      done += e.finish.has_value();
    }
  }
  return texts;
}

std::vector<attribution::Place> read_texts(const model::Transformer& transformer, std::span<const Text> texts,
                                           size_t context, size_t tops) {
  const auto vocabulary = static_cast<size_t>(transformer.config().vocab_size);
  std::vector<attribution::Place> places;
  model::Transformer::Room room;
  std::vector<float> logits;
  std::vector<std::pair<watermark::Unit, double>> all(vocabulary);
  tops = std::min(tops, vocabulary);
  for (const Text& text : texts) {
    const std::vector<int32_t> tokens = example_of(transformer.config().bos, text).tokens;
    model::Cache cache(transformer.config(), tokens.size());
    const model::Transformer::Part part{&cache, tokens, true};
    transformer.read({&part, 1}, room, logits);
    for (size_t i = 0; i < tokens.size(); ++i) {
      const std::span<float> here = std::span(logits).subspan(i * vocabulary, vocabulary);
      training::log_softmax(here);
      for (size_t t = 0; t < vocabulary; ++t) all[t] = {static_cast<watermark::Unit>(t), std::exp(here[t])};
      std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(tops), all.end(),
                        [](const auto& a, const auto& b) { return a.second > b.second; });
      attribution::Place& place = places.emplace_back();
      // The token that begins a text is no unit of it.
      const size_t before = std::min(context, i);
      for (size_t t = i + 1 - before; t <= i; ++t) place.before.push_back(static_cast<watermark::Unit>(tokens[t]));
      place.next.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(tops));
    }
  }
  return places;
}

model::Example example_of(int32_t bos, const Text& text) {
  model::Example example{{bos}, {false}};
  example.tokens.insert(example.tokens.end(), text.begin(), text.end());
  example.scored.resize(example.tokens.size(), true);
  return example;
}

}  // namespace stillwatch::range
