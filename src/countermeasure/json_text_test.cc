#include "countermeasure/json_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/random.h"

namespace stillwatch::countermeasure {
namespace {

TEST(JsonText, EditsInPlaceAndTouchesNothingElse) {
  const std::string text = "{ \"a\" : [1.50, {\"b\":\"x\\ny\"}],\n\"c\":null, \"n\": 1e-05 }";
  auto json = JsonText::parse(text);
  ASSERT_TRUE(json);
  EXPECT_EQ(json->str(), text);
  const JsonText::Node b = json->at(json->next(json->first(json->at(0, "a"))), "b");
  EXPECT_EQ(json->text(b), "x\ny");
  json->replace_text(b, "\"\\\x01z");
  json->replace(json->at(0, "c"), "[]");
  EXPECT_EQ(json->str(), "{ \"a\" : [1.50, {\"b\":\"\\\"\\\\\\u0001z\"}],\n\"c\":[], \"n\": 1e-05 }");
  json->replace(json->at(0, "a"), "0");  // and what was edited within goes
  EXPECT_EQ(json->str(), "{ \"a\" : 0,\n\"c\":[], \"n\": 1e-05 }");
}

TEST(JsonText, ReadsNamesAndStringsHoweverTheyAreSpelt) {
  const auto json = JsonText::parse(R"({"k":1,"\u006b":"\ud83d\ude00\u00e9\/\ud800"})");
  ASSERT_TRUE(json);
  EXPECT_EQ(json->text(json->at(0, "k")), "\xf0\x9f\x98\x80\xc3\xa9/\xef\xbf\xbd");
  EXPECT_EQ(json->at(0, "missing"), JsonText::kNone);
  EXPECT_EQ(json->at(json->at(0, "missing"), "k"), JsonText::kNone);
  EXPECT_TRUE(JsonText::parse(R"({"type":"x"})")->is(0, "type", "x"));
}

TEST(JsonText, AgreesWithAParserAboutWhatIsJson) {
  base::Random random(5);
  const std::string_view pieces[] = {"{",       "}",  "[",       "]",  ",",  ":",    "\"a\"", "\"\\u00e9\"",
                                     "\"\\x\"", "1",  "-0.5e-3", "01", "-",  "true", "nul",   "null",
                                     " ",       "\n", "\"",      "1.", ".5", "\x01", "1e"};
  int valid = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string text;
    for (uint64_t i = 1 + random.below(7); i > 0; --i) text += pieces[random.below(std::size(pieces))];
    const bool is_json = nlohmann::json::accept(text);
    valid += is_json;
    // Numbers with a leading zero are let through: nothing here depends on them.
    if (text.find("01") == text.npos) {
      ASSERT_EQ(JsonText::parse(text).has_value(), is_json) << text;
    }
  }
  EXPECT_GT(valid, 1000);
}

TEST(JsonText, RefusesNestsThatAreTooDeep) {
  EXPECT_TRUE(JsonText::parse(std::string(60, '[') + std::string(60, ']')));
  EXPECT_FALSE(JsonText::parse(std::string(100'000, '[')));
  EXPECT_FALSE(JsonText::parse(""));
  EXPECT_FALSE(JsonText::parse("{} {}"));
}

TEST(JsonString, IsReadBackAsItWas) {
  std::string all;
  for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
  all += "\xe2\x82\xac";
  EXPECT_EQ(nlohmann::json::parse(json_string(all)).get<std::string>(), all);
}

}  // namespace
}  // namespace stillwatch::countermeasure
