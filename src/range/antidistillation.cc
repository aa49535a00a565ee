#include "range/antidistillation.h"

#include <numeric>

#include "training/cpu_network.h"

namespace stillwatch::range {
namespace {

using base::Result;

constexpr double kStep = 1e-2;  // small beside the weights' own length, large beside a float's rounding
constexpr size_t kBatchTokens = 1024;

// The gradient of the loss on `examples`, of length one.
Result<model::Weights> direction_of(const model::Model& model, std::span<const model::Example> examples,
                                    unsigned threads) {
  auto network = training::make_cpu_network(model.config, model.weights, threads);
  if (!network) return tl::unexpected(network.error());
  std::vector<uint64_t> all(examples.size());
  std::iota(all.begin(), all.end(), 0);
  training::CrossEntropy loss;
  for (const training::Batch& batch : training::batches_of(examples, all, model.config.context, kBatchTokens)) {
    if (auto sum = (*network)->accumulate(batch, loss, 1); !sum) return tl::unexpected(sum.error());
  }
  const double norm = (*network)->gradient_norm();
  // Without memory the optimiser's first moment is the gradient itself; at rate 0 the weights stay.
  (*network)->update({.beta1 = 0}, 0, norm > 0 ? 1 / norm : 0);
  return (*network)->snapshot().first;
}

// One proxy reading along with an answer.
class Reader {
 public:
  explicit Reader(const model::Transformer& model)
      : model_(model), cache_(model.config(), static_cast<size_t>(model.config().context)) {}

  // Log-probabilities of the token behind `context`, which goes on from the last one.
  std::span<const float> read(std::span<const int32_t> context) {
    const model::Transformer::Part part{&cache_, context.subspan(cache_.tokens())};
    model_.read({&part, 1}, room_, logits_);
    training::log_softmax(logits_);
    return logits_;
  }

 private:
  const model::Transformer& model_;
  model::Cache cache_;
  model::Transformer::Room room_;
  std::vector<float> logits_;
};

}  // namespace

Result<Antidistillation> Antidistillation::prepare(const model::Model& proxy, std::span<const model::Example> held_out,
                                                   double strength, unsigned threads) {
  const auto direction = direction_of(proxy, held_out, threads);
  if (!direction) return tl::unexpected(direction.error());
  model::Weights moved = proxy.weights;
  for (auto& [name, tensor] : moved) {
    const std::vector<float>& along = direction->find(name)->second.values;
    for (size_t i = 0; i < along.size(); ++i) tensor.values[i] += static_cast<float>(kStep) * along[i];
  }
  Antidistillation out;
  out.strength_ = strength / kStep;
  out.here_ = std::make_shared<const model::Transformer>(proxy.config, proxy.weights);
  out.there_ = std::make_shared<const model::Transformer>(proxy.config, std::move(moved));
  return out;
}

model::LogitsHook Antidistillation::hook() const {
  struct State {
    explicit State(const Antidistillation& a) : owner(a), here(*a.here_), there(*a.there_) {}
    Antidistillation owner;  // keeps the models
    Reader here, there;
  };
  return [state = std::make_shared<State>(*this)](std::span<const int32_t> context, std::span<float> logits) {
    const std::span<const float> here = state->here.read(context), there = state->there.read(context);
    for (size_t i = 0; i < logits.size(); ++i)
      logits[i] += static_cast<float>(state->owner.strength_) * (there[i] - here[i]);
  };
}

}  // namespace stillwatch::range
