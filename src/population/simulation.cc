#include "population/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <queue>

#include "population/account.h"
#include "population/pools.h"
#include "population/schedule.h"
#include "population/wording.h"

namespace stillwatch::population {
namespace {

using base::ErrorCode;

// The folders a class draws from unless told otherwise.
std::vector<std::string> usual_sources(Class kind) {
  switch (kind) {
    case Class::kPeople:
    case Class::kReseller:
    case Class::kOffice:
      return {"benign/sharegpt*", "benign/chatbot_arena*", "benign/oasst*",    "benign/expertqa*",
              "benign/nq_open*",  "benign/vicuna*",        "benign/mt_bench*", "benign/people*"};
    case Class::kProductBot:
      return {"benign/*bot*"};
    case Class::kPipeline:
      return {"pipeline/*"};
    case Class::kLabelling:
      return {"labelled/*", "benign/items*"};
    case Class::kEvaluator:
      return {"bench/*"};
    case Class::kCodingAgent:
      return {"*"};
    case Class::kHarvest:
      return {"distill/*"};
  }
  return {"*"};
}

struct Slot {
  const Cast* cast;
  Account account;
  const Schedule* schedule;
  std::string campaign{};
  double u = 0;          // share of the schedule used
  double remaining = 0;  // exchanges still planned
  double now_ms = 0;     // from the start
  double pivot_ms = 0;   // when it turns to another model
  uint32_t since_replaced = 0;
  size_t truth = SIZE_MAX;
};

struct Due {
  double at_ms;
  uint32_t slot;
  bool operator>(const Due& other) const { return at_ms != other.at_ms ? at_ms > other.at_ms : slot > other.slot; }
};

// The share of a schedule at which a share u of the exchanges has happened, if the first tenth of them is spread over
// the days of a slow start.
double slow_start(double days, double u, const Schedule& schedule) {
  constexpr double kSlowly = 0.1;
  const double before = schedule.share_before(days * static_cast<double>(base::kDayMs));
  if (days <= 0 || before >= 1) return u;
  return u < kSlowly ? before * u / kSlowly : before + (1 - before) * (u - kSlowly) / (1 - kSlowly);
}

}  // namespace

struct Simulation::State {
  Config config;
  const Prompts* prompts;
  Timing timing;
  Pools pools;
  std::vector<std::unique_ptr<Cast>> casts;
  std::vector<std::unique_ptr<Schedule>> schedules;
  std::vector<Slot> slots;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due;
  std::vector<Truth> truths;
  size_t ran_dry = 0;
  Request request;

  State(Config c, const Prompts& p, Timing t)
      : config(std::move(c)), prompts(&p), timing(std::move(t)), pools(p, config.split) {}

  base::Result<const Cast*> make_cast(const Group& group);
  void fill(const Group& group, const Cast& cast, base::Random random);
  void plan(uint32_t index);
  bool send(Slot& slot, std::string& line);
};

base::Result<const Cast*> Simulation::State::make_cast(const Group& group) {
  const std::vector<std::string> sources = group.sources.empty() ? usual_sources(group.kind) : group.sources;
  auto cast = std::make_unique<Cast>();
  cast->group = &group;
  cast->timing = &timing;
  cast->persistence = prompts->persistence;
  cast->pool = &pools.get(sources, group.part, group.part_of);
  cast->family = group.kind == Class::kCodingAgent ? "own" : fmt::format("{}", fmt::join(cast->pool->sources, "+"));
  if (cast->pool->all.empty() && group.kind != Class::kCodingAgent) {
    return base::fail(ErrorCode::kInput, fmt::format("group `{}`: none of its sources ({}) is among the prompts",
                                                     group.name, fmt::join(sources, ", ")));
  }
  switch (group.kind) {
    case Class::kPeople:
    case Class::kOffice:
    case Class::kReseller:
    case Class::kHarvest:
      cast->exchanges_each = cast->pool->user_turns;
      break;
    case Class::kCodingAgent:
      cast->exchanges_each = kAgentSession;
      break;
    default:
      break;  // ask once
  }
  if (group.kind == Class::kHarvest && (group.cover > 0 || group.slow_start_days > 0)) {
    const auto& globs = group.cover_sources.empty() ? usual_sources(Class::kPeople) : group.cover_sources;
    cast->cover = &pools.get(globs, group.cover_part, group.cover_part_of);
    if (cast->cover->all.empty()) {
      return base::fail(ErrorCode::kInput,
                        fmt::format("group `{}`: none of its cover_sources is among the prompts", group.name));
    }
    // Conversations differ in length: so many of them must be cover for `cover` of the exchanges to be.
    const double covered = group.cover * cast->pool->user_turns;
    cast->cover_chance = covered / (covered + (1 - group.cover) * cast->cover->user_turns);
    cast->exchanges_each += cast->cover_chance * (cast->cover->user_turns - cast->pool->user_turns);
  }
  casts.push_back(std::move(cast));
  return casts.back().get();
}

void Simulation::State::fill(const Group& group, const Cast& cast, base::Random random) {
  const uint32_t campaign_size =
      std::min(group.campaign_size == 0 ? group.accounts : group.campaign_size, group.accounts);
  // Where chance makes the schedule, accounts have one each (up to a bound on memory), for sharing would look like a
  // conspiracy. Bursts of a campaign are synchronised.
  const bool by_chance = group.rhythm == Rhythm::kJittered || group.rhythm == Rhythm::kBursts;
  const bool synchronised = group.kind == Class::kHarvest && group.rhythm == Rhythm::kBursts;
  const uint32_t variants = std::min(group.accounts, by_chance ? 4096U : 48U);
  const size_t first_schedule = schedules.size();
  for (uint32_t i = 0; i < variants; ++i) {
    schedules.push_back(
        std::make_unique<Schedule>(group.rhythm, config.start, config.duration_days, random.fork(i + 1)));
  }
  base::Random campaign(0);
  for (uint32_t i = 0; i < group.accounts; ++i) {
    if (i % campaign_size == 0) campaign = random.fork(i);
    base::Random own = random.fork(i);
    const double planned = std::clamp(group.exchanges_median * std::exp(group.exchanges_sigma * own.normal()), 1.0,
                                      static_cast<double>(group.exchanges_max));
    const double pivot_day = group.pivot_day + own.uniform();
    const size_t schedule = first_schedule + (synchronised ? i / campaign_size : i) % variants;
    Slot& slot = slots.emplace_back(
        Slot{&cast, Account(cast, i % campaign_size, campaign_size, own, campaign), schedules[schedule].get()});
    if (group.kind == Class::kHarvest) slot.campaign = fmt::format("{}-{}", group.name, i / campaign_size);
    slot.remaining = std::round(planned);
    if (group.pivot_day > 0) slot.pivot_ms = pivot_day * static_cast<double>(base::kDayMs);
    plan(static_cast<uint32_t>(slots.size() - 1));
  }
}

void Simulation::State::plan(uint32_t index) {
  constexpr double kGapMs = 500;  // between two exchanges of an account
  Slot& slot = slots[index];
  if (slot.remaining < 1) return;
  double at = slot.now_ms + std::max(request.continues ? request.gap_ms : 0, kGapMs);
  if (!request.continues) {
    const Group& group = *slot.cast->group;
    // What is left to send, in conversations.
    slot.u = next_of_sorted(slot.u, slot.remaining / slot.cast->exchanges_each, slot.account.random());
    at = std::max(at, slot.schedule->at(slow_start(group.slow_start_days, slot.u, *slot.schedule)));
  }
  if (at < config.duration_days * static_cast<double>(base::kDayMs)) due.push({at, index});
}

// False if the account had nothing left to ask.
bool Simulation::State::send(Slot& slot, std::string& line) {
  const Group& group = *slot.cast->group;
  const bool slow = slot.now_ms < group.slow_start_days * static_cast<double>(base::kDayMs);
  if (!slot.account.next(request, slow)) return false;
  if (slot.truth == SIZE_MAX) {
    slot.truth = truths.size();
    truths.push_back({slot.account.name(), group.kind == Class::kHarvest, name_of(group.kind), slot.cast->family,
                      group.name, slot.campaign, 0, group.cover});
  }
  ++truths[slot.truth].exchanges;
  slot.remaining -= 1;
  const bool suspended = group.replaced_after > 0 && ++slot.since_replaced >= group.replaced_after;
  const bool pivoted = slot.pivot_ms > 0 && slot.now_ms >= slot.pivot_ms;
  const base::Time time = config.start + std::chrono::milliseconds(static_cast<int64_t>(slot.now_ms));
  line.clear();
  write_line(time, slot.account.origin(), model_of(pivoted), suspended ? 403 : 200, request, line);
  if (suspended) {
    slot.account.replace();
    slot.since_replaced = 0;
    slot.truth = SIZE_MAX;
  }
  return true;
}

Simulation::Simulation(std::unique_ptr<State> state) : state_(std::move(state)) {}
Simulation::Simulation(Simulation&&) noexcept = default;
Simulation::~Simulation() = default;

base::Result<Simulation> Simulation::start(Config config, const Prompts& prompts, Timing timing) {
  auto state = std::make_unique<State>(std::move(config), prompts, std::move(timing));
  base::Random random(state->config.seed);
  size_t accounts = 0;
  for (const Group& group : state->config.groups) accounts += group.accounts;
  state->slots.reserve(accounts);
  for (const Group& group : state->config.groups) {
    const auto cast = state->make_cast(group);
    if (!cast) return tl::unexpected(cast.error());
    state->fill(group, **cast, random.fork(accounts));
  }
  return Simulation(std::move(state));
}

bool Simulation::next(std::string& line) {
  State& s = *state_;
  while (!s.due.empty()) {
    const Due due = s.due.top();
    s.due.pop();
    Slot& slot = s.slots[due.slot];
    slot.now_ms = due.at_ms;
    if (!s.send(slot, line)) {
      ++s.ran_dry;
      continue;
    }
    s.plan(due.slot);
    return true;
  }
  return false;
}

const std::vector<Truth>& Simulation::truths() const {
  return state_->truths;
}

size_t Simulation::ran_dry() const {
  return state_->ran_dry;
}

std::string to_json(const Truth& t) {
  const nlohmann::json object = {
      {"account", t.account},     {"label", t.hostile ? "hostile" : "benign"},
      {"class", t.kind},          {"family", t.family},
      {"group", t.group},         {"campaign", t.campaign.empty() ? nlohmann::json() : nlohmann::json(t.campaign)},
      {"exchanges", t.exchanges}, {"cover", t.cover}};
  return object.dump() + "\n";
}

}  // namespace stillwatch::population
