#include "range/trials_report.h"

#include <gtest/gtest.h>

namespace stillwatch::range {
namespace {

Json exam(int right) {
  return {{"right", right}, {"asked", 100}};
}

Json ladder(int none, int withheld, int untaught) {
  const auto arm = [](const char* name, int right) {
    return Json{{"arm", name}, {"description", ""},   {"serving", "plain"},          {"problems", 10},
                {"whole", 10}, {"exam", exam(right)}, {"attribution", Json::array()}};
  };
  return {{"arms", {arm("none", none), arm("reasoning-withheld", withheld), arm("untaught", untaught)}},
          {"servings", Json::array()},
          {"watched", {{"honest", {{"classes", {{"people", {{"accounts", 9}, {"flagged", none == 60 ? 1 : 0}}}}}}}}}};
}

Json curve(std::initializer_list<std::pair<int, int>> points) {
  Json json{{"points", Json::array()}};
  for (const auto& [exchanges, right] : points)
    json["points"].push_back({{"interface", "answers"}, {"exchanges", exchanges}, {"exam", exam(right)}});
  return json;
}

TEST(TrialsReport, HoldsTheScatterBetweenSeeds) {
  const std::string text = to_terminal({{}, {ladder(40, 10, 2), ladder(50, 10, 2), ladder(60, 10, 2)}, {}});
  EXPECT_NE(text.find("50.0 % (25.2 to 74.8)"), std::string::npos) << text;  // 4.303 * 10 / sqrt(3) about it
  EXPECT_NE(text.find("40, 50, 60"), std::string::npos);
  EXPECT_NE(text.find("17 %"), std::string::npos);  // 8 of the 48 that are gained
  EXPECT_NE(text.find("0 of 9, 0 of 9, 1 of 9"), std::string::npos);
}

TEST(TrialsReport, ReadsOffExchangesToReachTheUndefended) {
  const Json undefended = ladder(50, 10, 2);  // 90 %: 45
  const auto reached = [&](const Json& c) { return to_terminal({{}, {undefended}, {c}}); };
  EXPECT_NE(reached(curve({{100, 30}, {10'000, 60}})).find("answers    1000"), std::string::npos);
  EXPECT_NE(reached(curve({{100, 30}, {10'000, 40}})).find("not by 10000"), std::string::npos);
  EXPECT_NE(reached(curve({{100, 46}, {10'000, 60}})).find("at most 100"), std::string::npos);
}

}  // namespace
}  // namespace stillwatch::range
