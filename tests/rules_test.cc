// No rule of detection may match what the project itself ships or simulates: else the demo would find its own phrases.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "features/kinds.h"
#include "population/agent.h"
#include "population/prompts.h"
#include "population/wording.h"

namespace {

using Json = nlohmann::json;
using stillwatch::base::Random;
namespace features = stillwatch::features;
namespace population = stillwatch::population;

void expect_clean(std::string_view text) {
  std::vector<features::Token> tokens;
  features::tokenize(text, tokens);
  const uint32_t kinds = features::kinds_of(tokens);
  for (const features::Kind k :
       {features::Kind::kReasoning, features::Kind::kGrading, features::Kind::kGeneration, features::Kind::kPersona,
        features::Kind::kTrajectory, features::Kind::kProbing, features::Kind::kInstruction}) {
    EXPECT_FALSE((kinds >> static_cast<int>(k)) & 1) << features::name_of(k) << ": " << text;
  }
}

std::string unescaped(std::string_view text) {
  return Json::parse(fmt::format("\"{}\"", text)).get<std::string>();
}

TEST(Rules, MatchNothingThatShips) {
  const auto prompts = population::Prompts::load({STILLWATCH_SOURCE_DIR "/data/prompts"});
  ASSERT_TRUE(prompts) << prompts.error().message;
  size_t turns = 0;
  for (const population::Source& source : prompts->sources) {
    for (const population::Conversation& c : source.conversations) {
      for (const population::Spoken& turn : c.turns) {
        if (turn.assistant) continue;
        expect_clean(unescaped(turn.text));
        ++turns;
      }
    }
  }
  EXPECT_GT(turns, 5000u);
}

TEST(Rules, MatchNothingThatTheSimulatorAdds) {
  for (size_t i = 0; i < population::kFrames; ++i) {
    expect_clean(unescaped(fmt::format(fmt::runtime(population::frame(i)), "tides")));
  }
  Random random(1);
  for (int i = 0; i < 200; ++i) {
    expect_clean(population::labelling_instruction(random));
    expect_clean(population::bot_system_prompt(random));
    population::Agent agent(random);
    population::Request request;
    agent.next({}, random, request);
    expect_clean(request.system);
    expect_clean(request.turns.front().text);
  }
}

}  // namespace
