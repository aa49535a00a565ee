// Training: examples shuffled by a seed, packed into batches, a schedule of rates, steps of AdamW, measurements.
//
// A step is `step_tokens` positions in batches of `batch_tokens`; its loss is the mean over all scored positions of the
// step, so how it is cut into batches changes nothing but rounding. The rate rises linearly over `warmup` steps and
// falls to `rate_end` along half a cosine. Gradients longer than `clip` are shortened to it. The order of examples
// depends on the seed and the epoch alone, so a checkpoint goes on bit for bit as if training had never stopped (same
// machine and threads). Thread rule: one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/output.h"
#include "base/yaml_map.h"
#include "training/network.h"

namespace stillwatch::training {

struct Plan {
  uint64_t steps = 1000;
  size_t step_tokens = 8192;
  size_t batch_tokens = 2048;
  double rate = 1e-3;
  double rate_end = 1e-5;
  uint64_t warmup = 100;  // steps
  double clip = 1;
  AdamW adam;
  uint64_t seed = 1;

  // The keys of docs/model.md; what the map does not say stays.
  void read(base::YamlMap& map);
  double rate_at(uint64_t step) const;
};

struct StepReport {
  uint64_t step = 0;  // from 1
  double loss = 0;    // nats a scored position
  double rate = 0;
  double gradient_norm = 0;
  size_t tokens = 0;  // positions computed
  size_t scored = 0;
  uint64_t epoch = 0;
};

class Trainer {
 public:
  // `examples` and `loss` must outlive it. Fails for examples of which none is scored.
  static base::Result<Trainer> start(Plan plan, std::unique_ptr<Network> network,
                                     std::span<const model::Example> examples, Loss& loss);

  // One step. A loss that is no number fails it, with what to do.
  base::Result<StepReport> step();
  bool done() const { return step_ >= plan_.steps; }
  uint64_t steps_done() const { return step_; }
  Network& network() { return *network_; }

  // The mean loss over other examples.
  base::Result<double> validate(std::span<const model::Example> examples, Loss& loss);

  // Writes the state (one file, safetensors) and reads it back. A state of another plan, data or model is refused.
  void save_state(const base::Write& write) const;
  base::Result<void> load_state(std::string_view bytes, std::string_view file);

 private:
  Trainer(Plan plan, std::unique_ptr<Network> network, std::span<const model::Example> examples, Loss& loss);
  // The next examples of the order, at least one, together about step_tokens.
  std::vector<uint64_t> next_examples();
  void shuffle();
  uint64_t fingerprint() const;  // of what must not change between a state and its continuation

  Plan plan_;
  std::unique_ptr<Network> network_;
  std::span<const model::Example> examples_;
  Loss* loss_;
  uint64_t step_ = 0;
  uint64_t epoch_ = 0;
  size_t at_ = 0;  // in order_
  std::vector<uint64_t> order_;
};

}  // namespace stillwatch::training
