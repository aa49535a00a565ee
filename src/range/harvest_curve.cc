#include "range/harvest_curve.h"

#include <fmt/format.h>

#include <algorithm>

#include "range/course.h"
#include "range/writing.h"

namespace stillwatch::range {
namespace {

using base::Result;

struct Interface {
  std::string_view name;
  std::optional<Given> given;  // nothing: the generator's own solutions, no teacher
};
constexpr Interface kInterfaces[] = {{"answers", Given::kAnswer},
                                     {"reasoning", Given::kText},
                                     {"log-probabilities", Given::kAll},
                                     {"solutions", std::nullopt}};

}  // namespace

Result<Json> run_curve(const CurveSettings& settings, const Inputs& inputs, const model::Model& base, Ledger& ledger,
                       const Tell& tell) {
  const Syllabus syllabus{settings.level_min, settings.level_max};
  const auto wanted =
      draw(seed_of(settings.seed, kQuestions), problems::Split::kTrain, syllabus, std::ranges::max(settings.exchanges));
  const auto test =
      questions_of(draw(seed_of(settings.seed, kTest), problems::Split::kTest, syllabus, settings.test_problems));
  training::Plan plan = inputs.student;
  plan.seed = seed_of(settings.seed, kOrder);
  std::vector<distill::Answer> answers;  // when they are first asked for
  const auto answered = [&]() -> Result<void> {
    if (!answers.empty()) return {};
    tell(fmt::format("answering {} problems", wanted.size()));
    const Server server(inputs.teacher, trial_key(settings.seed),
                        {.logprobs = kAlternatives, .threads = settings.threads});
    auto served = server.serve(Serving::kPlain, prompts_of(wanted, inputs.teacher), seed_of(settings.seed, kAnswers));
    if (!served) return tl::unexpected(served.error());
    answers = std::move(served->answers);
    return {};
  };
  const auto point = [&](const Interface& interface, uint64_t exchanges) -> Result<Json> {
    if (interface.given) {
      if (auto ok = answered(); !ok) return tl::unexpected(ok.error());
    }
    std::vector<Lesson> lessons;
    for (uint64_t i = 0; i < exchanges; ++i)
      lessons.push_back(interface.given ? lesson_of(wanted[i], answers[i], *interface.given) : solution_of(wanted[i]));
    const auto learnt = learn(plan, base, lessons, test, settings.threads, tell);
    if (!learnt) return tl::unexpected(learnt.error());
    return to_json(learnt->student);
  };
  std::vector<uint64_t> sizes = settings.exchanges;
  std::ranges::sort(sizes);
  Json curve{{"seed", settings.seed}, {"points", Json::array()}};
  for (const Interface& interface : kInterfaces) {
    for (const uint64_t exchanges : sizes) {
      const std::string trial = fmt::format("curve/{}/{}/{}", settings.seed, interface.name, exchanges);
      tell(trial);
      auto result = ledger.result_of(trial, [&] { return point(interface, exchanges); });
      if (!result) return result;
      Json json{{"interface", interface.name}, {"exchanges", exchanges}};
      json.update(*result);
      curve["points"].push_back(std::move(json));
    }
  }
  return curve;
}

}  // namespace stillwatch::range
