#include "training/cpu_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/team.h"
#include "model/kernels.h"
#include "training/attention.h"
#include "training/flat.h"
#include "training/gemm.h"

namespace stillwatch::training {
namespace {

using base::Result;
using model::Config;

constexpr size_t kHeadRows = 512;  // scored positions whose logits exist at once
constexpr size_t kRowsAPart = 16;  // fewer positions are not worth another thread

// What the backward pass needs of a layer.
struct LayerTrace {
  std::vector<float> in;        // [position][dim]
  std::vector<float> inverse1;  // [position]
  std::vector<float> qkv;       // [position][query_dim + 2 kv_dim], turned
  std::vector<float> attended;  // [position][query_dim]
  std::vector<float> log_sums;  // [position][heads]
  std::vector<float> middle;    // [position][dim]
  std::vector<float> inverse2;  // [position]
  std::vector<float> gate_up;   // [position][2 ffn_dim]
};

class CpuNetwork final : public Network {
 public:
  CpuNetwork(const Config& config, FlatLayout layout, unsigned threads)
      : c_(config),
        layout_(std::move(layout)),
        team_(threads),
        weights_(layout_.size()),
        gradients_(layout_.size()),
        first_(layout_.size()),
        second_(layout_.size()),
        layers_(static_cast<size_t>(c_.layers)) {
    keep_blas_single_threaded();
    const size_t half = static_cast<size_t>(c_.head_dim) / 2;
    half_ = half;
  }

  const Config& config() const override { return c_; }

  Result<double> accumulate(const Batch& batch, Loss& loss, double scale) override {
    if (auto ok = loss.prepare(batch); !ok) return tl::unexpected(ok.error());
    forward(batch);
    const double sum = head(batch, loss, scale);
    backward(batch);
    return sum;
  }

  Result<double> measure(const Batch& batch, Loss& loss) override {
    if (auto ok = loss.prepare(batch); !ok) return tl::unexpected(ok.error());
    forward(batch);
    return head(batch, loss, 0);
  }

  Result<void> predict(const Batch& batch, const TakeLogits& take) override {
    forward(batch);
    each_head_chunk(batch, [&](size_t first, size_t count) {
      for (size_t i = 0; i < count; ++i) take(first + i, {logits_.data() + i * vocab(), vocab()});
    });
    return {};
  }

  double gradient_norm() override {
    std::vector<double> sums(team_.size());
    team_.run([&](unsigned i) {
      const size_t from = gradients_.size() * i / team_.size(), to = gradients_.size() * (i + 1) / team_.size();
      sums[i] = model::squares(gradients_.data() + from, to - from);
    });
    return std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0));
  }

  void update(const AdamW& adam, double rate, double factor) override {
    ++updates_;
    const auto t = static_cast<double>(updates_);
    model::AdamStep step{static_cast<float>(adam.beta1),
                         static_cast<float>(adam.beta2),
                         static_cast<float>(adam.epsilon),
                         0,
                         static_cast<float>(factor),
                         static_cast<float>(rate / (1 - std::pow(adam.beta1, t))),
                         static_cast<float>(1 / (1 - std::pow(adam.beta2, t)))};
    team_.each(layout_.segments().size(), [&](size_t i) {
      const Segment& s = layout_.segments()[i];
      model::AdamStep mine = step;
      mine.decay = s.matrix ? static_cast<float>(rate * adam.decay) : 0;
      model::adam(mine, weights_.data() + s.begin, gradients_.data() + s.begin, first_.data() + s.begin,
                  second_.data() + s.begin, s.size);
    });
  }

  model::Weights weights() const override { return layout_.unpack(weights_); }
  Snapshot snapshot() const override {
    return {layout_.unpack(weights_), layout_.unpack(first_), layout_.unpack(second_), updates_};
  }
  Result<void> restore(const Snapshot& s) override {
    for (const auto& [from, to] : {std::pair(&s.weights, &weights_), {&s.first, &first_}, {&s.second, &second_}}) {
      if (auto ok = layout_.pack(*from, *to); !ok) return ok;
    }
    std::fill(gradients_.begin(), gradients_.end(), 0.0F);
    updates_ = s.updates;
    return {};
  }
  Result<void> load(const model::Weights& weights) { return layout_.pack(weights, weights_); }

 private:
  size_t dim() const { return static_cast<size_t>(c_.dim); }
  size_t ffn() const { return static_cast<size_t>(c_.ffn_dim); }
  size_t query() const { return static_cast<size_t>(c_.query_dim()); }
  size_t qkv() const { return static_cast<size_t>(c_.query_dim() + 2 * c_.kv_dim()); }
  size_t vocab() const { return static_cast<size_t>(c_.vocab_size); }
  size_t embedding() const { return layout_.begin_of("model.embed_tokens.weight"); }
  size_t head_matrix() const { return c_.tied ? embedding() : layout_.begin_of("lm_head.weight"); }
  float epsilon() const { return static_cast<float>(c_.norm_epsilon); }
  size_t at(size_t layer, std::string_view what) const {
    return layout_.begin_of(model::layer_name(static_cast<int64_t>(layer), what));
  }
  size_t bias_at(size_t layer) const {
    return layout_.begin_of(fmt::format("model.layers.{}.self_attn.q_proj.bias", layer));
  }

  void make_room(const Batch& batch) {
    const size_t n = batch.tokens.size();
    const auto grow = [&](std::vector<float>& v, size_t width) {
      if (v.size() < n * width) v.resize(n * width);
    };
    for (LayerTrace& t : layers_) {
      grow(t.in, dim());
      grow(t.inverse1, 1);
      grow(t.qkv, qkv());
      grow(t.attended, query());
      grow(t.log_sums, static_cast<size_t>(c_.heads));
      grow(t.middle, dim());
      grow(t.inverse2, 1);
      grow(t.gate_up, 2 * ffn());
    }
    for (std::vector<float>* v : {&out_, &normed_, &dx_, &dnormed_}) grow(*v, dim());
    grow(inner_, ffn());
    grow(dgate_up_, 2 * ffn());
    grow(dinner_, ffn());
    grow(dqkv_, qkv());
    grow(dattended_, query());
    positions_.resize(n);
    uint32_t longest = 0;
    for (size_t e = 0; e + 1 < batch.starts.size(); ++e) {
      for (uint32_t p = batch.starts[e]; p < batch.starts[e + 1]; ++p) positions_[p] = p - batch.starts[e];
      longest = std::max(longest, batch.starts[e + 1] - batch.starts[e]);
    }
    const size_t half = half_;
    for (size_t p = cosines_.size() / half; p < longest; ++p) {
      for (size_t i = 0; i < half; ++i) {
        const double angle =
            static_cast<double>(p) * std::pow(c_.rope_theta, -static_cast<double>(i) / static_cast<double>(half));
        cosines_.push_back(static_cast<float>(std::cos(angle)));
        sines_.push_back(static_cast<float>(std::sin(angle)));
      }
    }
  }

  void turn(float* row, size_t position, bool back) const {
    const size_t half = half_;
    const float* cosines = cosines_.data() + positions_[position] * half;
    const float* sines = sines_.data() + positions_[position] * half;
    const auto heads = static_cast<size_t>(c_.heads + c_.kv_heads);
    for (size_t h = 0; h < heads; ++h) model::rotate(row + h * 2 * half, cosines, sines, half, back);
  }

  void forward(const Batch& batch) {
    make_room(batch);
    const size_t n = batch.tokens.size();
    const float* w = weights_.data();
    team_.parts(n, kRowsAPart, [&](size_t from, size_t to) {
      for (size_t p = from; p < to; ++p)
        std::copy_n(w + embedding() + static_cast<size_t>(batch.tokens[p]) * dim(), dim(),
                    layers_[0].in.data() + p * dim());
    });
    for (size_t l = 0; l < layers_.size(); ++l) {
      LayerTrace& t = layers_[l];
      team_.parts(n, kRowsAPart, [&](size_t from, size_t to) {
        const size_t rows = to - from;
        norm_rows(t.in, w + at(l, "input_layernorm"), from, to, &t.inverse1);
        float* out = t.qkv.data() + from * qkv();
        if (c_.attention_bias) {
          for (size_t r = 0; r < rows; ++r) std::copy_n(w + bias_at(l), qkv(), out + r * qkv());
        }
        forward_product(normed_.data() + from * dim(), w + at(l, "self_attn.q_proj"), rows, dim(), qkv(), out,
                        c_.attention_bias);
        for (size_t p = from; p < to; ++p) turn(t.qkv.data() + p * qkv(), p, false);
      });
      attend(c_, batch.starts, t.qkv.data(), t.attended.data(), t.log_sums.data(), team_);
      std::vector<float>& next = l + 1 < layers_.size() ? layers_[l + 1].in : out_;
      team_.parts(n, kRowsAPart, [&](size_t from, size_t to) {
        const size_t rows = to - from;
        std::copy_n(t.in.data() + from * dim(), rows * dim(), t.middle.data() + from * dim());
        forward_product(t.attended.data() + from * query(), w + at(l, "self_attn.o_proj"), rows, query(), dim(),
                        t.middle.data() + from * dim(), true);
        norm_rows(t.middle, w + at(l, "post_attention_layernorm"), from, to, &t.inverse2);
        forward_product(normed_.data() + from * dim(), w + at(l, "mlp.gate_proj"), rows, dim(), 2 * ffn(),
                        t.gate_up.data() + from * 2 * ffn(), false);
        gate_rows(t, from, to);
        std::copy_n(t.middle.data() + from * dim(), rows * dim(), next.data() + from * dim());
        forward_product(inner_.data() + from * ffn(), w + at(l, "mlp.down_proj"), rows, ffn(), dim(),
                        next.data() + from * dim(), true);
      });
    }
  }

  void norm_rows(const std::vector<float>& x, const float* weight, size_t from, size_t to,
                 std::vector<float>* inverse) {
    for (size_t p = from; p < to; ++p) {
      const float by = model::rms_norm(x.data() + p * dim(), weight, epsilon(), dim(), normed_.data() + p * dim());
      if (inverse != nullptr) (*inverse)[p] = by;
    }
  }
  void gate_rows(const LayerTrace& t, size_t from, size_t to) {
    for (size_t p = from; p < to; ++p) {
      const float* gate = t.gate_up.data() + p * 2 * ffn();
      model::swiglu(gate, gate + ffn(), ffn(), inner_.data() + p * ffn());
    }
  }

  // Final norm and logits of scored positions, a chunk at a time, in logits_; their normed rows are in head_in_.
  template <typename Visit>
  void each_head_chunk(const Batch& batch, Visit visit) {
    const float* norm = weights_.data() + layout_.begin_of("model.norm.weight");
    head_in_.resize(kHeadRows * dim());
    logits_.resize(kHeadRows * vocab());
    head_inverse_.resize(batch.scored.size());
    for (size_t first = 0; first < batch.scored.size(); first += kHeadRows) {
      const size_t count = std::min(kHeadRows, batch.scored.size() - first);
      team_.parts(count, kRowsAPart, [&](size_t from, size_t to) {
        for (size_t i = from; i < to; ++i) {
          const float* x = out_.data() + batch.scored[first + i].position * dim();
          head_inverse_[first + i] = model::rms_norm(x, norm, epsilon(), dim(), head_in_.data() + i * dim());
        }
        forward_product(head_in_.data() + from * dim(), weights_.data() + head_matrix(), to - from, dim(), vocab(),
                        logits_.data() + from * vocab(), false);
      });
      visit(first, count);
    }
  }

  // The sum of the losses; where scale is not 0, gradients of the head, and dx_ of the last layer's output.
  double head(const Batch& batch, Loss& loss, double scale) {
    std::vector<float> losses(batch.scored.size());
    const bool learn = scale != 0;
    if (learn) std::fill_n(dx_.begin(), batch.tokens.size() * dim(), 0.0F);
    dhead_in_.resize(learn ? kHeadRows * dim() : 0);
    each_head_chunk(batch, [&](size_t first, size_t count) {
      team_.parts(count, kRowsAPart, [&](size_t from, size_t to) {
        for (size_t i = from; i < to; ++i) {
          float* row = logits_.data() + i * vocab();
          losses[first + i] = loss.row(batch, first + i, {row, vocab()});
          if (!learn) continue;
          for (size_t v = 0; v < vocab(); ++v) row[v] *= static_cast<float>(scale);
        }
        if (learn) {
          input_gradient(logits_.data() + from * vocab(), weights_.data() + head_matrix(), to - from, dim(), vocab(),
                         dhead_in_.data() + from * dim(), false);
        }
      });
      if (!learn) return;
      add_weight_gradient(logits_.data(), head_in_.data(), count, dim(), vocab(), head_matrix());
      norm_back_rows(count, layout_.begin_of("model.norm.weight"), [&](size_t i, float* dweight, const float* weight) {
        const size_t p = batch.scored[first + i].position;
        model::rms_norm_back(out_.data() + p * dim(), weight, head_inverse_[first + i], dhead_in_.data() + i * dim(),
                             dim(), dx_.data() + p * dim(), dweight);
      });
    });
    return std::accumulate(losses.begin(), losses.end(), 0.0);
  }

  void add_weight_gradient(const float* dy, const float* x, size_t rows, size_t in, size_t out, size_t matrix) {
    team_.parts(out, 16, [&](size_t from, size_t to) {
      weight_gradient(dy, x, rows, in, out, from, to, gradients_.data() + matrix);
    });
  }

  // back(row, dweight, weight) for all rows; each thread sums dweight of its own, and these are added up in order.
  template <typename Back>
  void norm_back_rows(size_t rows, size_t weight, Back back) {
    std::vector<float> sums(team_.size() * dim());
    team_.run([&](unsigned i) {
      for (size_t r = rows * i / team_.size(); r < rows * (i + 1) / team_.size(); ++r)
        back(r, sums.data() + i * dim(), weights_.data() + weight);
    });
    for (unsigned i = 0; i < team_.size(); ++i) model::add(gradients_.data() + weight, sums.data() + i * dim(), dim());
  }

  void backward(const Batch& batch) {
    const size_t n = batch.tokens.size();
    const float* w = weights_.data();
    for (size_t l = layers_.size(); l-- > 0;) {
      LayerTrace& t = layers_[l];
      // Feed-forward: dx_ is the gradient by the layer's output, and stays as what goes past it.
      team_.parts(n, kRowsAPart, [&](size_t from, size_t to) {
        input_gradient(dx_.data() + from * dim(), w + at(l, "mlp.down_proj"), to - from, ffn(), dim(),
                       dinner_.data() + from * ffn(), false);
        gate_rows(t, from, to);
        for (size_t p = from; p < to; ++p) {
          const float* gate = t.gate_up.data() + p * 2 * ffn();
          float* dgate = dgate_up_.data() + p * 2 * ffn();
          model::swiglu_back(gate, gate + ffn(), dinner_.data() + p * ffn(), ffn(), dgate, dgate + ffn());
        }
        norm_rows(t.middle, w + at(l, "post_attention_layernorm"), from, to, nullptr);
        input_gradient(dgate_up_.data() + from * 2 * ffn(), w + at(l, "mlp.gate_proj"), to - from, dim(), 2 * ffn(),
                       dnormed_.data() + from * dim(), false);
      });
      add_weight_gradient(dx_.data(), inner_.data(), n, ffn(), dim(), at(l, "mlp.down_proj"));
      add_weight_gradient(dgate_up_.data(), normed_.data(), n, dim(), 2 * ffn(), at(l, "mlp.gate_proj"));
      norm_back_rows(n, at(l, "post_attention_layernorm"), [&](size_t p, float* dweight, const float* weight) {
        model::rms_norm_back(t.middle.data() + p * dim(), weight, t.inverse2[p], dnormed_.data() + p * dim(), dim(),
                             dx_.data() + p * dim(), dweight);
      });
      // Attention: dx_ is by the layer's middle now.
      team_.parts(n, kRowsAPart, [&](size_t from, size_t to) {
        input_gradient(dx_.data() + from * dim(), w + at(l, "self_attn.o_proj"), to - from, query(), dim(),
                       dattended_.data() + from * query(), false);
      });
      add_weight_gradient(dx_.data(), t.attended.data(), n, query(), dim(), at(l, "self_attn.o_proj"));
      attend_back(c_, batch.starts, t.qkv.data(), t.attended.data(), t.log_sums.data(), dattended_.data(), dqkv_.data(),
                  team_);
      team_.parts(n, kRowsAPart, [&](size_t from, size_t to) {
        for (size_t p = from; p < to; ++p) turn(dqkv_.data() + p * qkv(), p, true);
        norm_rows(t.in, w + at(l, "input_layernorm"), from, to, nullptr);
        input_gradient(dqkv_.data() + from * qkv(), w + at(l, "self_attn.q_proj"), to - from, dim(), qkv(),
                       dnormed_.data() + from * dim(), false);
      });
      add_weight_gradient(dqkv_.data(), normed_.data(), n, dim(), qkv(), at(l, "self_attn.q_proj"));
      if (c_.attention_bias) {
        for (size_t p = 0; p < n; ++p) model::add(gradients_.data() + bias_at(l), dqkv_.data() + p * qkv(), qkv());
      }
      norm_back_rows(n, at(l, "input_layernorm"), [&](size_t p, float* dweight, const float* weight) {
        model::rms_norm_back(t.in.data() + p * dim(), weight, t.inverse1[p], dnormed_.data() + p * dim(), dim(),
                             dx_.data() + p * dim(), dweight);
      });
    }
    // Each thread has some of the columns, so that positions add up in their order.
    team_.parts(dim(), 8, [&](size_t from, size_t to) {
      for (size_t p = 0; p < n; ++p) {
        model::add(gradients_.data() + embedding() + static_cast<size_t>(batch.tokens[p]) * dim() + from,
                   dx_.data() + p * dim() + from, to - from);
      }
    });
  }

  Config c_;
  FlatLayout layout_;
  base::Team team_;
  std::vector<float> weights_, gradients_, first_, second_;
  uint64_t updates_ = 0;
  std::vector<LayerTrace> layers_;
  std::vector<float> out_, normed_, inner_;                                 // of the forward pass
  std::vector<float> dx_, dnormed_, dinner_, dgate_up_, dqkv_, dattended_;  // of the backward pass
  std::vector<float> head_in_, dhead_in_, logits_, head_inverse_;
  std::vector<float> cosines_, sines_;  // [position][head_dim / 2]
  size_t half_ = 1;
  std::vector<uint32_t> positions_;  // within their examples
};

}  // namespace

Result<std::unique_ptr<Network>> make_cpu_network(const Config& config, const model::Weights& weights,
                                                  unsigned threads) {
  auto network = std::make_unique<CpuNetwork>(config, FlatLayout(config), threads);
  if (auto ok = network->load(weights); !ok) return tl::unexpected(ok.error());
  return network;
}

}  // namespace stillwatch::training
