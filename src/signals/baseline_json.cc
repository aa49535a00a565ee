#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "signals/assets.h"
#include "signals/baseline.h"
#include "signals/json_figures.h"

namespace stillwatch::signals {
namespace {

using base::ErrorCode;
using Json = nlohmann::ordered_json;

constexpr size_t kRankedSubjectsMax = 5'000'000;

constexpr int kDigits = 6;  // more than any figure here has

double rounded(double value) {
  return signals::rounded(value, kDigits);
}

template <typename Numbers>
Json array_of(const Numbers& numbers) {
  return signals::array_of(numbers, kDigits);
}

Json json_of(const Line& line) {
  return {rounded(line.intercept), rounded(line.slope)};
}

// Reads with one memory: the first thing that was not as it must be.
class Checked {
 public:
  bool ok() const { return ok_; }
  const Json& at(const Json& object, const char* key) {
    static const Json kNothing;
    const auto it = object.find(key);
    if (it == object.end()) return fail(), kNothing;
    return *it;
  }
  double number(const Json& value) {
    if (!value.is_number()) return fail(), 0;
    const double d = value.get<double>();
    if (!std::isfinite(d) || std::abs(d) > 1e9) return fail(), 0;
    return d;
  }
  template <typename Numbers>
  void numbers(const Json& value, Numbers& out) {
    if (!value.is_array() || value.size() != out.size()) return fail();
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<typename Numbers::value_type>(number(value[i]));
  }
  void line(const Json& value, Line& out) {
    std::array<double, 2> pair{};
    numbers(value, pair);
    out = {pair[0], pair[1]};
  }
  std::string text(const Json& value) {
    if (!value.is_string()) return fail(), std::string();
    return value.get<std::string>();
  }
  void fail() { ok_ = false; }

 private:
  bool ok_ = true;
};

}  // namespace

std::string Baseline::to_json() const {
  Json norm = Json::object();
  Json weights = Json::object();
  for (size_t s = 0; s < kSignals; ++s) {
    const std::string name(info_of(static_cast<Signal>(s)).name);
    norm[name] = {{"level", json_of(norm_.level[s])}, {"log_deviation", json_of(norm_.log_deviation[s])}};
    weights[name] = {rounded(weights_.up[s]), rounded(weights_.down[s])};
  }
  Json axes = Json::array();
  for (const Mean& axis : crowd_.axes) axes.push_back(array_of(axis));
  const Json json = {{"stillwatch_baseline", 2},
                     {"embedding_version", features::kEmbeddingVersion},
                     {"name", name_},
                     {"made", base::format_rfc3339(made_)},
                     {"calibrated", calibrated_},
                     {"weights", weights},
                     {"crowd",
                      {{"mean", array_of(crowd_.mean)},
                       {"axes", axes},
                       {"self", rounded(crowd_.self)},
                       {"rest_noise", rounded(crowd_.rest_noise)}}},
                     {"norm", norm},
                     {"score", {{"level", json_of(score_.level)}, {"log_deviation", json_of(score_.log_deviation)}}},
                     {"ranks", array_of(ranks_)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

base::Result<Baseline> Baseline::parse(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("stillwatch_baseline")) {
    return base::fail(ErrorCode::kInput, "not a baseline: `stillwatch calibrate LOG... --out FILE` makes one");
  }
  Checked in;
  if (in.number(in.at(json, "stillwatch_baseline")) != 2 ||
      in.number(in.at(json, "embedding_version")) != features::kEmbeddingVersion) {
    return base::fail(ErrorCode::kInput,
                      "the baseline was made by another version of Stillwatch: calibrate again with this one");
  }
  Baseline b;
  b.name_ = in.text(in.at(json, "name"));
  const auto made = base::parse_rfc3339(in.text(in.at(json, "made")));
  if (made) b.made_ = *made;
  const Json& calibrated = in.at(json, "calibrated");
  b.calibrated_ = calibrated.is_boolean() && calibrated.get<bool>();
  const Json& norm = in.at(json, "norm");
  const Json& weights = in.at(json, "weights");
  for (size_t s = 0; s < kSignals && in.ok(); ++s) {
    const std::string name(info_of(static_cast<Signal>(s)).name);
    const Json& lines = in.at(norm, name.c_str());
    in.line(in.at(lines, "level"), b.norm_.level[s]);
    in.line(in.at(lines, "log_deviation"), b.norm_.log_deviation[s]);
    std::array<double, 2> pair{};
    in.numbers(in.at(weights, name.c_str()), pair);
    b.weights_.up[s] = pair[0];
    b.weights_.down[s] = pair[1];
  }
  const Json& crowd = in.at(json, "crowd");
  in.numbers(in.at(crowd, "mean"), b.crowd_.mean);
  const Json& axes = in.at(crowd, "axes");
  if (!axes.is_array() || axes.size() > kAxes) in.fail();
  for (size_t i = 0; in.ok() && i < axes.size(); ++i) in.numbers(axes[i], b.crowd_.axes.emplace_back());
  b.crowd_.self = in.number(in.at(crowd, "self"));
  b.crowd_.rest_noise = in.number(in.at(crowd, "rest_noise"));
  const Json& score = in.at(json, "score");
  in.line(in.at(score, "level"), b.score_.level);
  in.line(in.at(score, "log_deviation"), b.score_.log_deviation);
  const Json& ranks = in.at(json, "ranks");
  if (!ranks.is_array() || ranks.empty() || ranks.size() > kRankedSubjectsMax) in.fail();
  if (in.ok()) {
    b.ranks_.resize(ranks.size());
    in.numbers(ranks, b.ranks_);
  }
  if (!in.ok()) return base::fail(ErrorCode::kInput, "the baseline is damaged: calibrate again");
  b.index();
  return b;
}

std::shared_ptr<const Baseline> Baseline::reference() {
  static const std::shared_ptr<const Baseline> shipped = [] {
    auto parsed = parse(assets::reference_baseline());
    return parsed ? std::make_shared<const Baseline>(std::move(*parsed)) : nullptr;
  }();
  return shipped;
}

base::Result<Weights> Weights::parse(std::string_view text) {
  Weights weights;
  const Json json = Json::parse(text, nullptr, false);
  Checked in;
  const Json& table = in.at(json, "weights");
  for (size_t s = 0; s < kSignals && in.ok(); ++s) {
    std::array<double, 2> pair{};
    in.numbers(in.at(table, std::string(info_of(static_cast<Signal>(s)).name).c_str()), pair);
    weights.up[s] = pair[0];
    weights.down[s] = pair[1];
  }
  if (!in.ok()) return base::fail(ErrorCode::kInput, "these are not weights of this version's signals");
  return weights;
}

const Weights& shipped_weights() {
  static const Weights shipped = Weights::parse(assets::weights()).value_or(Weights{});
  return shipped;
}

}  // namespace stillwatch::signals
