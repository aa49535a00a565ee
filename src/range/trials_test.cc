#include <gtest/gtest.h>

#include "distill/test_models.h"
#include "range/inheritance.h"
#include "range/ladder.h"

namespace stillwatch::range {
namespace {

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

TEST(Ladder, RewordsWorking) {
  EXPECT_EQ(reworded("Tom 3*5=15. Ann 15*2=30."), "3*5=15 Tom. 15*2=30 Ann.");
  EXPECT_EQ(reworded("15"), "15");
  EXPECT_EQ(reworded(""), "");
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
