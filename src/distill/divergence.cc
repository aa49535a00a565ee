#include "distill/divergence.h"

#include <algorithm>
#include <cmath>

namespace stillwatch::distill {
namespace {

// One outcome's share of the divergence, and q dD/dq up to a constant times q, which falls out of the gradient.
struct Share {
  double loss = 0;
  double pull = 0;
};

Share share_of(const Divergence& d, double p, double q) {
  const double ratio = std::log(std::max(q, kFloor) / std::max(p, kFloor));
  switch (d.kind) {
    case Divergence::Kind::kForwardKl:
      return {p > 0 ? -p * ratio : 0, -p};
    case Divergence::Kind::kReverseKl:
      return {q * ratio, q * ratio};
    case Divergence::Kind::kJsd: {
      const double m = d.beta * p + (1 - d.beta) * q;
      const double of_p = p > 0 ? p * std::log(p / m) : 0;
      const double of_q = q > 0 ? q * std::log(q / m) : 0;
      return {d.beta * of_p + (1 - d.beta) * of_q, (1 - d.beta) * of_q};
    }
  }
  return {};
}

// In place: logits to probabilities at that temperature.
void soften(std::span<float> logits, double temperature) {
  const float most = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (float& x : logits) {
    x = static_cast<float>(std::exp((x - most) / temperature));
    sum += x;
  }
  for (float& x : logits) x = static_cast<float>(x / sum);
}

}  // namespace

float diverge(const Divergence& d, std::span<const float> teacher_logits, std::span<float> student_logits) {
  thread_local std::vector<float> teacher;
  teacher.assign(teacher_logits.begin(), teacher_logits.end());
  soften(teacher, d.temperature);
  soften(student_logits, d.temperature);
  double loss = 0, pulls = 0;
  for (size_t i = 0; i < teacher.size(); ++i) {
    const double q = student_logits[i];
    const Share share = share_of(d, teacher[i], q);
    loss += share.loss;
    pulls += share.pull;
    teacher[i] = static_cast<float>(share.pull);  // no longer needed for what it held
  }
  for (size_t i = 0; i < teacher.size(); ++i)
    student_logits[i] = static_cast<float>(d.temperature * (teacher[i] - student_logits[i] * pulls));
  return static_cast<float>(loss * d.temperature * d.temperature);
}

float diverge(const Divergence& d, const TopTokens& teacher, std::span<float> student_logits) {
  soften(student_logits, 1);
  struct Known {
    double q = 0, pull = 0;
  };
  thread_local std::vector<Known> known;
  known.clear();
  double p_rest = 1, q_rest = 0, loss = 0, pulls = 0;
  for (const auto& [token, logprob] : teacher) {
    const double p = std::exp(static_cast<double>(logprob));
    float& q = student_logits[static_cast<size_t>(token)];
    const Share share = share_of(d, p, q);
    p_rest -= p;
    loss += share.loss;
    pulls += share.pull;
    known.push_back({q, share.pull});
    q = 0;  // what is summed below is the rest
  }
  for (const float q : student_logits) q_rest += q;
  q_rest = std::max(q_rest, kFloor);
  const Share rest = share_of(d, std::max(p_rest, 0.0), q_rest);
  loss += rest.loss;
  pulls += rest.pull;
  const double factor = rest.pull / q_rest - pulls;
  for (float& x : student_logits) x = static_cast<float>(x * factor);
  for (size_t i = 0; i < teacher.size(); ++i)
    student_logits[static_cast<size_t>(teacher[i].first)] = static_cast<float>(known[i].pull - known[i].q * pulls);
  return static_cast<float>(loss);
}

}  // namespace stillwatch::distill
