#include <gtest/gtest.h>

#include <set>

#include "distill/test_models.h"
#include "range/harvest_curve.h"
#include "range/inheritance.h"
#include "range/ladder.h"
#include "range/trials_report.h"

namespace stillwatch::range {
namespace {

base::Result<void> forget(std::string_view) {
  return {};
}

TEST(Ledger, GoesOnWhereItWas) {
  std::string file;
  const auto append = [&](std::string_view line) -> base::Result<void> {
    file += line;
    return {};
  };
  const Json terms{{"seed", 1}};
  int made = 0;
  const auto make = [&]() -> base::Result<Json> { return Json{{"right", ++made}}; };
  {
    Ledger ledger = Ledger::open(file, "trials.jsonl", terms, append).value();
    EXPECT_EQ(ledger.result_of("a", make).value()["right"], 1);
    EXPECT_EQ(ledger.result_of("a", make).value()["right"], 1);
  }
  Ledger again = Ledger::open(file, "trials.jsonl", terms, append).value();
  EXPECT_EQ(again.result_of("a", make).value()["right"], 1);
  EXPECT_EQ(again.result_of("b", make).value()["right"], 2);
  EXPECT_FALSE(Ledger::open(file, "trials.jsonl", {{"seed", 2}}, append));
  EXPECT_FALSE(Ledger::open("no json\n", "trials.jsonl", terms, append));
  const auto bad = Ledger::open(file + "{}\n", "trials.jsonl", terms, append);
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("trials.jsonl:4"), std::string::npos) << bad.error().message;
}

TEST(Ledger, SaysWhichFieldOfWhichLineIsDamaged) {
  const auto why = [](const std::string& trial, const std::string& result) {
    const std::string file = "{\"terms\":{}}\n{\"trial\":\"nobody/1/x\",\"result\":7}\n{\"trial\":\"" + trial +
                             "\",\"result\":" + result + "}\n";
    const auto ledger = Ledger::open(file, "trials.jsonl", Json::object(), forget);
    return ledger ? "" : ledger.error().message;
  };
  const std::string served = R"({"serving":"plain","strength":0.0,"tokens":9,"tokens_in_turn":9,"compute":1.0,"exam":)";
  EXPECT_EQ(why("ladder/1/served/plain", served + R"({"right":4,"asked":5}})"), "");
  EXPECT_EQ(why("ladder/1/served/plain", served + R"({"right":"4","asked":5}})"),
            "trials.jsonl:3: ladder/1/served/plain: exam.right: a count is wanted");
  EXPECT_EQ(why("ladder/1/served/plain", served + R"({"right":-4,"asked":5}})"),
            "trials.jsonl:3: ladder/1/served/plain: exam.right: a count is wanted");
  EXPECT_EQ(why("ladder/1/served/plain", served + R"({"right":6,"asked":5}})"),
            "trials.jsonl:3: ladder/1/served/plain: exam.right: 6 of 5 cannot be");
  EXPECT_EQ(why("ladder/1/none", "[]"), "trials.jsonl:3: ladder/1/none: an object is wanted");
  EXPECT_EQ(why("ladder/1/watched", R"({"problems":1,"problems_before_flag":1,"problems_before_refusal":1,)"
                                    R"("honest":{"classes":{"people":{"accounts":3}}}})"),
            "trials.jsonl:3: ladder/1/watched: honest.classes.people.flagged: it is missing");
  EXPECT_EQ(why("ladder/1/green", R"({"arm":"green","description":"","serving":"green","problems":1,"whole":0,)"
                                  R"("exam":{"right":1,"asked":2},"attribution":[{"mark":"green","test":"contrast",)"
                                  R"("log10_p":null}]})"),
            "trials.jsonl:3: ladder/1/green: attribution[0].log10_p: a number is wanted");
  EXPECT_EQ(why("inheritance/1/clean/0", R"({"log10_p":{"green-1/0.05":{"radioactivity":0}}})"),
            "trials.jsonl:3: inheritance/1/clean/0: log10_p.green-1/0.05.radioactivity-filtered: it is missing");
  const std::string tests = R"("radioactivity":-1.5,"radioactivity-filtered":0,"contrast":0,"contrast-filtered":0)";
  EXPECT_EQ(why("inheritance/1/clean/0", R"({"log10_p":{"drafts-4-2/1":{)" + tests + "}}}"), "");
  EXPECT_EQ(why("inheritance/1/clean/0", R"({"log10_p":{"green-1/0.05":{"reading":"0",)" + tests + "}}}"),
            "trials.jsonl:3: inheritance/1/clean/0: log10_p.green-1/0.05.reading: a number is wanted");
}

TEST(Ladder, RewordsWorking) {
  EXPECT_EQ(reworded("Tom 3*5=15. Ann 15*2=30."), "3*5=15 Tom. 15*2=30 Ann.");
  EXPECT_EQ(reworded("15"), "15");
  EXPECT_EQ(reworded(""), "");
}

training::Recipe tiny() {
  training::Recipe r = distill::test::small_recipe();
  r.vocabulary = 300;
  r.shape.context = 256;
  r.plan.steps = 2;
  return r;
}

TEST(Ladder, TriesEveryArmOnce) {
  std::vector<model::Conversation> rows;
  problems::Generator generator(1, problems::Split::kTrain);
  for (int i = 0; i < 50; ++i) {
    const problems::Problem p = generator.next();
    rows.push_back({{model::Role::kUser, p.question, {}}, {model::Role::kAssistant, p.answer, p.reasoning}});
  }
  const model::Model teacher =
      training::fresh_model(tiny(), training::fit_tokenizer(rows, 300), model::ChatTemplate::own());
  const auto prompts = population::Prompts::load({STILLWATCH_SOURCE_DIR "/data/prompts"}).value();
  const auto population = [](const std::string& groups) {
    return population::Config::parse("duration_days: 8\nseed: 3\ngroups:\n" + groups, "test").value();
  };
  const Inputs inputs{teacher, tiny().plan,
                      population("  - {class: people, accounts: 320, exchanges_median: 45, exchanges_sigma: 0.3}\n"),
                      population("  - {class: people, accounts: 30, exchanges_median: 40}\n"
                                 "  - {class: harvest, accounts: 1, exchanges_median: 400, rhythm: flat}\n"),
                      prompts};
  std::string file;
  const auto append = [&](std::string_view line) -> base::Result<void> {
    file += line;
    return {};
  };
  const auto silent = [](const std::string&) {};
  const model::Model base = make_base(tiny(), teacher, 1, silent).value();
  Ledger ledger = Ledger::open("", "trials.jsonl", {}, append).value();
  double now = 0;
  const LadderSettings settings{
      .range = {.problems = 10, .test_problems = 4}, .said = 4, .seconds = [&now] { return ++now; }};
  const Json first = run_ladder(settings, inputs, base, ledger, silent).value();
  std::set<std::string> arms;
  for (const Json& arm : first["arms"]) {
    EXPECT_EQ(arm["exam"]["asked"], 4) << arm["arm"];
    EXPECT_TRUE(arms.insert(arm["arm"]).second) << arm["arm"];
  }
  EXPECT_EQ(arms.size(), 16u);
  ASSERT_EQ(first["waits"].size(), kServings.size());
  for (const Json& wait : first["waits"]) {
    EXPECT_GT(wait["first"], 0) << wait;
    EXPECT_LE(wait["first"], wait["answer"]) << wait;
    EXPECT_LE(wait["answer"], wait["whole"]) << wait;
    // Of drafts nothing comes before all.
    EXPECT_EQ(wait["first"] == wait["whole"], wait["serving"] == "drafts") << wait;
  }
  const std::set<std::string> unanswered{"untaught", "refused", "refused-accounts"};
  for (const Json& arm : first["arms"]) EXPECT_EQ(arm["wait"].is_null(), unanswered.contains(arm["arm"])) << arm["arm"];
  const std::string once = file;
  Ledger again = Ledger::open(file, "trials.jsonl", {}, append).value();
  EXPECT_EQ(run_ladder(settings, inputs, base, again, silent).value(), first);
  EXPECT_EQ(file, once);  // nothing was tried again
  const CurveSettings few{.exchanges = {2, 5}, .test_problems = 4};
  const Json curve = run_curve(few, inputs, base, again, silent).value();
  ASSERT_EQ(curve["points"].size(), 8u);
  EXPECT_EQ(curve["points"][1]["problems"], 5);
  EXPECT_EQ(curve["points"][1]["whole"], 0);
  EXPECT_EQ(curve["points"][5]["whole"], 5);  // log-probabilities
  const std::string html = to_html({{}, {first}, {curve}});
  EXPECT_NE(html.find("reasoning-withheld"), std::string::npos);
  EXPECT_NE(html.find("solutions"), std::string::npos);
}

// A writer with a token that begins texts, for whom every token is as likely as another.
model::Model writer() {
  model::Model m = distill::test::fitted(distill::test::sums(2));
  m.config.bos = m.config.eos.front();
  for (auto& [name, tensor] : m.weights) std::fill(tensor.values.begin(), tensor.values.end(), 0.0F);
  return m;
}

TEST(Writing, IsMarkedAndTheSameForTheSameSeed) {
  const model::Model m = writer();
  const model::Transformer transformer(m.config, m.weights);
  const watermark::Mark mark{.context = 1, .delta = 5};
  const watermark::Key key = watermark::control_key(7);
  WriteOptions options{.texts = 70, .tokens_max = 30};
  const auto green_share = [&](const std::vector<Text>& texts) {
    double green = 0, of = 0;
    for (const Text& t : texts) {
      for (size_t i = 1; i < t.size(); ++i) {
        const watermark::Unit window[] = {static_cast<uint32_t>(t[i - 1]), static_cast<uint32_t>(t[i])};
        green += watermark::is_green(mark, key.prf(window));
        ++of;
      }
    }
    return green / of;
  };
  const auto plain = write_texts(transformer, options).value();
  EXPECT_EQ(plain, write_texts(transformer, options).value());
  EXPECT_NEAR(green_share(plain), 0.5, 0.1);
  options.mark = TokenMark{key, mark};
  EXPECT_GT(green_share(write_texts(transformer, options).value()), 0.9);
}

TEST(Inheritance, TriesEveryMarkAndTheCleanStudents) {
  const model::Model m = writer();
  training::Recipe recipe = tiny();
  recipe.shape.context = 64;
  Ledger ledger = Ledger::open("", "trials.jsonl", {}, forget).value();
  const InheritanceSettings settings{
      .texts = 100, .said = 5, .text_tokens = 20, .clean_students = 2, .clean_texts = 50, .wrong_keys = 5};
  const Json result = run_inheritance(settings, recipe, recipe.plan, m, ledger, [](const std::string&) {}).value();
  EXPECT_EQ(result["marked"].size(), marked_shares().size());
  EXPECT_EQ(result["clean"].size(), 2u);
  for (const Json& mark : result["marked"]) {
    // A draft of twenty tokens carries too little for five texts to tell.
    const bool drafts = mark["scheme"] == "drafts-4";
    if (!drafts) {
      EXPECT_LT(mark["of_marked_texts"]["log10_p"], -1) << mark;
    }
    EXPECT_EQ(mark.contains("reading-contrast"), !drafts);
    EXPECT_EQ(mark.contains("reading-contrast-base"), !drafts);
    EXPECT_EQ(mark["contrast"]["wrong_keys"]["count"], 5);
  }
  EXPECT_NE(to_terminal({result, {}, {}}).find("clean students"), std::string::npos);
  model::Model silent = m;
  silent.config.bos = -1;
  EXPECT_FALSE(run_inheritance(settings, recipe, recipe.plan, silent, ledger, [](const std::string&) {}));
}

TEST(Antidistillation, PrefersWhatRaisesTheProxysLoss) {
  // A proxy that knows its sums, and is to know them no longer: what it holds right must fall.
  const model::Model proxy = distill::test::fitted(distill::test::sums(4));
  const auto rows = distill::test::sums(4);
  const auto held_out = distill::test::examples_of(rows, proxy);
  const auto sampling = Antidistillation::prepare(proxy, held_out, 1, 1).value();
  const auto hook = sampling.hook();
  const auto right = held_out.front().tokens;
  double raised = 0;
  for (size_t i = 1; i < right.size(); ++i) {
    if (!held_out.front().scored[i]) continue;
    std::vector<float> logits(static_cast<size_t>(proxy.config.vocab_size), 0);
    hook(std::span(right).first(i), logits);
    raised += logits[static_cast<size_t>(right[i])];
  }
  EXPECT_LT(raised, 0);
}

}  // namespace
}  // namespace stillwatch::range
