// Answers for many requests at once: sequences join the batch when they come and leave it when they end, and every step
// reads one more token of each (continuous batching, Yu et al. 2022), prompts in pieces so that they hold nobody up.
//
// Each answer depends on its request alone, never on what else runs or on the number of threads: sequences are shared
// out among the team, and each is computed by one thread. Thread rule: one thread. Bounds: a request's tokens are
// limited by the context; memory for keys and values by `cache_bytes_max`, beyond which requests wait in line.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "base/team.h"
#include "model/sampler.h"
#include "model/transformer.h"

namespace stillwatch::model {

enum class Finish : uint8_t { kStop, kLength };

struct GenerationRequest {
  std::vector<int32_t> prompt;
  uint32_t tokens_max = 256;
  Sampling sampling;
  std::vector<int32_t> stop;  // tokens that end it; the last one is told too
  bool want_logprobs = false;
  bool want_prompt = false;  // the log-probabilities of the prompt itself
};

// What one step made of one request.
struct GenerationEvent {
  uint64_t id;
  Choice choice;
  std::optional<Finish> finish;  // with the last token
  // With the first token, where it was asked for: every token of the prompt but the first, which nothing foretells.
  std::vector<Choice> prompt;
};

class Generator {
 public:
  Generator(const Transformer& transformer, unsigned threads, size_t cache_bytes_max = size_t{4} << 30);
  ~Generator();

  // Fails for a prompt that is empty, or that leaves no room in the context.
  base::Result<uint64_t> add(GenerationRequest request);
  void cancel(uint64_t id);
  bool idle() const { return running_.empty() && waiting_.empty(); }
  size_t running() const { return running_.size(); }
  // One token more for each running request that has read its prompt. Events come in the order of their ids.
  std::vector<GenerationEvent> step();

 private:
  struct Sequence;
  void admit();
  void advance(std::span<const std::unique_ptr<Sequence>> mine, size_t thread);
  static void choose(Sequence& s, std::span<float> logits);

  const Transformer& transformer_;
  base::Team team_;
  size_t cache_bytes_max_;
  size_t cache_bytes_ = 0;
  uint64_t next_id_ = 1;
  std::deque<std::unique_ptr<Sequence>> waiting_;
  std::vector<std::unique_ptr<Sequence>> running_;
  std::vector<Transformer::Room> rooms_;
  std::vector<std::vector<float>> logits_;
};

// Answers of one request, alone.
base::Result<std::vector<Choice>> generate(const Transformer& transformer, GenerationRequest request);

}  // namespace stillwatch::model
