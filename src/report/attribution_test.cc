#include "report/attribution.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace stillwatch::report {
namespace {

using Json = nlohmann::json;

attribution::Findings findings() {
  attribution::TestResult marks;
  marks.test = "radioactivity";
  marks.subject = "campaign:</script><b>";
  marks.null = "the texts do not depend on the key";
  marks.log10_p = -8.25;
  marks.figures = {{"windows", 92'567}, {"score", 46'900}, {"expected", 46'283.5}, {"z", 4.05}};
  marks.wrong_keys = attribution::WrongKeys{1000, 48, 9, 1, 0};
  marks.clean = {{"clean", -0.4}};
  attribution::TestResult parent;
  parent.test = "provenance";
  parent.subject = "davinci";
  parent.supporting = true;
  parent.log10_p = -3;
  parent.note = "supports only";
  return attribution::conclude({marks, parent}, 0.001);
}

watermark::Evidence evidence() {
  watermark::Evidence e;
  const watermark::Key key = watermark::control_key(1);
  const auto time = base::from_ms(1'772'445'600'000);
  EXPECT_TRUE(e.read(watermark::mark_line(time, "campaign:1", key, {}, watermark::Units::kWords) +
                         watermark::pool_line(time, "pool", 100, std::string(64, 'a')) +
                         watermark::canary_line(time, "acct_1", std::string(64, 'a'), 7),
                     "evidence"));
  return e;
}

AttributionFacts facts() {
  AttributionFacts f;
  f.made = base::from_ms(1'772'445'600'000);
  f.program = "stillwatch 0.1.0";
  f.command = "stillwatch attribute --suspect a.jsonl";
  f.suspect = "a.jsonl";
  f.files = {{"suspect", "a.jsonl", 12, std::string(64, 'b')}};
  f.wrong_keys = 1000;
  return f;
}

TEST(AttributionJson, HasTheDocumentedShape) {
  std::string actual;
  write_attribution_json(findings(), evidence(), facts(), [&](std::string_view text) { actual += text; });
  const std::string path = STILLWATCH_SOURCE_DIR "/src/report/golden/attribution.json";
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path) << actual;
  std::ifstream file(path);
  std::stringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(actual, expected.str()) << "UPDATE_GOLDEN=1 rewrites " << path;
  EXPECT_TRUE(Json::accept(actual));
}

TEST(AttributionPage, HoldsTheDataAndKeepsHostileNamesText) {
  std::string page;
  write_attribution_html(findings(), evidence(), facts(), [&](std::string_view text) { page += text; });
  EXPECT_EQ(page.find("</script><b>"), std::string::npos);
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(page.find("http://"), page.find("http://www.w3.org/"));  // nothing is fetched
  constexpr std::string_view kData = "id=\"data\">";
  const size_t at = page.find(kData) + kData.size();
  const Json data = Json::parse(page.substr(at, page.find("</script>", at) - at));
  EXPECT_EQ(data["verdict"], "inconsistent-with-chance");
  EXPECT_EQ(data["tests"][0]["subject"], "campaign:</script><b>");
}

TEST(AttributionTerminal, SaysTheVerdictFirstAndTheControls) {
  const std::string text = attribution_to_terminal(findings());
  EXPECT_EQ(text.find("What the suspect says is inconsistent with chance"), 0u);
  EXPECT_THAT(text, testing::HasSubstr("of 1000 keys that marked nothing 48 have p <= 0.05"));
  EXPECT_THAT(text, testing::HasSubstr("provenance (davinci): p = 0.001, supporting only"));
}

}  // namespace
}  // namespace stillwatch::report
