#include "verdict/policy.h"

#include <algorithm>

namespace stillwatch::verdict {
namespace {

using base::Name;
using base::YamlMap;

constexpr Name<Mode> kModes[] = {{"off", Mode::kOff}, {"observe", Mode::kObserve}, {"enforce", Mode::kEnforce}};
constexpr Name<Rung> kRungNames[] = {
    {"delay", Rung::kDelay},         {"strip", Rung::kStrip},   {"mark", Rung::kMark},
    {"challenge", Rung::kChallenge}, {"refuse", Rung::kRefuse},
};
constexpr Name<int> kStatuses[] = {{"403", 403}, {"429", 429}};
constexpr Name<What> kStripped[] = {{"logprobs", kLogprobs}, {"reasoning", kReasoning}};
constexpr Name<What> kPutIn[] = {{"watermark", kWatermark}, {"canary", kCanary}};
constexpr uint32_t kDay = 86'400;

void read_conditions(YamlMap when, RungRule& rule, YamlMap& parent) {
  when.flag("campaign", rule.campaign);
  when.flag("flagged", rule.flagged);
  when.number("p_value_max", rule.p_value_max, 0, kPValueMax);
  when.number("novel_exchanges_min", rule.novel_exchanges_min, 0, 1e12);
  when.number("output_tokens_min", rule.output_tokens_min, 0, 1e15);
  when.number("coverage_min", rule.coverage_min, 0, 1);
  if (rule.campaign && !rule.flagged)
    when.fail(when.node(), "a rung about members of campaigns is about flagged ones: leave `flagged` out");
  if (!rule.flagged && rule.p_value_max >= 1)
    when.fail(when.node(), "without `flagged` a rung needs `p_value_max` below 1: it would be done to everybody");
  parent.adopt(when);
}

// The list under `what`, as bits; `otherwise` if there is none.
uint8_t read_what(YamlMap& map, std::span<const Name<What>> names, uint8_t otherwise) {
  std::vector<std::string> given;
  map.texts("what", given);
  uint8_t bits = 0;
  for (const std::string& g : given) {
    const auto known = std::find_if(names.begin(), names.end(), [&](const Name<What>& n) { return n.name == g; });
    if (known != names.end()) {
      bits |= known->value;
    } else {
      map.fail(map.node(), "`what` is a list of " + std::string(names[0].name) + ", " + std::string(names[1].name));
    }
  }
  return bits != 0 ? bits : otherwise;
}

void read_message(YamlMap& map, RungRule& rule, std::string_view otherwise) {
  constexpr size_t kMessageBytesMax = 1000;
  rule.message = otherwise;
  map.text("message", rule.message);
  if (rule.message.size() > kMessageBytesMax) map.fail(map.node(), "`message` is longer than 1,000 bytes");
}

RungRule read_rule(const YAML::Node& node, Mode mode, YamlMap& parent) {
  YamlMap map(node, parent.file());
  RungRule rule;
  rule.mode = mode;
  if (map.require("rung")) map.choice("rung", rule.rung, kRungNames);
  map.choice("mode", rule.mode, kModes);
  if (const YAML::Node when = map.take("when")) read_conditions(YamlMap(when, parent.file()), rule, map);
  switch (rule.rung) {
    case Rung::kDelay:
      map.number("delay_ms", rule.delay_ms, 1, kDelayMsMax);
      map.number("per_minute", rule.per_minute, 1, 60'000);
      if (rule.delay_ms == 0 && rule.per_minute == 0) rule.delay_ms = 1000;
      break;
    case Rung::kStrip:
      rule.what = read_what(map, kStripped, kLogprobs);
      break;
    case Rung::kMark:
      rule.what = read_what(map, kPutIn, kWatermark);
      if ((rule.what & kWatermark) != 0) map.number("drafts", rule.drafts, 2, kDraftsMax);
      break;
    case Rung::kChallenge:
      if (map.require("url")) map.text("url", rule.url);
      read_message(map, rule, "Please verify your account.");
      map.number("token_s", rule.token_s, 60, 30 * kDay);
      map.number("pass_s", rule.pass_s, 60, 3650 * kDay);
      break;
    case Rung::kRefuse:
      map.choice("status", rule.status, kStatuses);
      read_message(map, rule, "access denied");
      if (rule.status == 429) map.number("retry_after_s", rule.retry_after_s, 1, 30 * kDay);
      break;
  }
  parent.adopt(map);
  return rule;
}

bool exposed(const RungRule& rule, const Exposure& e) {
  return e.novel_exchanges >= rule.novel_exchanges_min &&
         static_cast<double>(e.output_tokens) >= rule.output_tokens_min && e.coverage >= rule.coverage_min;
}

bool holds(const RungRule& rule, const Standing& s) {
  if (rule.campaign)
    return s.campaign && s.campaign->p_value <= rule.p_value_max && exposed(rule, s.campaign->exposure);
  const bool labelled = s.verdict == Verdict::kLabelledHostile;
  if (rule.flagged && !labelled && s.verdict != Verdict::kHarvest) return false;
  if (!labelled && (s.verdict == Verdict::kInsufficient || s.p_value > rule.p_value_max)) return false;
  return exposed(rule, s.exposure);
}

template <typename T, size_t N>
std::string_view name_in(const Name<T> (&names)[N], T value) {
  return std::find_if(names, names + N, [&](const Name<T>& n) { return n.value == value; })->name;
}

}  // namespace

std::string_view name_of(Mode mode) {
  return name_in(kModes, mode);
}
std::string_view name_of(Rung rung) {
  return name_in(kRungNames, rung);
}

Policy Policy::read(YamlMap& map) {
  Policy policy;
  Mode mode = Mode::kObserve;
  map.choice("mode", mode, kModes);
  map.texts("allow", policy.allow_);
  map.flag("act_uncalibrated", policy.act_uncalibrated_);
  map.number("refuse_accounts_max", policy.refuse_accounts_max_, 0, 1e9);
  const YAML::Node rungs = map.take("rungs");
  if (rungs && !rungs.IsSequence()) map.fail(rungs, "`rungs` is not a list");
  if (rungs && rungs.IsSequence()) {
    for (const YAML::Node& node : rungs) policy.rules_.push_back(read_rule(node, mode, map));
  }
  return policy;
}

bool Policy::allowed(std::string_view account) const {
  return std::any_of(allow_.begin(), allow_.end(), [&](std::string_view pattern) {
    if (!pattern.ends_with('*')) return pattern == account;
    return account.starts_with(pattern.substr(0, pattern.size() - 1));
  });
}

bool Policy::marks() const {
  return std::any_of(rules_.begin(), rules_.end(),
                     [](const RungRule& r) { return r.rung == Rung::kMark && r.mode == Mode::kEnforce; });
}

Decision Policy::decide(const Standing& s) const {
  Decision d;
  if (s.verdict == Verdict::kLabelledBenign || allowed(s.account)) return d;
  const bool by_person = s.verdict == Verdict::kLabelledHostile;
  for (const RungRule& rule : rules_) {
    if (rule.mode == Mode::kOff || !holds(rule, s)) continue;
    const auto bit = static_cast<uint8_t>(1u << static_cast<int>(rule.rung));
    const bool calibrated = rule.campaign ? s.campaign->calibrated : s.calibrated || by_person;
    if (rule.mode == Mode::kObserve || !(calibrated || act_uncalibrated_)) {
      d.observed |= bit;
      continue;
    }
    d.enforced |= bit;
    switch (rule.rung) {
      case Rung::kDelay: {
        d.delay_ms = std::max(d.delay_ms, rule.delay_ms);
        uint32_t& per_minute = rule.campaign ? d.campaign_per_minute : d.per_minute;
        if (per_minute == 0 || (rule.per_minute > 0 && rule.per_minute < per_minute)) per_minute = rule.per_minute;
        break;
      }
      case Rung::kStrip:
      case Rung::kMark:
        d.what |= rule.what;
        if ((rule.what & kWatermark) == 0) break;
        d.drafts = std::max(d.drafts, rule.drafts);
        d.campaign_key = d.campaign_key || rule.campaign;
        break;
      case Rung::kChallenge:
        if (d.challenge == nullptr) d.challenge = &rule;
        break;
      case Rung::kRefuse:
        if (d.refusal == nullptr) d.refusal = &rule;
        break;
    }
  }
  return d;
}

}  // namespace stillwatch::verdict
