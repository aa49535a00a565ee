#include "attribution/contrast.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "attribution/mark_tests.h"
#include "base/limits.h"

namespace stillwatch::attribution {
namespace {

namespace wm = watermark;

constexpr double kSystematic = 0.1;  // square of the relative error of a rate that has nothing to do with any mark

double& of(Contrast::Of whose, auto& counts) {
  return whose == Contrast::Of::kSuspect ? counts.suspect : counts.reference;
}

// log E exp(a (score - mean)) of a window under the null.
double log_mgf(const wm::Mark& mark, double a) {
  switch (mark.scheme) {
    case wm::Scheme::kGreen:
      return std::log(mark.gamma * std::exp(a * (1 - mark.gamma)) + (1 - mark.gamma) * std::exp(-a * mark.gamma));
    case wm::Scheme::kGumbel:
      return -a - std::log1p(-a);
    case wm::Scheme::kTournament:
      return mark.layers * std::log(std::cosh(a / 2));
  }
  return 0;
}

// log of Chernoff's bound on P(sum of w (score - mean) >= sum): the least of sum log mgf(l w) - l sum over l >= 0,
// which is convex in l.
double log_bound(const wm::Mark& mark, std::span<const double> weights, double sum, double deviation) {
  if (sum <= 0 || deviation <= 0) return 0;
  const double greatest = std::abs(
      *std::max_element(weights.begin(), weights.end(), [](double a, double b) { return std::abs(a) < std::abs(b); }));
  const auto exponent = [&](double l) {
    double total = -l * sum;
    for (const double w : weights) total += log_mgf(mark, l * w);
    return total;
  };
  // The normal law's best l is sum / deviation^2; that of heavier tails is less, of lighter ones not twice as much.
  double low = 0, high = std::min(2 * sum / (deviation * deviation), 0.999 / greatest);
  for (int i = 0; i < 30; ++i) {
    const double third = (high - low) / 3;
    if (exponent(low + third) < exponent(high - third)) {
      high -= third;
    } else {
      low += third;
    }
  }
  return std::min(0.0, exponent((low + high) / 2));
}

}  // namespace

void Contrast::add(Of whose, std::span<const wm::Unit> text, std::span<const wm::Unit> prompt) {
  if (filter_ != nullptr && filter_->quoted_in(prompt, context_)) return;
  wm::FlatSet<uint64_t> in_prompt;
  for (size_t i = 0; i + stride() <= prompt.size(); ++i) in_prompt.insert(wm::hash_of(prompt.subspan(i, stride())));
  for (size_t i = 0; i + stride() <= text.size(); ++i) {
    const auto window = text.subspan(i, stride());
    if (!in_prompt.contains(wm::hash_of(window))) count(whose, window);
  }
  ++of(whose, adds_);
}

void Contrast::add(Of whose, std::span<const Sample> samples, wm::Units units) {
  for (const Sample& s : samples) {
    if (units == wm::Units::kTokens) {
      add(whose, wm::units_of(s.tokens), wm::units_of(s.prompt_tokens));
    } else {
      add(whose, wm::words_of(s.answer), wm::words_of(s.prompt));
    }
  }
}

void Contrast::add(Of whose, std::span<const Place> read) {
  const auto context = static_cast<size_t>(context_);
  added_ = "places";
  of(whose, adds_) += static_cast<double>(read.size());
  std::vector<wm::Unit> window;
  for (const Place& place : read) {
    if (place.before.size() < context) continue;
    window.assign(place.before.end() - context_, place.before.end());
    window.push_back(0);
    for (const auto& [unit, probability] : place.next) {
      window.back() = unit;
      if (probability > 0) count(whose, window, probability);
    }
  }
}

void Contrast::count(Of whose, std::span<const wm::Unit> window, double times) {
  if (filter_ != nullptr && !filter_->passes(window)) return;
  const auto [it, fresh] = places_.try_emplace(wm::hash_of(window), static_cast<uint32_t>(counts_.size()));
  if (fresh) {
    if (counts_.size() >= base::kWatermarkWindowsMax) {
      places_.erase(it);
      return;
    }
    units_.insert(units_.end(), window.begin(), window.end());
    counts_.emplace_back();
  }
  of(whose, counts_[it->second]) += times;
  of(whose, contexts_[wm::hash_of(window.first(static_cast<size_t>(context_)))]) += times;
}

std::vector<double> Contrast::weights() const {
  std::vector<double> weights(counts_.size());
  for (size_t i = 0; i < counts_.size(); ++i) {
    const auto context = std::span(units_).subspan(i * stride(), static_cast<size_t>(context_));
    const Counts& all = contexts_.find(wm::hash_of(context))->second;
    const double expected = (counts_[i].suspect + counts_[i].reference) * all.suspect / (all.suspect + all.reference);
    weights[i] = (counts_[i].suspect - expected) / (1 + kSystematic * expected);
  }
  return weights;
}

TestResult Contrast::test(const wm::Key& key, const wm::Mark& mark, uint64_t wrong_keys) const {
  const std::vector<double> weights = this->weights();
  const double squares = std::inner_product(weights.begin(), weights.end(), weights.begin(), 0.0);
  const double deviation = std::sqrt(squares * wm::variance_of(mark)), mean = wm::mean_of(mark);
  const auto sum_of = [&](const wm::Key& k) {
    double sum = 0;
    for (size_t i = 0; i < weights.size(); ++i)
      sum += weights[i] * (wm::score_of(mark, k.prf(std::span(units_).subspan(i * stride(), stride()))) - mean);
    return sum;
  };
  const auto log10_p_of = [&](double sum) { return log_bound(mark, weights, sum, deviation) / std::numbers::ln10; };
  TestResult t;
  const double sum = sum_of(key);
  t.log10_p = log10_p_of(sum);
  t.figures = {{"windows", static_cast<double>(weights.size())},
               {"score", sum},
               {"expected", 0},
               {"z", deviation > 0 ? sum / deviation : 0},
               {std::string(added_), adds_.suspect},
               {fmt::format("reference_{}", added_), adds_.reference}};
  if (deviation <= 0) t.note = "no window is said more or less often than in the reference: nothing can be said";
  t.wrong_keys = wrong_keys_of(wrong_keys, t.log10_p, [&](const wm::Key& wrong) { return log10_p_of(sum_of(wrong)); });
  return t;
}

std::vector<TestResult> contrast(const wm::Key& key, const wm::MarkEvidence& mark, std::span<const Sample> suspect,
                                 std::span<const Sample> reference, std::span<const Model> clean, uint64_t wrong_keys) {
  constexpr std::string_view kNull =
      "neither the suspect's texts nor the reference depend on the key of this mark, given their prompts";
  return with_and_without_filter(mark, "contrast", kNull, [&](const wm::Filter* filter) {
    Contrast referred(mark.mark.context, filter);
    referred.add(Contrast::Of::kReference, reference, mark.units);
    const auto of = [&](std::span<const Sample> samples, uint64_t wrong) {
      Contrast both = referred;
      both.add(Contrast::Of::kSuspect, samples, mark.units);
      return both.test(key, mark.mark, wrong);
    };
    TestResult t = of(suspect, wrong_keys);
    for (const Model& model : clean) t.clean.push_back({model.name, of(model.samples, 0).log10_p});
    return t;
  });
}

}  // namespace stillwatch::attribution
