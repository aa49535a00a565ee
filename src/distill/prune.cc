#include "distill/prune.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <tuple>

#include "training/cpu_network.h"

namespace stillwatch::distill {
namespace {

using base::Result;
using model::Config;
using model::Tensor;
using model::Weights;

constexpr size_t kBatchTokens = 512;

std::vector<size_t> count_to(int64_t n) {
  std::vector<size_t> all(static_cast<size_t>(n));
  std::iota(all.begin(), all.end(), size_t{0});
  return all;
}

// What the rows and columns of tensors are numbered by.
enum class Axis : uint8_t { kToken, kChannel, kHead, kGroup, kUnit };

Axis rows_of(std::string_view tensor) {
  const auto is = [&](std::string_view what) { return tensor.find(what) != std::string_view::npos; };
  if (is("embed_tokens") || is("lm_head")) return Axis::kToken;
  if (is("q_proj")) return Axis::kHead;
  if (is("k_proj") || is("v_proj")) return Axis::kGroup;
  if (is("gate_proj") || is("up_proj")) return Axis::kUnit;
  return Axis::kChannel;
}
Axis columns_of(std::string_view tensor) {
  if (tensor.find("o_proj") != std::string_view::npos) return Axis::kHead;
  if (tensor.find("down_proj") != std::string_view::npos) return Axis::kUnit;
  return Axis::kChannel;
}

// The layer that a tensor is of, or nothing.
constexpr size_t kNoLayer = static_cast<size_t>(-1);
size_t layer_of(std::string_view tensor) {
  constexpr std::string_view kPrefix = "model.layers.";
  if (!tensor.starts_with(kPrefix)) return kNoLayer;
  size_t layer = 0;
  for (const char c : tensor.substr(kPrefix.size(), tensor.find('.', kPrefix.size()) - kPrefix.size()))
    layer = layer * 10 + static_cast<size_t>(c - '0');
  return layer;
}

// A number for each part that may go.
template <typename T>
struct Parts {
  struct Layer {
    std::vector<T> heads, units;
  };
  std::vector<T> channels;
  std::vector<Layer> layers;

  // Of what a side of a tensor is numbered by; nothing where none of it may go.
  std::vector<T>* along(Axis axis, size_t layer) {
    if (axis == Axis::kChannel) return &channels;
    if (layer != kNoLayer && axis == Axis::kHead) return &layers[layer].heads;
    if (layer != kNoLayer && axis == Axis::kUnit) return &layers[layer].units;
    return nullptr;
  }
};

struct Shaped {
  Config config;
  Weights weights;
};

// Counts what it takes.
class Calibration {
 public:
  Calibration(std::span<const model::Example> examples, int64_t context, unsigned threads) : threads_(threads) {
    std::vector<uint64_t> all(examples.size());
    std::iota(all.begin(), all.end(), uint64_t{0});
    batches_ = training::batches_of(examples, all, context, kBatchTokens);
    for (const training::Batch& b : batches_) {
      read_ += static_cast<double>(b.tokens.size());
      scored_ += static_cast<double>(b.scored.size());
    }
  }
  bool empty() const { return scored_ == 0; }
  double tokens() const { return tokens_; }
  double operations() const { return operations_; }

  Result<double> loss(const Shaped& m) {
    auto network = training::make_cpu_network(m.config, m.weights, threads_);
    if (!network) return tl::unexpected(network.error());
    count(m, 2);
    double sum = 0;
    for (const training::Batch& batch : batches_) {
      const auto loss = (*network)->measure(batch, plain_);
      if (!loss) return tl::unexpected(loss.error());
      sum += *loss;
    }
    return sum / scored_;
  }

  // visit(gradients) for the mean loss of each batch.
  Result<void> gradients(const Shaped& m, const std::function<void(const Weights&)>& visit) {
    auto network = training::make_cpu_network(m.config, m.weights, threads_);
    if (!network) return tl::unexpected(network.error());
    count(m, 6);
    for (const training::Batch& batch : batches_) {
      if (batch.scored.empty()) continue;
      const auto loss = (*network)->accumulate(batch, plain_, 1.0 / static_cast<double>(batch.scored.size()));
      if (!loss) return tl::unexpected(loss.error());
      // A step of length 0 changes no weight, and without memory the moments are the gradients.
      (*network)->update({.beta1 = 0, .beta2 = 0, .decay = 0}, 0, 1);
      visit((*network)->snapshot().first);
    }
    return {};
  }

 private:
  void count(const Shaped& m, double each) {
    tokens_ += read_;
    operations_ += each * read_ * static_cast<double>(m.config.parameters());
  }

  unsigned threads_;
  std::vector<training::Batch> batches_;
  training::CrossEntropy plain_;
  double read_ = 0, scored_ = 0;
  double tokens_ = 0, operations_ = 0;
};

Shaped keep_layers(const Shaped& from, std::span<const int64_t> layers) {
  Shaped to{from.config, {}};
  to.config.layers = static_cast<int64_t>(layers.size());
  for (const auto& [name, tensor] : from.weights) {
    const size_t layer = layer_of(name);
    if (layer == kNoLayer) to.weights[name] = tensor;
  }
  for (size_t n = 0; n < layers.size(); ++n) {
    const std::string prefix = fmt::format("model.layers.{}.", layers[n]);
    for (auto it = from.weights.lower_bound(prefix); it != from.weights.end() && it->first.starts_with(prefix); ++it)
      to.weights[fmt::format("model.layers.{}.{}", n, it->first.substr(prefix.size()))] = it->second;
  }
  return to;
}

// What the numbers of `parts` on a side of a tensor stand for: `width` rows each.
std::vector<size_t> spread(const std::vector<size_t>& parts, size_t width) {
  std::vector<size_t> out;
  for (const size_t part : parts) {
    for (size_t i = 0; i < width; ++i) out.push_back(part * width + i);
  }
  return out;
}

Shaped keep_parts(const Shaped& from, Parts<size_t> kept) {
  const Config& c = from.config;
  Shaped to{c, {}};
  to.config.dim = static_cast<int64_t>(kept.channels.size());
  to.config.heads = static_cast<int64_t>(kept.layers[0].heads.size());
  to.config.ffn_dim = static_cast<int64_t>(kept.layers[0].units.size());
  const float stretch = std::sqrt(static_cast<float>(c.dim) / static_cast<float>(to.config.dim));
  for (const auto& [name, tensor] : from.weights) {
    const size_t layer = layer_of(name);
    const auto side = [&](Axis axis, int64_t size) {
      const std::vector<size_t>* parts = kept.along(axis, layer);
      if (parts == nullptr) return count_to(size);
      return spread(*parts, axis == Axis::kHead ? static_cast<size_t>(c.head_dim) : 1);
    };
    const bool matrix = tensor.shape.size() > 1;
    const std::vector<size_t> rows = side(rows_of(name), tensor.shape[0]);
    const std::vector<size_t> columns = matrix ? side(columns_of(name), tensor.shape[1]) : std::vector<size_t>{0};
    const size_t width = matrix ? static_cast<size_t>(tensor.shape[1]) : 1;
    Tensor& out = to.weights[name];
    out.shape = {static_cast<int64_t>(rows.size())};
    if (matrix) out.shape.push_back(static_cast<int64_t>(columns.size()));
    for (const size_t r : rows) {
      for (const size_t column : columns) out.values.push_back(tensor.values[r * width + column]);
    }
    if (name.find("norm") != std::string::npos) {
      for (float& v : out.values) v *= stretch;
    }
  }
  return to;
}

// How much each part matters.
Result<Parts<double>> weigh(const Shaped& m, Calibration& calibration) {
  const Config& c = m.config;
  const auto zeros = [](int64_t n) { return std::vector<double>(static_cast<size_t>(n)); };
  Parts<double> blank;
  blank.channels = zeros(c.dim);
  blank.layers.assign(static_cast<size_t>(c.layers), {zeros(c.heads), zeros(c.ffn_dim)});
  Parts<double> squares = blank;
  const auto done = calibration.gradients(m, [&](const Weights& gradients) {
    Parts<double> sums = blank;
    for (const auto& [name, tensor] : m.weights) {
      const std::vector<float>& gradient = gradients.find(name)->second.values;
      const size_t layer = layer_of(name), head = static_cast<size_t>(c.head_dim);
      const size_t width = tensor.shape.size() > 1 ? static_cast<size_t>(tensor.shape[1]) : 1;
      std::vector<double>* by_row = sums.along(rows_of(name), layer);
      std::vector<double>* by_column = width > 1 ? sums.along(columns_of(name), layer) : nullptr;
      const size_t row_each = rows_of(name) == Axis::kHead ? head : 1;
      const size_t column_each = columns_of(name) == Axis::kHead ? head : 1;
      for (size_t i = 0; i < tensor.values.size(); ++i) {
        const double change = static_cast<double>(tensor.values[i]) * static_cast<double>(gradient[i]);
        if (by_row != nullptr) (*by_row)[i / width / row_each] += change;
        if (by_column != nullptr) (*by_column)[i % width / column_each] += change;
      }
    }
    const auto add = [](const std::vector<double>& from, std::vector<double>& to) {
      for (size_t i = 0; i < from.size(); ++i) to[i] += from[i] * from[i];
    };
    add(sums.channels, squares.channels);
    for (size_t l = 0; l < sums.layers.size(); ++l) {
      add(sums.layers[l].heads, squares.layers[l].heads);
      add(sums.layers[l].units, squares.layers[l].units);
    }
  });
  if (!done) return tl::unexpected(done.error());
  return squares;
}

// The `count` greatest of scores[first ...], in ascending order of their places; of equals the first.
std::vector<size_t> greatest(std::span<const double> scores, size_t count, size_t first = 0) {
  std::vector<size_t> places = count_to(static_cast<int64_t>(scores.size()));
  std::stable_sort(places.begin(), places.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  places.resize(count);
  std::sort(places.begin(), places.end());
  for (size_t& place : places) place += first;
  return places;
}

Parts<size_t> choose(const Config& c, const Parts<double>& scores, const PrunedShape& shape) {
  Parts<size_t> kept;
  kept.channels = greatest(scores.channels, static_cast<size_t>(shape.dim));
  const auto group = static_cast<size_t>(c.heads / c.kv_heads);
  const auto stay = static_cast<size_t>(shape.heads / c.kv_heads);
  for (const auto& layer : scores.layers) {
    auto& mine = kept.layers.emplace_back();
    mine.units = greatest(layer.units, static_cast<size_t>(shape.ffn_dim));
    for (size_t first = 0; first < layer.heads.size(); first += group) {
      const auto heads = greatest(std::span(layer.heads).subspan(first, group), stay, first);
      mine.heads.insert(mine.heads.end(), heads.begin(), heads.end());
    }
  }
  return kept;
}

Result<PrunedShape> checked(const Config& c, PrunedShape shape) {
  for (const auto& [what, size, of] :
       {std::tuple{"layers", &shape.layers, c.layers}, std::tuple{"heads", &shape.heads, c.heads},
        std::tuple{"feed-forward units", &shape.ffn_dim, c.ffn_dim}, std::tuple{"channels", &shape.dim, c.dim}}) {
    if (*size == 0) *size = of;
    if (*size < 0 || *size > of)
      return base::fail(base::ErrorCode::kUsage,
                        fmt::format("{} {} cannot be kept: the model has {}", *size, what, of));
  }
  if (shape.heads % c.kv_heads != 0) {
    return base::fail(base::ErrorCode::kUsage,
                      fmt::format("{} heads cannot be kept: they share the keys and values of {}, so their number is a "
                                  "multiple of it",
                                  shape.heads, c.kv_heads));
  }
  return shape;
}

// The layers that stay.
Result<std::vector<int64_t>> choose_layers(const Shaped& m, int64_t stay, Calibration& calibration) {
  std::vector<int64_t> kept(static_cast<size_t>(m.config.layers));
  std::iota(kept.begin(), kept.end(), int64_t{0});
  while (static_cast<int64_t>(kept.size()) > stay) {
    double least = INFINITY;
    size_t worst = 0;
    for (size_t gone = 0; gone < kept.size(); ++gone) {
      std::vector<int64_t> others = kept;
      others.erase(others.begin() + static_cast<std::ptrdiff_t>(gone));
      const auto loss = calibration.loss(keep_layers(m, others));
      if (!loss) return tl::unexpected(loss.error());
      if (*loss < least) {
        least = *loss;
        worst = gone;
      }
    }
    kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(worst));
  }
  return kept;
}

// From the size there is to the wanted one, each round by the same ratio.
int64_t step_towards(int64_t from, int64_t to, int round, int64_t multiple) {
  const double share = static_cast<double>(round) / kPruneRounds;
  const double size = static_cast<double>(from) * std::pow(static_cast<double>(to) / static_cast<double>(from), share);
  const int64_t whole = static_cast<int64_t>(std::ceil(size / static_cast<double>(multiple))) * multiple;
  return round == kPruneRounds ? to : std::clamp(whole, to, from);
}

}  // namespace

Result<Pruned> prune(const Config& config, const Weights& weights, const PrunedShape& wanted,
                     std::span<const model::Example> examples, unsigned threads) {
  const auto shape = checked(config, wanted);
  if (!shape) return tl::unexpected(shape.error());
  Calibration calibration(examples, config.context, threads);
  if (calibration.empty())
    return base::fail(base::ErrorCode::kInput, "no row of the calibration holds an assistant's turn");
  Shaped m{config, weights};
  const auto before = calibration.loss(m);
  if (!before) return tl::unexpected(before.error());
  auto layers = choose_layers(m, shape->layers, calibration);
  if (!layers) return tl::unexpected(layers.error());
  m = keep_layers(m, *layers);
  if (shape->heads < config.heads || shape->ffn_dim < config.ffn_dim || shape->dim < config.dim) {
    for (int round = 1; round <= kPruneRounds; ++round) {
      const auto scores = weigh(m, calibration);
      if (!scores) return tl::unexpected(scores.error());
      const PrunedShape next{.layers = m.config.layers,
                             .heads = step_towards(config.heads, shape->heads, round, config.kv_heads),
                             .ffn_dim = step_towards(config.ffn_dim, shape->ffn_dim, round, 1),
                             .dim = step_towards(config.dim, shape->dim, round, 1)};
      m = keep_parts(m, choose(m.config, *scores, next));
    }
  }
  const auto after = calibration.loss(m);
  if (!after) return tl::unexpected(after.error());
  return Pruned{m.config, std::move(m.weights), std::move(*layers),      *before,
                *after,   calibration.tokens(), calibration.operations()};
}

}  // namespace stillwatch::distill
