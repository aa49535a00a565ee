// A model that answers asks, many at once: a thread of its own runs the generator, asks join when they come, and leave
// when they are answered or their client is gone.
//
// Answers go to an Output, so that the same engine serves sockets (service.h) and programs that have the model in them.
// Thread rule: submit() from any thread, finish() from the owner's; an Output is called on the engine's thread, but for
// gone(). Bounds: asks_max at once, beyond which submit() refuses.
#pragma once

#include <functional>
#include <memory>

#include "model/folder.h"
#include "model/generator.h"
#include "serving/answer.h"

namespace stillwatch::serving {

// Where one answer goes.
class Output {
 public:
  virtual ~Output() = default;
  virtual void whole(std::string json) = 0;                      // an answer that is not streamed
  virtual void event(std::string text) = 0;                      // pieces of one that is
  virtual void end() = 0;                                        // behind the last event
  virtual void refuse(int status, const std::string& json) = 0;  // instead of all these
  virtual bool gone() const = 0;                                 // nobody listens any more
};

struct EngineSettings {
  unsigned threads = 1;
  size_t asks_max = 256;
  uint32_t tokens_max = 512;  // where an ask does not say
  size_t cache_bytes_max = size_t{4} << 30;
  std::string model_name = "stillwatch";
  std::function<int64_t()> now_seconds;   // since 1970
  std::function<uint64_t()> random_seed;  // for asks without a seed
  model::LogitsHook on_logits;            // a watermark, for every answer
  model::ChooseHook choose;
};

class Engine {
 public:
  Engine(model::Model model, EngineSettings settings);
  ~Engine();

  void submit(Ask ask, std::unique_ptr<Output> output);
  // Refuses what is open and what comes; no output is held any more when it returns.
  void finish();
  const std::string& model_name() const;
  const model::Model& model() const;  // without its weights
  uint64_t answered() const;
  size_t open() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace stillwatch::serving
