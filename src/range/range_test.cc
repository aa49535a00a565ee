#include "range/range.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "distill/test_models.h"
#include "problems/problem.h"
#include "range/loop_report.h"

namespace stillwatch::range {
namespace {

using Json = nlohmann::json;

const population::Prompts& prompts() {
  static const population::Prompts loaded = population::Prompts::load({STILLWATCH_SOURCE_DIR "/data/prompts"}).value();
  return loaded;
}

population::Config population_of(std::string_view groups) {
  return population::Config::parse("duration_days: 8\nseed: 3\ngroups:\n" + std::string(groups), "test").value();
}

population::Config honest() {
  return population_of("  - {class: people, accounts: 320, exchanges_median: 45, exchanges_sigma: 0.3}\n");
}

population::Config live(uint32_t harvesters = 1) {
  return population_of("  - {class: people, accounts: 30, exchanges_median: 40}\n  - {class: harvest, accounts: " +
                       std::to_string(harvesters) + ", exchanges_median: 400, rhythm: flat}\n");
}

std::vector<Bought> bought(size_t n) {
  std::vector<Bought> out;
  problems::Generator generator(1, problems::Split::kTrain);
  for (size_t i = 0; i < n; ++i) {
    const problems::Problem p = generator.next();
    out.push_back({p.question, p.reasoning, p.answer, {}, 40});
  }
  return out;
}

training::Recipe tiny(uint64_t steps) {
  training::Recipe r = distill::test::small_recipe();
  r.vocabulary = 300;
  r.shape.context = 256;
  r.plan.steps = steps;
  return r;
}

model::Model teacher() {
  std::vector<model::Conversation> rows;
  for (const Bought& b : bought(50))
    rows.push_back({{model::Role::kUser, b.question, {}}, {model::Role::kAssistant, b.answer, b.reasoning}});
  const training::Recipe recipe = tiny(1);
  return training::fresh_model(recipe, training::fit_tokenizer(rows, recipe.vocabulary), model::ChatTemplate::own());
}

TEST(Operator, SeesTheProblemsAmongWhatTheHarvesterAsks) {
  const auto baseline = learn_honest(honest(), prompts()).value();
  const auto all = bought(200);
  const Seen seen = watch(live(), prompts(), baseline, all, 0.25).value();
  EXPECT_EQ(seen.honest_accounts, 30u);
  ASSERT_EQ(seen.harvester.exchanges, 400u);
  ASSERT_EQ(seen.bought_at.size(), 100u);  // a quarter
  EXPECT_EQ(seen.bought_at.front(), 4u);
  EXPECT_EQ(seen.bought_at.back(), 400u);
  // What it asks decides, not who it is: as many problems as it has of other things look like something else.
  const Seen narrow = watch(live(), prompts(), baseline, bought(1000), 1).value();
  EXPECT_EQ(narrow.bought_at.size(), 400u);
  EXPECT_NE(narrow.harvester.evidence.score, seen.harvester.evidence.score);
  // No more than there is to buy.
  EXPECT_EQ(watch(live(), prompts(), baseline, bought(10), 1)->bought_at.size(), 10u);
}

TEST(Operator, WantsOneAccountThatDistils) {
  const auto baseline = signals::Baseline::reference();
  EXPECT_FALSE(watch(honest(), prompts(), baseline, bought(1), 1));
  EXPECT_FALSE(watch(live(2), prompts(), baseline, bought(1), 1));
}

TEST(Range, GivesTheSameReportForTheSameSeed) {
  const model::Model model = teacher();
  const auto silent = [](const std::string&) {};
  const model::Model base = make_base(tiny(2), model, 1, silent).value();
  const auto report = [&](uint64_t seed) {
    const Loop loop = run({.seed = seed, .problems = 20, .test_problems = 4},
                          {model, tiny(2).plan, honest(), live(), prompts()}, base, silent)
                          .value();
    EXPECT_NE(to_html(loop).find("</html>"), std::string::npos);
    return to_json(loop);
  };
  const std::string first = report(1);
  EXPECT_EQ(first, report(1));
  EXPECT_NE(first, report(2));
  const Json json = Json::parse(first);
  EXPECT_EQ(json["harvest"]["problems"], 20);
  EXPECT_EQ(json["students"].front()["student"], "undefended");
  EXPECT_EQ(json["students"].back()["student"], "untaught");
  EXPECT_EQ(json["students"].front()["training_tokens"].get<int>() > 0, true);
  EXPECT_EQ(json["students"].back()["training_tokens"], 0);
}

TEST(Range, TellsWhatAFlagCostsTheStudent) {
  Loop loop;
  const auto student = [&](std::string name, size_t right) {
    Student s;
    s.name = std::move(name);
    s.exam.all = {right, 100};
    loop.students.push_back(std::move(s));
  };
  student("undefended", 60);
  student("refused", 20);
  student("untaught", 10);
  EXPECT_DOUBLE_EQ(share_of_gain(loop, loop.students[0]), 1);
  EXPECT_DOUBLE_EQ(share_of_gain(loop, loop.students[1]), 0.2);
  EXPECT_DOUBLE_EQ(share_of_gain(loop, loop.students[2]), 0);
  loop.seen.harvester.flagged = true;
  loop.seen.harvester.flagged_after = 320;
  loop.seen.harvester.exchanges = 2000;
  EXPECT_NE(to_terminal(loop).find("flagged after 320 of its 2,000"), std::string::npos) << to_terminal(loop);
}

}  // namespace
}  // namespace stillwatch::range
