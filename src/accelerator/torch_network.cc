#include "accelerator/torch_network.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <cmath>

namespace stillwatch::accelerator {
namespace {

using base::ErrorCode;
using base::Result;
using model::Config;
using training::Batch;
using training::Loss;

struct Parameter {
  torch::Tensor value, first, second;
};

torch::Tensor tensor_of(const model::Tensor& t) {
  return torch::from_blob(const_cast<float*>(t.values.data()), t.shape, torch::kFloat32).clone();
}

model::Tensor values_of(const torch::Tensor& t) {
  const torch::Tensor here = t.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  const float* data = here.data_ptr<float>();
  return {here.sizes().vec(), std::vector<float>(data, data + here.numel())};
}

// libtorch says what failed in many lines; the first is for people.
base::Error error_of(const c10::Error& e) {
  const std::string text = e.what_without_backtrace();
  return {ErrorCode::kInternal, fmt::format("libtorch: {}", text.substr(0, text.find('\n')))};
}

class TorchNetwork final : public training::Network {
 public:
  TorchNetwork(const Config& config, const TorchOptions& options)
      : c_(config), device_(options.device), product_(options.bf16 ? torch::kBFloat16 : torch::kFloat32) {}

  void load(const model::Weights& weights) {
    for (const model::Slot& slot : model::slots_of(c_)) {
      Parameter p;
      p.value = tensor_of(weights.find(slot.name)->second).to(device_).requires_grad_(true);
      p.first = torch::zeros_like(p.value).detach();
      p.second = torch::zeros_like(p.value).detach();
      parameters_[slot.name] = std::move(p);
    }
  }

  const Config& config() const override { return c_; }

  Result<double> accumulate(const Batch& batch, Loss& loss, double scale) override {
    return guarded([&] { return run(batch, loss, scale, true); });
  }
  Result<double> measure(const Batch& batch, Loss& loss) override {
    return guarded([&] { return run(batch, loss, 0, false); });
  }
  Result<void> predict(const Batch& batch, const TakeLogits& take) override {
    const auto done = guarded([&]() -> Result<double> {
      const torch::NoGradGuard no_grad;
      const torch::Tensor rows = logits(batch).to(torch::kCPU).contiguous();
      const auto vocab = static_cast<size_t>(c_.vocab_size);
      for (size_t i = 0; i < batch.scored.size(); ++i) take(i, {rows.data_ptr<float>() + i * vocab, vocab});
      return 0;
    });
    if (!done) return tl::unexpected(done.error());
    return {};
  }

  double gradient_norm() override {
    const torch::NoGradGuard no_grad;
    torch::Tensor sum = torch::zeros({}, torch::TensorOptions(torch::kFloat64).device(device_));
    for (auto& [name, p] : parameters_) {
      if (p.value.grad().defined()) sum += p.value.grad().to(torch::kFloat64).square().sum();
    }
    return std::sqrt(sum.item<double>());
  }

  void update(const training::AdamW& adam, double rate, double factor) override {
    const torch::NoGradGuard no_grad;
    ++updates_;
    const auto t = static_cast<double>(updates_);
    for (auto& [name, p] : parameters_) {
      torch::Tensor& gradient = p.value.mutable_grad();
      if (!gradient.defined()) gradient = torch::zeros_like(p.value);
      gradient.mul_(factor);
      p.first.mul_(adam.beta1).add_(gradient, 1 - adam.beta1);
      p.second.mul_(adam.beta2).addcmul_(gradient, gradient, 1 - adam.beta2);
      if (p.value.dim() > 1) p.value.mul_(1 - rate * adam.decay);
      const torch::Tensor root = (p.second / (1 - std::pow(adam.beta2, t))).sqrt_().add_(adam.epsilon);
      p.value.addcdiv_(p.first, root, -rate / (1 - std::pow(adam.beta1, t)));
      gradient.zero_();
    }
  }

  model::Weights weights() const override { return part(&Parameter::value); }
  training::Snapshot snapshot() const override {
    return {part(&Parameter::value), part(&Parameter::first), part(&Parameter::second), updates_};
  }
  Result<void> restore(const training::Snapshot& s) override {
    for (const model::Weights* w : {&s.weights, &s.first, &s.second}) {
      model::Weights copy = *w;
      if (auto ok = model::fit(copy, c_, "the state"); !ok) return ok;
    }
    load(s.weights);
    for (auto& [name, p] : parameters_) {
      p.first = tensor_of(s.first.find(name)->second).to(device_);
      p.second = tensor_of(s.second.find(name)->second).to(device_);
    }
    updates_ = s.updates;
    return {};
  }

 private:
  template <typename Work>
  static Result<double> guarded(Work work) {
    try {
      return work();
    } catch (const c10::Error& e) {
      return tl::unexpected(error_of(e));
    }
  }

  model::Weights part(torch::Tensor Parameter::*which) const {
    model::Weights out;
    for (const auto& [name, p] : parameters_) out[name] = values_of(p.*which);
    return out;
  }

  torch::Tensor weight(const std::string& name) const { return parameters_.find(name)->second.value; }
  torch::Tensor weight(int64_t layer, const char* what) const { return weight(model::layer_name(layer, what)); }
  torch::Tensor norm(const torch::Tensor& x, const torch::Tensor& w) const {
    return x * torch::rsqrt(x.square().mean(-1, true) + c_.norm_epsilon) * w;
  }
  torch::Tensor product(const torch::Tensor& x, const torch::Tensor& w) const {
    return torch::matmul(x.to(product_), w.to(product_).t());
  }
  // [rows][length][heads * head_dim] to [rows][heads][length][head_dim], turned by its position.
  torch::Tensor heads(const torch::Tensor& x, int64_t count, bool turned, const torch::Tensor& cosines,
                      const torch::Tensor& sines) const {
    torch::Tensor h = x.view({x.size(0), x.size(1), count, c_.head_dim}).transpose(1, 2);
    if (!turned) return h;
    const std::vector<torch::Tensor> halves = h.to(torch::kFloat32).chunk(2, -1);
    return torch::cat({halves[0] * cosines - halves[1] * sines, halves[1] * cosines + halves[0] * sines}, -1)
        .to(product_);
  }

  torch::Tensor attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v) const {
#if TORCH_VERSION_MAJOR >= 2
    return at::scaled_dot_product_attention(q, k, v, {}, 0.0, true);
#else
    const int64_t n = q.size(2);
    const torch::Tensor hidden = torch::ones({n, n}, torch::TensorOptions(torch::kBool).device(device_)).triu(1);
    const torch::Tensor scores =
        torch::matmul(q, k.transpose(-1, -2)).to(torch::kFloat32) / std::sqrt(static_cast<double>(c_.head_dim));
    return torch::matmul(torch::softmax(scores.masked_fill(hidden, -1e30), -1).to(product_), v);
#endif
  }

  // Logits of the scored positions, [scored][vocab].
  torch::Tensor logits(const Batch& batch) const {
    int64_t longest = 1;
    for (size_t e = 0; e < batch.examples(); ++e)
      longest = std::max<int64_t>(longest, batch.starts[e + 1] - batch.starts[e]);
    const auto rows = static_cast<int64_t>(batch.examples());
    torch::Tensor tokens = torch::zeros({rows, longest}, torch::kInt64);
    auto* at = tokens.data_ptr<int64_t>();
    for (size_t e = 0; e < batch.examples(); ++e) {
      for (uint32_t p = batch.starts[e]; p < batch.starts[e + 1]; ++p)
        at[static_cast<int64_t>(e) * longest + p - batch.starts[e]] = batch.tokens[p];
    }
    std::vector<int64_t> wanted;
    for (const training::Scored& s : batch.scored)
      wanted.push_back(static_cast<int64_t>(s.example) * longest + s.position - batch.starts[s.example]);
    const int64_t half = c_.head_dim / 2;
    const auto doubles = torch::TensorOptions(torch::kFloat64);
    const torch::Tensor rates = torch::pow(c_.rope_theta, -torch::arange(half, doubles) / static_cast<double>(half));
    const torch::Tensor angles = torch::outer(torch::arange(longest, doubles), rates);
    const torch::Tensor cosines = angles.cos().to(device_, torch::kFloat32),
                        sines = angles.sin().to(device_, torch::kFloat32);

    torch::Tensor x = torch::embedding(weight("model.embed_tokens.weight"), tokens.to(device_));
    for (int64_t l = 0; l < c_.layers; ++l) {
      const torch::Tensor h = norm(x, weight(l, "input_layernorm"));
      const auto projected = [&](const char* which) {
        torch::Tensor y = product(h, weight(l, which));
        if (!c_.attention_bias) return y;
        std::string name = model::layer_name(l, which);
        return y + weight(name.replace(name.size() - 6, 6, "bias")).to(product_);
      };
      const torch::Tensor q = heads(projected("self_attn.q_proj"), c_.heads, true, cosines, sines);
      torch::Tensor k = heads(projected("self_attn.k_proj"), c_.kv_heads, true, cosines, sines);
      torch::Tensor v = heads(projected("self_attn.v_proj"), c_.kv_heads, false, cosines, sines);
      if (c_.kv_heads != c_.heads) {
        k = k.repeat_interleave(c_.heads / c_.kv_heads, 1);
        v = v.repeat_interleave(c_.heads / c_.kv_heads, 1);
      }
      const torch::Tensor mixed = attend(q, k, v).transpose(1, 2).reshape({rows, longest, c_.query_dim()});
      x = x + product(mixed, weight(l, "self_attn.o_proj")).to(torch::kFloat32);
      const torch::Tensor g = norm(x, weight(l, "post_attention_layernorm"));
      const torch::Tensor inner =
          torch::silu(product(g, weight(l, "mlp.gate_proj"))) * product(g, weight(l, "mlp.up_proj"));
      x = x + product(inner, weight(l, "mlp.down_proj")).to(torch::kFloat32);
    }
    const torch::Tensor picked =
        x.view({rows * longest, c_.dim}).index_select(0, torch::tensor(wanted, torch::kInt64).to(device_));
    return product(norm(picked, weight("model.norm.weight")),
                   weight(c_.tied ? "model.embed_tokens.weight" : "lm_head.weight"))
        .to(torch::kFloat32);
  }

  Result<double> run(const Batch& batch, Loss& loss, double scale, bool learn) {
    if (auto ok = loss.prepare(batch); !ok) return tl::unexpected(ok.error());
    const torch::AutoGradMode mode(learn);
    const torch::Tensor rows = logits(batch);
    if (dynamic_cast<const training::CrossEntropy*>(&loss) != nullptr) {
      std::vector<int64_t> targets;
      for (const training::Scored& s : batch.scored) targets.push_back(s.target);
      const torch::Tensor sum = torch::nll_loss(
          torch::log_softmax(rows, -1), torch::tensor(targets, torch::kInt64).to(device_), {}, at::Reduction::Sum);
      if (learn) (sum * scale).backward();
      return sum.item<double>();
    }
    torch::Tensor here = rows.detach().to(torch::kCPU).contiguous().clone();
    const auto vocab = static_cast<size_t>(c_.vocab_size);
    std::vector<float> losses(batch.scored.size());
    at::parallel_for(0, static_cast<int64_t>(losses.size()), 16, [&](int64_t from, int64_t to) {
      for (auto i = static_cast<size_t>(from); i < static_cast<size_t>(to); ++i)
        losses[i] = loss.row(batch, i, {here.data_ptr<float>() + i * vocab, vocab});
    });
    if (learn) rows.backward((here * scale).to(device_));
    double sum = 0;
    for (const float l : losses) sum += static_cast<double>(l);
    return sum;
  }

  Config c_;
  torch::Device device_;
  torch::ScalarType product_;
  std::map<std::string, Parameter, std::less<>> parameters_;
  uint64_t updates_ = 0;
};

}  // namespace

Result<std::unique_ptr<training::Network>> make_torch_network(const Config& config, const model::Weights& weights,
                                                              const TorchOptions& options) {
  model::Weights copy = weights;
  if (auto ok = model::fit(copy, config, "the model"); !ok) return tl::unexpected(ok.error());
  try {
    at::set_num_threads(static_cast<int>(options.threads));
    auto network = std::make_unique<TorchNetwork>(config, options);
    network->load(weights);
    return network;
  } catch (const c10::Error& e) {
    base::Error error = error_of(e);
    error.message = fmt::format("--device {} cannot be used: {}", options.device, error.message);
    return tl::unexpected(error);
  }
}

}  // namespace stillwatch::accelerator
