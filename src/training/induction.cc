#include "training/induction.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.h"

namespace stillwatch::training {
namespace {

constexpr int64_t kShiftsMax = 3;  // tokens that are looked back
constexpr double kConstant = 8;    // what all tokens have in channel 0, in deviations of the others
constexpr double kSharp = 6.3;     // of heads that look back: at which a neighbour gets a hundredth
constexpr double kMatch = 1.94;    // of heads that look for the same: its score is some 8 above that of others
constexpr double kCopy = 0.04;     // of what they then write: about as much as all else that a layer writes
constexpr uint64_t kStream = 0x5bd1e995;

int64_t shifts_of(const model::Config& c) {
  return std::min(c.heads, kShiftsMax);
}
// Channels that hold what came before: half a head's width for each token back.
int64_t seen_channels(const model::Config& c) {
  return shifts_of(c) * (c.head_dim / 2);
}

class Matrix {
 public:
  Matrix(model::Weights& weights, const std::string& name) : tensor_(weights.find(name)->second) {}
  float& operator()(int64_t row, int64_t column) {
    return tensor_.values[static_cast<size_t>(row * tensor_.shape[1] + column)];
  }

 private:
  model::Tensor& tensor_;
};

struct Attention {
  Attention(model::Weights& weights, int64_t layer)
      : q(weights, model::layer_name(layer, "self_attn.q_proj")),
        k(weights, model::layer_name(layer, "self_attn.k_proj")),
        v(weights, model::layer_name(layer, "self_attn.v_proj")),
        o(weights, model::layer_name(layer, "self_attn.o_proj")) {}
  Matrix q, k, v, o;
};

// Channel 0 is the same for every token, the last ones hold what came before, those between are the token's own. A view
// is a random projection of a token's own channels to half a head's width.
class Layout {
 public:
  Layout(const model::Config& config, uint64_t seed, model::Weights& weights)
      : c_(config),
        weights_(weights),
        random_(seed ^ kStream),
        half_(config.head_dim / 2),
        group_(config.heads / config.kv_heads),
        shifts_(shifts_of(config)),
        own_(config.dim - seen_channels(config)),
        spread_(1 / std::sqrt(static_cast<double>(own_))) {
    view_.resize(static_cast<size_t>(half_ * own_));
    for (int64_t r = 0; r < half_; ++r) {
      for (int64_t n = 1; n < own_; ++n) view(r, n) = drawn();
    }
  }

  void embed(double deviation) {
    Matrix embedding(weights_, "model.embed_tokens.weight");
    for (int64_t token = 0; token < c_.vocab_size; ++token) {
      embedding(token, 0) = static_cast<float>(kConstant * deviation);
      for (int64_t n = own_; n < c_.dim; ++n) embedding(token, n) = 0;
    }
  }

  // Head h of the first layer attends to the token h + 1 back: its query, made of the constant, is its key turned by as
  // many positions. It writes the view of that token into channels of its own.
  void look_back(double deviation) {
    Attention a(weights_, 0);
    for (int64_t h = 0; h < shifts_; ++h) {
      const int64_t kv = h / group_ * c_.head_dim, head = h * c_.head_dim;
      for (int64_t i = 0; i < half_; ++i) {
        const double turn = std::pow(c_.rope_theta, -static_cast<double>(i) / static_cast<double>(half_));
        const double angle = turn * static_cast<double>(h + 1);
        a.k(kv + i, 0) = static_cast<float>(kSharp / kConstant);
        a.q(head + i, 0) = static_cast<float>(kSharp / kConstant * std::cos(angle));
        a.q(head + half_ + i, 0) = static_cast<float>(-kSharp / kConstant * std::sin(angle));
      }
      for (int64_t r = 0; r < half_; ++r) {
        for (int64_t n = 0; n < c_.dim; ++n) {
          a.v(kv + r, n) = n < own_ ? view(r, n) : 0;
          a.o(n, head + r) = 0;
        }
        a.o(seen(h + 1, r), head + r) = static_cast<float>(deviation);
      }
    }
  }

  // The first head of each group attends to places whose token `back + 1` before is the one that is `back` before here,
  // and writes what stands there. Only the slow half of a head's pairs is used, which tells near from far hardly.
  void look_up(int64_t layer) {
    Attention a(weights_, layer);
    for (int64_t g = 0; g < c_.kv_heads; ++g) {
      const int64_t back = (layer + g) % shifts_, kv = g * c_.head_dim, head = g * group_ * c_.head_dim;
      for (int64_t r = 0; r < half_; ++r) {
        const int64_t row = r < half_ / 2 ? half_ / 2 + r : half_ + r;
        a.k(kv + row, seen(back + 1, r)) = static_cast<float>(kMatch);
        if (back > 0) {
          a.q(head + row, seen(back, r)) = static_cast<float>(kMatch);
        } else {
          for (int64_t n = 1; n < own_; ++n) a.q(head + row, n) = static_cast<float>(kMatch) * view(r, n);
        }
      }
      for (int64_t r = 0; r < c_.head_dim; ++r) {
        for (int64_t n = 1; n < own_; ++n) {
          a.v(kv + r, n) = drawn();
          a.o(n, head + r) = static_cast<float>(kCopy) * a.v(kv + r, n);
        }
      }
    }
  }

 private:
  float& view(int64_t r, int64_t channel) { return view_[static_cast<size_t>(r * own_ + channel)]; }
  float drawn() { return static_cast<float>(random_.normal() * spread_); }
  int64_t seen(int64_t back, int64_t r) const { return own_ + (back - 1) * half_ + r; }

  const model::Config& c_;
  model::Weights& weights_;
  base::Random random_;
  int64_t half_, group_, shifts_, own_;
  double spread_;
  std::vector<float> view_;
};

}  // namespace

std::optional<std::string> no_room_for_induction(const model::Config& c) {
  if (c.layers < 3) return "`induction` needs three layers or more";
  if (c.head_dim % 4 != 0) return "`induction` needs a head_dim that is a multiple of 4";
  const int64_t least = 2 * seen_channels(c);
  if (c.dim < least) return fmt::format("`induction` needs a dim of {} or more with these heads", least);
  return std::nullopt;
}

void lay_out_induction(const model::Config& config, uint64_t seed, double deviation, model::Weights& weights) {
  Layout layout(config, seed, weights);
  layout.embed(deviation);
  layout.look_back(deviation);
  for (int64_t layer = 1; layer + 1 < config.layers; ++layer) layout.look_up(layer);
}

}  // namespace stillwatch::training
