#include "campaigns/group.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "stats/conformal.h"

namespace stillwatch::campaigns {
namespace {

using signals::Signal;

constexpr size_t kCrowdMin = 100;  // others, to say where the crowd stands today
constexpr double kUsual = 0.99;    // of the baseline lean less than who is not of the crowd
constexpr size_t kResolved = 4;    // times the benign accounts: so many can be told from chance by them
constexpr int kLookMost = 6;       // pools are large: signals are held against the norm of accounts of this look

constexpr Signal kOfOne[] = {Signal::kRhythm, Signal::kEndurance, Signal::kClientUniform};

Point sum_of(std::span<const Point> points, std::span<const uint32_t> core) {
  Point sum(points.empty() ? 0 : points.front().size());
  for (const uint32_t m : core) {
    for (size_t k = 0; k < sum.size(); ++k) sum[k] += points[m][k];
  }
  return sum;
}

double lean(const Point& point, const Point& sum, double length) {
  return length > 0 ? dot(point, sum) / length : 0;
}

GroupScore score(const profile::Summary& pooled, const signals::Baseline& baseline) {
  GroupScore out;
  signals::Sighting sighting = signals::sight(pooled, nullptr);
  if (sighting.parts.empty()) return out;
  sighting.parts.front().look = std::min(sighting.parts.front().look, kLookMost);
  const signals::Judgement judged = baseline.judge(sighting);
  out.values = judged.values;
  out.look = judged.look;
  for (int s = 0; s < signals::kSignals; ++s) {
    const auto signal = static_cast<Signal>(s);
    if (of_one(signal)) continue;
    out.score += baseline.weights().share(signal, baseline.norm().deviation(signal, judged.values, judged.look));
  }
  return out;
}

}  // namespace

Point lean_of(std::span<const Point> points, std::span<const uint32_t> members) {
  return direction_of(sum_of(points, members));
}

std::vector<double> leanings(std::span<const Point> points, std::span<const uint32_t> core) {
  const Point sum = sum_of(points, core);
  const double square = dot(sum, sum);
  std::vector<double> out(points.size());
  for (size_t i = 0; i < points.size(); ++i) out[i] = lean(points[i], sum, std::sqrt(square));
  for (const uint32_t m : core) {
    const double along = dot(points[m], sum);
    const double own = dot(points[m], points[m]);
    const double rest = square - 2 * along + own;
    out[m] = rest > 1e-9 ? (along - own) / std::sqrt(rest) : 0;
  }
  return out;
}

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  const auto it = values.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), it, values.end());
  return *it;
}

// Location and spread of leanings: the bulk alone speaks.
struct Bulk {
  double middle = 0;
  double spread = 1;
  double standard(double x) const { return (x - middle) / spread; }
};
Bulk bulk_of(const std::vector<double>& values) {
  if (values.empty()) return {};
  const double middle = quantile(values, 0.5);
  return {middle, std::max(1e-9, middle - quantile(values, 0.16))};  // the lower side: the upper may be hostile
}

std::vector<uint32_t> most_leaning(const std::vector<double>& leanings, size_t count) {
  std::vector<uint32_t> order(leanings.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return leanings[a] > leanings[b]; });
  order.resize(std::min(order.size(), count));
  return order;
}

std::vector<uint32_t> recruit(std::span<const Point> points, std::span<const Point> benign,
                              std::vector<uint32_t> core) {
  constexpr int kRounds = 4;
  std::vector<uint32_t> members;
  for (int round = 0; round < kRounds && core.size() >= kGroupMin / 2; ++round) {
    const Point sum = sum_of(points, core);
    const double length = std::sqrt(dot(sum, sum));
    std::vector<double> chance;
    chance.reserve(benign.size());
    std::vector<double> leans = leanings(points, core);
    // Today's crowd may stand elsewhere than the baseline's: the others' middle and spread become the baseline's. Who
    // leans as few of the baseline do is not of the crowd: most of a large campaign is outside the core as yet.
    std::vector<bool> inside(points.size());
    for (const uint32_t m : core) inside[m] = true;
    for (const Point& p : benign) chance.push_back(lean(p, sum, length));
    const double usual = quantile(chance, kUsual);
    std::vector<double> others;
    for (size_t i = 0; i < leans.size(); ++i) {
      if (!inside[i] && leans[i] <= usual) others.push_back(leans[i]);
    }
    std::vector<double> baseline;
    std::copy_if(chance.begin(), chance.end(), std::back_inserter(baseline), [&](double c) { return c <= usual; });
    const Bulk then = bulk_of(baseline);
    const Bulk now = others.size() < kCrowdMin ? then : bulk_of(others);
    for (double& c : chance) c = then.standard(c);
    for (double& l : leans) l = now.standard(l);
    const stats::ConformalTail tail(std::move(chance));
    std::vector<uint32_t> order = most_leaning(leans, leans.size());
    const auto taken = [&](double strangers_max, double of_many_max) {
      size_t most = 0;
      for (size_t i = 0; i < order.size(); ++i) {
        const double p = tail.p(leans[order[i]]).value;
        const auto strangers = static_cast<double>(order.size() - i);
        const auto so_many = static_cast<double>(i + 1);
        const double allowed = std::max(of_many_max * so_many, std::min(strangers_max * so_many, kFewStrangers));
        if (p * strangers <= allowed) most = i + 1;
        if (p > strangers_max) break;
      }
      return most;
    };
    size_t joined = taken(kStrangersMax, kStrangersOfManyMax);
    if (joined == 0 && points.size() > kResolved * benign.size())
      joined = taken(kStrangersUnresolved, kStrangersUnresolved);
    order.resize(joined);
    members = order;
    if (core == order) break;
    core = std::move(order);
  }
  return members;
}

bool of_one(Signal signal) {
  return std::find(std::begin(kOfOne), std::end(kOfOne), signal) != std::end(kOfOne);
}

std::vector<GroupScore> scores_of(std::span<const uint32_t> members, std::span<const size_t> sizes,
                                  const SummaryOf& summary_of, const signals::Baseline& baseline) {
  std::vector<GroupScore> scores;
  profile::Summary pooled;
  double distinct = 0;
  size_t taken = 0;
  for (const size_t size : sizes) {
    for (; taken < size; ++taken) {
      const auto member = summary_of(members[taken]);
      if (!member) continue;
      pooled.merge(*member);
      distinct += member->prompts.estimate();
    }
    scores.push_back(score(pooled, baseline));
    if (distinct > 0) scores.back().overlap = std::clamp(1 - pooled.prompts.estimate() / distinct, 0.0, 1.0);
  }
  return scores;
}

}  // namespace stillwatch::campaigns
