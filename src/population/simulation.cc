#include "population/simulation.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "population/account.h"

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
  Slot(const Cast& cast, uint32_t member, uint32_t size, base::Random random, base::Random shared)
      : account(cast, member, size, random, shared) {}
  Account account;
  const Group* group = nullptr;
  const Schedule* schedule = nullptr;
  std::string campaign;
  std::string family;
  double u = 0;          // share of the schedule used
  double remaining = 0;  // exchanges still planned
  double now_ms = 0;     // from the start
  uint32_t since_replaced = 0;
  size_t truth = SIZE_MAX;
};

struct Due {
  double at_ms;
  uint32_t slot;
  bool operator>(const Due& other) const { return at_ms != other.at_ms ? at_ms > other.at_ms : slot > other.slot; }
};

std::string family_of(const Prompts& prompts, const std::vector<std::string>& globs) {
  std::string family;
  for (const Source* source : prompts.matching(globs)) family += (family.empty() ? "" : "+") + source->name;
  return family;
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
  Request request;

  State(Config c, const Prompts& p, Timing t)
      : config(std::move(c)), prompts(&p), timing(std::move(t)), pools(p, config.split) {}

  base::Result<void> cast_group(const Group& group, base::Random random);
  void plan(uint32_t index, bool continues, double gap_ms);
  void write(Slot& slot, double at_ms, int status, std::string& line);
  double span_ms() const { return config.duration_days * static_cast<double>(base::kDayMs); }
};

base::Result<void> Simulation::State::cast_group(const Group& group, base::Random random) {
  const std::vector<std::string> sources = group.sources.empty() ? usual_sources(group.kind) : group.sources;
  auto cast = std::make_unique<Cast>();
  cast->group = &group;
  cast->timing = &timing;
  cast->persistence = prompts->persistence;
  cast->pool = &pools.get(sources, group.part, group.part_of);
  if (cast->pool->all.empty() && group.kind != Class::kCodingAgent) {
    return base::fail(ErrorCode::kInput, fmt::format("group `{}`: none of its sources ({}) is among the prompts",
                                                     group.name, fmt::join(sources, ", ")));
  }
  if (group.kind == Class::kHarvest && (group.cover > 0 || group.slow_start_days > 0)) {
    cast->cover = &pools.get(group.cover_sources.empty() ? usual_sources(Class::kPeople) : group.cover_sources,
                             group.cover_part, group.cover_part_of);
    if (cast->cover->all.empty()) {
      return base::fail(ErrorCode::kInput,
                        fmt::format("group `{}`: none of its cover_sources is among the prompts", group.name));
    }
  }
  const std::string family = group.kind == Class::kCodingAgent ? "own" : family_of(*prompts, sources);
  // Accounts of a group share a few dozen schedules: time zones, jitter and bursts differ between those.
  constexpr uint32_t kSchedules = 48;
  const size_t first_schedule = schedules.size();
  const bool one_rhythm = group.kind == Class::kHarvest && group.rhythm == Rhythm::kBursts;  // synchronised
  const uint32_t variants = one_rhythm ? 1 : std::min(group.accounts, kSchedules);
  for (uint32_t i = 0; i < variants; ++i) {
    schedules.push_back(
        std::make_unique<Schedule>(group.rhythm, config.start, config.duration_days, random.fork(i + 1)));
  }
  const uint32_t campaign_size = group.campaign_size == 0 ? group.accounts : group.campaign_size;
  base::Random shared = random.fork(77);
  std::string campaign;
  for (uint32_t i = 0; i < group.accounts; ++i) {
    if (i % campaign_size == 0) {
      shared = random.fork(1000 + i);
      campaign = group.kind == Class::kHarvest ? fmt::format("{}-{}", group.name, i / campaign_size) : "";
    }
    base::Random own = random.fork(500'000 + i);
    const double planned = std::clamp(group.exchanges_median * std::exp(group.exchanges_sigma * own.normal()), 1.0,
                                      static_cast<double>(group.exchanges_max));
    Slot& slot = slots.emplace_back(*cast, i % campaign_size, std::min(campaign_size, group.accounts), own, shared);
    slot.group = &group;
    slot.schedule = schedules[first_schedule + i % variants].get();
    slot.campaign = campaign;
    slot.family = family;
    slot.remaining = std::round(planned);
    plan(static_cast<uint32_t>(slots.size() - 1), false, 0);
  }
  casts.push_back(std::move(cast));
  return {};
}

void Simulation::State::plan(uint32_t index, bool continues, double gap_ms) {
  Slot& slot = slots[index];
  if (slot.remaining < 1) return;
  double at = slot.now_ms + std::max(gap_ms, 500.0);
  if (!continues) {
    // Conversations of people have about 1.6 exchanges: so many starts are still to come.
    const bool talks = slot.group->kind == Class::kPeople || slot.group->kind == Class::kOffice ||
                       slot.group->kind == Class::kReseller;
    const bool codes = slot.group->kind == Class::kCodingAgent;
    slot.u = next_of_sorted(slot.u, slot.remaining / (talks ? 1.6 : codes ? 18 : 1), slot.account.random());
    const double slow = slot.group->slow_start_days * static_cast<double>(base::kDayMs);
    double scheduled = slot.schedule->at(slot.u);
    if (slow > 0) {
      constexpr double kSlowShare = 0.1;
      scheduled = slot.u < kSlowShare ? slow * slot.u / kSlowShare
                                      : slow + (span_ms() - slow) * (slot.u - kSlowShare) / (1 - kSlowShare);
    }
    at = std::max(at, scheduled);
  }
  if (at >= span_ms()) return;
  due.push({at, index});
}

void Simulation::State::write(Slot& slot, double at_ms, int status, std::string& line) {
  Account& a = slot.account;
  base::Random& random = a.random();
  const base::Time time = config.start + std::chrono::milliseconds(static_cast<int64_t>(at_ms));
  const bool pivoted = slot.group->pivot_day > 0 && at_ms > slot.group->pivot_day * static_cast<double>(base::kDayMs);
  const std::string model = model_of(pivoted ? 2 : 0);
  line.clear();
  auto out = std::back_inserter(line);
  fmt::format_to(out, R"({{"time":"{}","account":"{}","network":"{}","client":"{}",)", base::format_rfc3339(time),
                 a.name, a.networks[random.below(a.networks.size())], a.clients[random.below(a.clients.size())]);
  fmt::format_to(out, R"("model":"{}","status":{},"request":{{"model":"{}")", model, status, model);
  line += a.parameters;
  if (!request.user.empty()) {
    fmt::format_to(out, fmt::runtime(a.anthropic ? R"(,"metadata":{{"user_id":"{}"}})" : R"(,"user":"{}")"),
                   request.user);
  }
  if (a.anthropic && !request.system.empty()) fmt::format_to(out, R"(,"system":"{}")", request.system);
  line += ",\"messages\":[";
  bool first = true;
  const auto message = [&](std::string_view role, std::string_view text) {
    fmt::format_to(out, R"({}{{"role":"{}","content":"{}"}})", first ? "" : ",", role, text);
    first = false;
  };
  if (!a.anthropic && !request.system.empty()) message("system", request.system);
  size_t prompt_bytes = request.system.size();
  for (const Spoken& turn : request.turns) {
    message(turn.assistant ? "assistant" : "user", turn.text);
    prompt_bytes += turn.text.size();
  }
  line += "]},\"response\":";
  if (status >= 400) {
    line += R"({"error":{"type":"permission_error","message":"This account is suspended."}}})";
    line += '\n';
    return;
  }
  if (request.answer.empty()) request.answer = filler(std::min<uint32_t>(request.answer_tokens, 60), random);
  if (a.anthropic) {
    fmt::format_to(out,
                   R"({{"type":"message","role":"assistant","model":"{}","content":[{{"type":"text","text":"{}"}}],)",
                   model, request.answer);
    fmt::format_to(out, R"("stop_reason":"end_turn","usage":{{"input_tokens":{},"output_tokens":{}}}}}}})",
                   prompt_bytes / 4 + 8, request.answer_tokens);
  } else {
    fmt::format_to(
        out, R"({{"object":"chat.completion","model":"{}","choices":[{{"index":0,"message":{{"role":"assistant",)",
        model);
    fmt::format_to(
        out, R"("content":"{}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":{},"completion_tokens":{}}}}}}})",
        request.answer, prompt_bytes / 4 + 8, request.answer_tokens);
  }
  line += '\n';
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
  for (size_t i = 0; i < state->config.groups.size(); ++i) {
    if (auto ok = state->cast_group(state->config.groups[i], random.fork(i + 1)); !ok)
      return tl::unexpected(ok.error());
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
    const bool slow = slot.now_ms < slot.group->slow_start_days * static_cast<double>(base::kDayMs);
    if (!slot.account.next(s.request, slow)) continue;
    int status = 200;
    if (slot.truth == SIZE_MAX) {
      slot.truth = s.truths.size();
      s.truths.push_back({slot.account.name, slot.group->kind == Class::kHarvest, name_of(slot.group->kind),
                          slot.family, slot.group->name, slot.campaign, 0, slot.group->cover});
    }
    ++s.truths[slot.truth].exchanges;
    if (slot.group->replaced_after > 0 && ++slot.since_replaced >= slot.group->replaced_after) status = 403;
    s.write(slot, due.at_ms, status, line);
    if (status == 403) {
      slot.account.replace();
      slot.since_replaced = 0;
      slot.truth = SIZE_MAX;
    }
    slot.remaining -= 1;
    s.plan(due.slot, s.request.continues, s.request.gap_ms);
    return true;
  }
  return false;
}

const std::vector<Truth>& Simulation::truths() const {
  return state_->truths;
}

std::string to_json(const Truth& t) {
  const nlohmann::json object = {
      {"account", t.account},     {"label", t.hostile ? "hostile" : "benign"},
      {"class", t.kind},          {"family", t.family},
      {"group", t.group},         {"campaign", t.campaign.empty() ? nlohmann::json() : nlohmann::json(t.campaign)},
      {"exchanges", t.exchanges}, {"cover", t.cover}};
  return object.dump() + "\n";
}

base::Result<Timing> Timing::load(const std::string& directory) {
  Timing timing;
  const auto read = [&](const char* name, std::vector<uint32_t>& out) {
    const gzFile file = gzopen((directory + "/" + name).c_str(), "rb");
    if (file == nullptr) return;
    char line[256];
    while (gzgets(file, line, sizeof line) != nullptr && out.size() < 1'000'000) {
      const std::string_view text(line);
      const size_t comma = text.rfind(',');
      uint32_t tokens = 0;
      if (comma == std::string_view::npos) continue;
      std::from_chars(text.data() + comma + 1, text.data() + text.size(), tokens);
      if (tokens > 0 && tokens < 1'000'000) out.push_back(tokens);
    }
    gzclose(file);
  };
  read("AzureLLMInferenceTrace_conv.csv.gz", timing.chat_answer_tokens);
  read("AzureLLMInferenceTrace_code.csv.gz", timing.code_answer_tokens);
  if (timing.chat_answer_tokens.empty() && timing.code_answer_tokens.empty()) {
    return base::fail(ErrorCode::kInput,
                      fmt::format("{} holds no token counts: AzureLLMInferenceTrace_conv.csv.gz or _code.csv.gz "
                                  "with a last column of generated tokens are looked for",
                                  directory));
  }
  return timing;
}

}  // namespace stillwatch::population
