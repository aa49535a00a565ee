#include "training/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "base/hash.h"
#include "base/random.h"
#include "model/safetensors.h"

namespace stillwatch::training {
namespace {

using base::ErrorCode;
using base::Result;

constexpr const char* kCounters = "trainer.counters";

// A 64-bit number as four floats that hold it exactly.
void put(std::vector<float>& out, uint64_t n) {
  for (int i = 0; i < 4; ++i) out.push_back(static_cast<float>((n >> (16 * i)) & 0xffff));
}
uint64_t take(const std::vector<float>& in, size_t index) {
  uint64_t n = 0;
  for (size_t i = 0; i < 4; ++i) {
    const float part = in[index * 4 + i];
    n |= static_cast<uint64_t>(part >= 0 && part < 65536 ? part : 0) << (16 * i);
  }
  return n;
}

std::vector<uint64_t> all_of(std::span<const model::Example> examples) {
  std::vector<uint64_t> all(examples.size());
  std::iota(all.begin(), all.end(), uint64_t{0});
  return all;
}

}  // namespace

void Plan::read(base::YamlMap& map) {
  map.number("steps", steps, 1, 1e9);
  map.number("step_tokens", step_tokens, 1, 1e9);
  map.number("batch_tokens", batch_tokens, 1, 1e7);
  map.number("rate", rate, 0, 10);
  map.number("rate_end", rate_end, 0, 10);
  map.number("warmup", warmup, 0, 1e9);
  map.number("clip", clip, 0, 1e9);
  map.number("beta1", adam.beta1, 0, 0.9999);
  map.number("beta2", adam.beta2, 0, 0.99999);
  map.number("epsilon", adam.epsilon, 1e-16, 1);
  map.number("decay", adam.decay, 0, 10);
  map.number("seed", seed, 0, 9e15);
}

double Plan::rate_at(uint64_t step) const {
  if (step < warmup) return rate * static_cast<double>(step + 1) / static_cast<double>(warmup);
  if (steps <= warmup + 1) return rate;
  const double done = static_cast<double>(step - warmup) / static_cast<double>(steps - warmup - 1);
  return rate_end + (rate - rate_end) * 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, done)));
}

Trainer::Trainer(Plan plan, std::unique_ptr<Network> network, std::span<const model::Example> examples, Loss& loss)
    : plan_(plan), network_(std::move(network)), examples_(examples), loss_(&loss) {
  shuffle();
}

Result<Trainer> Trainer::start(Plan plan, std::unique_ptr<Network> network, std::span<const model::Example> examples,
                               Loss& loss) {
  const model::Config& config = network->config();
  bool any = false;
  for (size_t i = 0; i < examples.size(); ++i) {
    for (const int32_t token : examples[i].tokens) {
      if (token < 0 || token >= config.vocab_size) {
        return base::fail(ErrorCode::kInput,
                          fmt::format("row {} of the data holds token {}, and the model has {}: it was "
                                      "made with another tokenizer",
                                      i + 1, token, config.vocab_size));
      }
    }
    const size_t length = std::min(examples[i].tokens.size(), static_cast<size_t>(config.context) + 1);
    for (size_t t = 1; t < length && !any; ++t) any = examples[i].scored[t];
  }
  if (!any)
    return base::fail(ErrorCode::kInput, "no row of the data holds an assistant's turn within the model's context");
  return Trainer(plan, std::move(network), examples, loss);
}

void Trainer::shuffle() {
  order_.resize(examples_.size());
  std::iota(order_.begin(), order_.end(), uint64_t{0});
  base::Random random(base::combine(plan_.seed, epoch_));
  random.shuffle(std::span<uint64_t>(order_));
}

std::vector<uint64_t> Trainer::next_examples() {
  const auto context = static_cast<size_t>(network_->config().context);
  std::vector<uint64_t> which;
  size_t tokens = 0;
  bool scored = false;
  while (tokens < plan_.step_tokens || !scored) {
    if (at_ == order_.size()) {
      at_ = 0;
      ++epoch_;
      shuffle();
    }
    const model::Example& e = examples_[order_[at_]];
    const size_t length = std::min(e.tokens.size(), context + 1);
    if (length > 1 && !which.empty() && scored && tokens + length - 1 > plan_.step_tokens) break;
    which.push_back(order_[at_++]);
    if (length > 1) tokens += length - 1;
    for (size_t t = 1; t < length && !scored; ++t) scored = e.scored[t];
  }
  return which;
}

Result<StepReport> Trainer::step() {
  const std::vector<uint64_t> which = next_examples();
  std::optional<std::vector<model::Example>> renewed;
  if (renew_) {
    auto given = renew_(step_, which, *network_);
    if (!given) return tl::unexpected(given.error());
    renewed = std::move(*given);
  }
  const std::vector<Batch> batches =
      renewed ? batches_of(*renewed, all_of(*renewed), network_->config().context, plan_.batch_tokens)
              : batches_of(examples_, which, network_->config().context, plan_.batch_tokens);
  StepReport report;
  report.step = step_ + 1;
  report.epoch = epoch_;
  report.rate = plan_.rate_at(step_);
  for (const Batch& b : batches) {
    report.tokens += b.tokens.size();
    report.scored += b.scored.size();
  }
  const double scale = 1 / static_cast<double>(std::max<size_t>(1, report.scored));
  double sum = 0;
  for (const Batch& b : batches) {
    const auto loss = network_->accumulate(b, *loss_, scale);
    if (!loss) return tl::unexpected(loss.error());
    sum += *loss;
  }
  report.loss = sum * scale;
  report.gradient_norm = network_->gradient_norm();
  if (!std::isfinite(report.loss) || !std::isfinite(report.gradient_norm)) {
    return base::fail(ErrorCode::kInput, fmt::format("the loss is no number any more at step {}: go on from the last "
                                                     "checkpoint with a lower `rate`, or a longer `warmup`",
                                                     report.step));
  }
  const double factor = plan_.clip > 0 ? std::min(1.0, plan_.clip / (report.gradient_norm + 1e-12)) : 1;
  network_->update(plan_.adam, report.rate, factor);
  ++step_;
  return report;
}

Result<double> Trainer::validate(std::span<const model::Example> examples, Loss& loss) {
  double sum = 0;
  size_t scored = 0;
  for (const Batch& b : batches_of(examples, all_of(examples), network_->config().context, plan_.batch_tokens)) {
    const auto part = network_->measure(b, loss);
    if (!part) return part;
    sum += *part;
    scored += b.scored.size();
  }
  return scored > 0 ? sum / static_cast<double>(scored) : 0;
}

uint64_t Trainer::fingerprint() const {
  uint64_t print = base::combine(plan_.seed, plan_.step_tokens);
  for (const double d : {plan_.rate, plan_.rate_end, plan_.clip, plan_.adam.beta1, plan_.adam.beta2, plan_.adam.epsilon,
                         plan_.adam.decay, static_cast<double>(plan_.steps), static_cast<double>(plan_.warmup)}) {
    print = base::combine(print, base::hash64({reinterpret_cast<const char*>(&d), sizeof d}));
  }
  for (const model::Example& e : examples_) {
    print = base::combine(
        print, base::hash64({reinterpret_cast<const char*>(e.tokens.data()), e.tokens.size() * sizeof(int32_t)}));
  }
  return print;
}

void Trainer::save_state(const base::Write& write) const {
  Snapshot s = network_->snapshot();
  model::Weights all;
  for (const auto& [part, prefix] : {std::pair(&s.weights, "weights/"), {&s.first, "first/"}, {&s.second, "second/"}}) {
    for (auto& [name, tensor] : *part) all[prefix + name] = std::move(tensor);
  }
  std::vector<float> counters;
  for (const uint64_t n : {step_, epoch_, uint64_t{at_}, s.updates, fingerprint()}) put(counters, n);
  all[kCounters] = {{static_cast<int64_t>(counters.size())}, counters};
  model::write_safetensors(all, model::Precision::kF32, write);
}

Result<void> Trainer::load_state(std::string_view bytes, std::string_view file) {
  model::Weights all;
  if (auto ok = model::read_safetensors(bytes, file, all); !ok) return ok;
  const auto counters = all.find(kCounters);
  if (counters == all.end() || counters->second.values.size() != 20)
    return base::fail(ErrorCode::kInput, fmt::format("{} is not the state of a training", file));
  const std::vector<float>& n = counters->second.values;
  if (take(n, 4) != fingerprint()) {
    return base::fail(ErrorCode::kUsage,
                      fmt::format("{} belongs to a training with other data or another plan: go on with "
                                  "those, or begin anew in another folder",
                                  file));
  }
  Snapshot s;
  for (const auto& [part, prefix] :
       {std::pair(&s.weights, std::string_view("weights/")), {&s.first, "first/"}, {&s.second, "second/"}}) {
    for (auto& [name, tensor] : all) {
      if (name.starts_with(prefix)) (*part)[name.substr(prefix.size())] = std::move(tensor);
    }
  }
  s.updates = take(n, 3);
  if (auto ok = network_->restore(s); !ok) return ok;
  step_ = take(n, 0);
  epoch_ = take(n, 1);
  shuffle();
  at_ = std::min<size_t>(take(n, 2), order_.size());
  return {};
}

}  // namespace stillwatch::training
