#include "range/writing.h"

#include <fmt/format.h>

#include <array>

#include "base/hash.h"
#include "model/generator.h"
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

model::Example example_of(int32_t bos, const Text& text) {
  model::Example example{{bos}, {false}};
  example.tokens.insert(example.tokens.end(), text.begin(), text.end());
  example.scored.resize(example.tokens.size(), true);
  return example;
}

}  // namespace stillwatch::range
