#include "range/ladder.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "attribution/contrast.h"
#include "attribution/radioactivity.h"
#include "base/hash.h"
#include "problems/answer.h"
#include "range/course.h"
#include "range/page.h"
#include "range/writing.h"

namespace stillwatch::range {
namespace {

using base::Result;

// Of antidistillation, for the teacher's own answers; other ways of serving have none.
std::vector<double> strengths_of(Serving serving) {
  if (serving != Serving::kAntidistillation) return {0};
  return {0.02, 0.05, 0.1, 0.3, 1};
}

// One seed's trials. What costs time is made when it is first asked for.
class Trials {
 public:
  Trials(const LadderSettings& settings, const Inputs& inputs, const model::Model& base, const Tell& tell)
      : settings_(settings),
        inputs_(inputs),
        base_(base),
        tell_(tell),
        server_(inputs.teacher, key(),
                {.logprobs = kAlternatives, .threads = settings.range.threads, .seconds = settings.seconds}),
        bought_(drawn(kQuestions, problems::Split::kTrain, settings.range.problems)),
        test_(drawn(kTest, problems::Split::kTest, settings.range.test_problems)),
        questions_(questions_of(test_)) {}

  // What the operator saw of the account that asks for the problems.
  Result<Json> watched() {
    const auto served = answers_to_buy(Serving::kPlain);
    if (!served) return tl::unexpected(served.error());
    std::vector<Bought> rows;
    for (size_t i = 0; i < bought_.size(); ++i) {
      const distill::Answer& a = (*served)->answers[i];
      rows.push_back({bought_[i].question, a.reasoning, a.content, a.tokens, prompt_of(bought_[i]).size()});
    }
    tell_("calibrating on honest traffic, then watching the harvest among other honest traffic");
    population::Config honest = inputs_.honest, live = inputs_.live;
    honest.seed = seed_of(kHonest);
    live.seed = seed_of(kLive);
    auto baseline = learn_honest(honest, inputs_.prompts);
    if (!baseline) return tl::unexpected(baseline.error());
    const auto seen = watch(live, inputs_.prompts, std::move(*baseline), rows, settings_.range.problems_share);
    if (!seen) return tl::unexpected(seen.error());
    const auto by = [&](uint64_t exchanges) {
      return std::upper_bound(seen->bought_at.begin(), seen->bought_at.end(), exchanges) - seen->bought_at.begin();
    };
    Json classes = Json::object();
    for (const auto& [name, c] : seen->honest_classes)
      classes[name] = {{"accounts", c.accounts}, {"flagged", c.flagged}};
    const bool flagged = seen->harvester.flagged;
    return Json{
        {"flagged", flagged},
        {"flagged_after", flagged ? seen->harvester.flagged_after : 0},
        {"exchanges", seen->harvester.exchanges},
        {"problems", seen->bought_at.size()},
        {"problems_before_flag", flagged ? by(seen->harvester.flagged_after) : bought_.size()},
        {"problems_before_refusal", flagged ? by(settings_.refused_after) : bought_.size()},
        {"honest",
         {{"accounts", seen->honest_accounts}, {"flagged", seen->honest_flagged}, {"classes", std::move(classes)}}}};
  }

  // What honest users get: the same teacher's answers to the test problems.
  Result<Json> served(Serving serving, double strength) {
    if (auto ok = prepare(serving, strength); !ok) return tl::unexpected(ok.error());
    const auto served = server_.serve(serving, prompts_of(test_, inputs_.teacher), seed_of(kOwn));
    if (!served) return tl::unexpected(served.error());
    distill::Tally right;
    for (size_t i = 0; i < test_.size(); ++i) count(served->answers[i], test_[i], right);
    return Json{{"serving", name_of(serving)},
                {"strength", strength},
                {"exam", tally_json(right)},
                {"tokens", served->tokens},
                {"tokens_in_turn", served->tokens_in_turn},
                {"compute", served->compute}};
  }

  // What honest users wait, in every way of serving: medians over problems, the ways by turns, so that what else runs
  // on the machine slows all alike.
  Result<Json> waits() {
    if (auto ok = prepare(Serving::kAntidistillation, settings_.strength); !ok) return tl::unexpected(ok.error());
    constexpr size_t kProblems = 50;
    std::map<Serving, std::vector<Wait>> all;
    for (size_t i = 0; i < std::min(kProblems, test_.size()); ++i) {
      for (const Serving s : kServings) {
        const auto wait = server_.wait(s, prompt_of(test_[i]), base::combine(seed_of(kOwn), i));
        if (!wait) return tl::unexpected(wait.error());
        all[s].push_back(*wait);
      }
    }
    Json waits = Json::array();
    for (auto& [serving, each] : all) {
      const auto median = [&each = each](double Wait::*what) {
        const auto middle = each.begin() + static_cast<std::ptrdiff_t>(each.size() / 2);
        std::ranges::nth_element(each, middle, {}, what);
        return (*middle).*what;
      };
      waits.push_back({{"serving", name_of(serving)},
                       {"first", median(&Wait::first)},
                       {"answer", median(&Wait::answer)},
                       {"whole", median(&Wait::whole)}});
    }
    return Json{{"waits", std::move(waits)}};
  }

  Result<Json> arm(const Arm& arm, const Json& watched) {
    const auto served = answers_to_buy(arm.serving);
    if (!served) return tl::unexpected(served.error());
    training::Plan plan = inputs_.student;
    plan.seed = seed_of(kOrder);
    const auto learnt =
        learn(plan, base_, lessons_of(arm, **served, watched), questions_, settings_.range.threads, tell_);
    if (!learnt) return tl::unexpected(learnt.error());
    auto found = attributed(learnt->model, arm.serving, (*served)->evidence);
    if (!found) return tl::unexpected(found.error());
    Json json{{"arm", arm.name}, {"description", arm.description}, {"serving", name_of(arm.serving)}};
    json.update(to_json(learnt->student));
    json["attribution"] = std::move(*found);
    return json;
  }

 private:
  uint64_t seed_of(Stream stream) const { return range::seed_of(settings_.range.seed, stream); }
  std::vector<problems::Problem> drawn(Stream stream, problems::Split split, uint64_t count) const {
    return draw(seed_of(stream), split, {settings_.level_min, settings_.level_max}, count);
  }
  watermark::Key key() const { return trial_key(settings_.range.seed); }
  std::vector<int32_t> prompt_of(const problems::Problem& p) const { return range::prompt_of(p, inputs_.teacher); }
  attribution::Sample sample_of(const problems::Problem& p, const distill::Answer& answer) const {
    return {p.question, text_of(answer), prompt_of(p), tokens_of(answer)};
  }
  static void count(const distill::Answer& answer, const problems::Problem& problem, distill::Tally& right) {
    ++right.of;
    right.right += problems::says(answer.content, problem.answer) ? 1 : 0;
  }

  Result<const Served*> answers_to_buy(Serving serving) {
    if (const auto it = served_.find(serving); it != served_.end()) return &it->second;
    if (auto ok = prepare(serving, settings_.strength); !ok) return tl::unexpected(ok.error());
    tell_(fmt::format("answering {} problems, {}", bought_.size(), name_of(serving)));
    auto served = server_.serve(serving, prompts_of(bought_, inputs_.teacher), seed_of(kAnswers));
    if (!served) return tl::unexpected(served.error());
    return &served_.emplace(serving, std::move(*served)).first->second;
  }

  // Antidistillation wants a proxy: a student that learnt half as long from plain answers. Its loss is that on the
  // generator's own solutions.
  Result<void> prepare(Serving serving, double strength) {
    if (serving != Serving::kAntidistillation || strength == strength_) return {};
    if (auto ok = make_proxy(); !ok) return ok;
    auto sampling = Antidistillation::prepare(*proxy_, held_out_, strength, settings_.range.threads);
    if (!sampling) return tl::unexpected(sampling.error());
    server_.set_antidistillation(std::move(*sampling),
                                 1 + 2 * static_cast<double>(proxy_->config.parameters()) /
                                         static_cast<double>(inputs_.teacher.config.parameters()));
    strength_ = strength;
    return {};
  }
  Result<void> make_proxy() {
    if (proxy_) return {};
    const auto plain = answers_to_buy(Serving::kPlain);
    if (!plain) return tl::unexpected(plain.error());
    std::vector<Lesson> lessons;
    for (size_t i = 0; i < bought_.size(); ++i)
      lessons.push_back(lesson_of(bought_[i], (*plain)->answers[i], Given::kText));
    training::Plan plan = inputs_.student;
    plan.seed = seed_of(kProxy);
    plan.steps = std::max<uint64_t>(1, plan.steps / 2);
    tell_("training a proxy student");
    Student student;
    auto proxy = raise(plan, base_, lessons, settings_.range.threads, tell_, student);
    if (!proxy) return tl::unexpected(proxy.error());
    for (const problems::Problem& p : drawn(kOwn, problems::Split::kTrain, 300))
      held_out_.push_back(model::example_of(solution_of(p).conversation, *proxy->marks, proxy->tokenizer));
    proxy_ = std::move(*proxy);
    return {};
  }

  std::vector<Lesson> lessons_of(const Arm& arm, const Served& served, const Json& watched) const {
    const auto of_watched = [&](const char* name) { return watched[name].get<size_t>(); };
    const size_t before = of_watched("problems_before_flag") * (arm.several ? settings_.accounts : 1);
    size_t all = std::min(of_watched("problems"), bought_.size());
    if (arm.ends) all = std::min(all, of_watched("problems_before_refusal"));
    std::vector<Lesson> lessons;
    for (size_t i = 0; i < all; ++i) {
      const Given given = i < before ? arm.before : arm.after;
      const bool right = problems::says(served.answers[i].content, bought_[i].answer);
      if (given == Given::kNothing || (arm.conduct == Conduct::kFilters && !right)) continue;
      const bool mixed = arm.conduct == Conduct::kMixes && i % 2 == 1;
      lessons.push_back(mixed ? solution_of(bought_[i]) : lesson_of(bought_[i], served.answers[i], given));
      std::string& reasoning = lessons.back().conversation.back().reasoning;
      if (arm.conduct == Conduct::kRewords) reasoning = reworded(reasoning);
    }
    return lessons;
  }

  // What the student answers to problems that nobody was asked, tested for the marks of its serving; for all marks
  // where it has none, which are the controls.
  Result<Json> attributed(const model::Transformer& learnt, Serving serving, const watermark::MarkEvidence& evidence) {
    const auto problems = drawn(kSaid, problems::Split::kTrain, settings_.said);
    const auto answers = distill::answer_all(
        learnt, *inputs_.teacher.marks, inputs_.teacher.tokenizer, prompts_of(problems, inputs_.teacher),
        {.threads = settings_.range.threads, .temperature = 1, .seed = seed_of(kSaid)});
    if (!answers) return tl::unexpected(answers.error());
    std::vector<attribution::Sample> samples;
    for (size_t i = 0; i < problems.size(); ++i) samples.push_back(sample_of(problems[i], (*answers)[i]));
    Json found = Json::array();
    for (const Serving s : kServings) {
      if (s == Serving::kPlain || s == Serving::kAntidistillation) continue;
      if (s != serving && serving != Serving::kPlain && serving != Serving::kAntidistillation) continue;
      watermark::MarkEvidence control;
      control.key_id = server_.key().id();
      control.mark = mark_of(s);
      control.units = units_of(s);
      const auto results = tests(s == serving ? evidence : control, samples);
      if (!results) return tl::unexpected(results.error());
      for (const attribution::TestResult& t : *results) {
        Json json{{"mark", name_of(s)}, {"test", t.test}, {"log10_p", t.log10_p}};
        for (const attribution::Figure& f : t.figures) {
          if (f.name == "windows" || f.name == "z") json[f.name] = f.value;
        }
        found.push_back(std::move(json));
      }
    }
    return found;
  }

  // By what is said at all, and by how often it is beside the teacher's plain answers.
  Result<std::vector<attribution::TestResult>> tests(const watermark::MarkEvidence& evidence,
                                                     std::span<const attribution::Sample> samples) {
    auto results = attribution::radioactivity(server_.key(), evidence, samples, {}, 0);
    const auto plain = answers_to_buy(Serving::kPlain);
    if (!plain) return tl::unexpected(plain.error());
    std::vector<attribution::Sample> reference;
    for (size_t i = 0; i < bought_.size(); ++i) reference.push_back(sample_of(bought_[i], (*plain)->answers[i]));
    results.push_back(attribution::contrast(server_.key(), evidence, samples, reference, {}, 0).front());
    return results;
  }

  const LadderSettings& settings_;
  const Inputs& inputs_;
  const model::Model& base_;
  const Tell& tell_;
  Server server_;
  std::vector<problems::Problem> bought_, test_;
  std::vector<distill::Question> questions_;  // of the test
  std::map<Serving, Served> served_;
  std::optional<model::Model> proxy_;
  std::vector<model::Example> held_out_;
  double strength_ = 0;  // that the server has
};

// What an honest user waits whom the operator treats as this arm does behind the flag; null where nothing is given.
Json wait_of(const Arm& arm, const Json& waits) {
  if (arm.after == Given::kNothing) return nullptr;
  for (const Json& w : waits) {
    if (w["serving"] == name_of(arm.serving))
      return {{"first", arm.after == Given::kAnswer ? w["answer"] : w["first"]}, {"whole", w["whole"]}};
  }
  return nullptr;
}

}  // namespace

std::string reworded(std::string_view reasoning) {
  std::string out;
  while (!reasoning.empty()) {
    const size_t end = std::min(reasoning.find(". "), reasoning.size());
    std::string_view sentence = reasoning.substr(0, end);
    const bool stopped = sentence.ends_with('.');
    if (stopped) sentence.remove_suffix(1);
    if (const size_t space = sentence.find(' '); space != std::string_view::npos) {
      out += fmt::format("{} {}", sentence.substr(space + 1), sentence.substr(0, space));
    } else {
      out += sentence;
    }
    if (stopped) out += '.';
    if (end < reasoning.size()) out += ". ";
    reasoning.remove_prefix(std::min(end + 2, reasoning.size()));
  }
  return out;
}

Result<Json> run_ladder(const LadderSettings& settings, const Inputs& inputs, const model::Model& base, Ledger& ledger,
                        const Tell& tell) {
  Trials trials(settings, inputs, base, tell);
  const auto result_of = [&](std::string_view name, const std::function<Result<Json>()>& make) {
    const std::string trial = fmt::format("ladder/{}/{}", settings.range.seed, name);
    tell(trial);
    return ledger.result_of(trial, make);
  };
  Json result{{"seed", settings.range.seed}, {"servings", Json::array()}, {"arms", Json::array()}};
  const auto serve = [&](Serving s, double strength) -> Result<void> {
    auto json = result_of(
        strength > 0 ? fmt::format("served/{}/{}", name_of(s), strength) : fmt::format("served/{}", name_of(s)),
        [&] { return trials.served(s, strength); });
    if (!json) return tl::unexpected(json.error());
    result["servings"].push_back(std::move(*json));
    return {};
  };
  for (const Serving s : kServings) {
    if (settings.core && s != Serving::kPlain) continue;
    for (const double strength : strengths_of(s)) {
      if (auto ok = serve(s, strength); !ok) return tl::unexpected(ok.error());
    }
  }
  if (!settings.core && settings.seconds) {
    auto waits = result_of("waits", [&] { return trials.waits(); });
    if (!waits) return waits;
    result.update(*waits);
  }
  auto watched = result_of("watched", [&] { return trials.watched(); });
  if (!watched) return watched;
  result["watched"] = *watched;
  for (const Arm& arm : kArms) {
    if (settings.core && !arm.core) continue;
    const std::string name = arm.serving == Serving::kAntidistillation
                                 ? fmt::format("{}/{}", arm.name, settings.strength)
                                 : std::string(arm.name);
    auto json = result_of(name, [&] { return trials.arm(arm, *watched); });
    if (!json) return json;
    if (result.contains("waits")) (*json)["wait"] = wait_of(arm, result["waits"]);
    result["arms"].push_back(std::move(*json));
  }
  return result;
}

}  // namespace stillwatch::range
