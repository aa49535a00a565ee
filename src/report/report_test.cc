#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "report/html.h"
#include "report/json.h"
#include "report/known_sets.h"
#include "report/terminal.h"
#include "report/text.h"

namespace stillwatch::report {
namespace {

using Json = nlohmann::json;

pipeline::AccountFinding account(const std::string& name, double p, bool flagged) {
  pipeline::AccountFinding a;
  a.account = name;
  a.exchanges = 320;
  a.first_seen = base::from_ms(1'772'445'600'000);
  a.last_seen = base::from_ms(1'772'845'600'000);
  a.flagged = flagged;
  a.verdict = flagged ? verdict::Verdict::kHarvest : verdict::Verdict::kClear;
  if (flagged) a.flagged_at = a.last_seen;
  a.flagged_after = flagged ? 160 : 0;
  a.evidence = {4.25, p, 0.001, p < 0.001, true, {}};
  a.evidence.readings = {{signals::Signal::kShift, 0.21, 0.04, 3.5, 2.25, "far from the crowd"},
                         {signals::Signal::kNovelty, 0, -0.3, 1, 0.5, "never repeats"},
                         {signals::Signal::kCoverage, 12, 18, -2, -1.5, "narrow"}};
  a.q_value = 0.01;
  a.exposure = {318.4, 51'234, 0.4};
  a.looks = {{a.first_seen, 20, 1.5, 0.2}, {a.last_seen, 160, 4.25, p}};
  profile::Summary summary;
  features::Features f;
  f.time = a.first_seen;
  f.answered = f.meaningful = true;
  f.prompt_words = 12;
  f.output_tokens = 300;
  for (uint64_t i = 0; i < 5; ++i) {
    f.prompt = i;
    summary.add(f);
  }
  a.summary = std::make_shared<const profile::Summary>(std::move(summary));
  return a;
}

pipeline::Findings findings() {
  pipeline::Findings f;
  f.first = base::from_ms(1'772'445'600'000);
  f.last = base::from_ms(1'772'845'600'000);
  f.exchanges = 960;
  f.accounts = f.accounts_judged = 3;
  f.accounts_flagged = 1;
  f.output_tokens = 153'702;
  f.threshold = 4e-5;
  f.p_values[0] = 2;
  f.p_values[14] = 1;
  f.baseline = {"may.baseline", true, 1200, f.first, 0.4, 0.02, false};
  f.ranked = {account("acct_1", 1.2e-7, true), account("acct_2", 0.03, false), account("acct_3", 0.7, false)};
  f.ranked[1].label = verdict::Label{verdict::LabelKind::kBenign, f.last, "ours"};
  return f;
}

ReadStats stats() {
  ReadStats s;
  s.files = 2;
  s.lines = 970;
  s.exchanges = 960;
  s.broken = 10;
  s.located = {"log:7: not JSON"};
  return s;
}

pipeline::Findings with_campaign() {
  pipeline::Findings f = findings();
  f.campaigns_sought = true;
  pipeline::CampaignFinding& c = f.campaigns.emplace_back();
  c.campaign = "campaign-0a1b2c3d";
  c.accounts = {"acct_2", "acct_3"};
  c.flagged = true;
  c.exchanges = 200;
  c.first_seen = f.first;
  c.last_seen = f.last;
  c.p_value = 0.0004;
  c.q_value = 0.002;
  c.exposure = {150, 30'000, 0.4};
  c.areas = {120, 0, 80};
  c.why = {{"nearness", 3.5, "they lean away from the crowd in the same direction"}};
  c.links = {{0, 1, {3.5F, 0, 0, 1.25F, 0.75F}}};
  c.verdict = verdict::Verdict::kHarvest;
  f.ranked[1].campaign = c.campaign;
  return f;
}

std::string html_of(const pipeline::Findings& f) {
  std::string out;
  write_html(f, stats(), [&](std::string_view text) { out += text; });
  return out;
}

Json data_of(const std::string& page) {
  const std::string open = "id=\"data\">";
  const size_t begin = page.find(open) + open.size();
  return Json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

std::string json_of(const pipeline::Findings& f) {
  std::string out;
  write_json(f, stats(), [&](std::string_view text) { out += text; });
  return out;
}

// Compares with a file beside the test; UPDATE_GOLDEN=1 writes it anew.
void expect_golden(const std::string& name, const std::string& actual) {
  const std::string path = STILLWATCH_SOURCE_DIR "/src/report/golden/" + name;
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path) << actual;
  std::ifstream file(path);
  std::stringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(actual, expected.str()) << "UPDATE_GOLDEN=1 rewrites " << path;
}

TEST(Terminal, LooksAsItShould) {
  expect_golden("terminal.txt", to_terminal(findings(), stats(), {}));
  pipeline::Findings uncalibrated = findings();
  uncalibrated.baseline.calibrated = false;
  uncalibrated.baseline.drifted = true;
  EXPECT_NE(to_terminal(uncalibrated, stats(), {}).find("uncalibrated"), std::string::npos);
  EXPECT_NE(to_terminal(uncalibrated, stats(), {}).find("drifted"), std::string::npos);
}

TEST(KnownSets, AreChosenByRatio) {
  EXPECT_EQ(nearest_known_set(0).name, "s1K");
  EXPECT_EQ(nearest_known_set(7000).name, "s1K");
  EXPECT_EQ(nearest_known_set(7500).name, "Stanford Alpaca");
  EXPECT_EQ(beside_known_set(60'000), "about 1.2 times Stanford Alpaca (52,002 examples)");
  EXPECT_EQ(beside_known_set(26'000'000).substr(0, 15), "about 1.6 times");
  EXPECT_EQ(beside_known_set(14), "about 1.4 % of s1K (1,000 examples)");
}

TEST(JsonReport, ACampaignIsReadBackAsItWasWritten) {
  pipeline::CampaignFinding c = with_campaign().campaigns.front();
  c.flagged_at = base::from_ms(1'772'409'600'000);
  c.why.front().example = "acct_2 and acct_3: evidence 4.0";
  const std::string text = campaign_json(c);
  const auto again = parse_campaign(text);
  ASSERT_TRUE(again);
  EXPECT_EQ(campaign_json(*again), text);
  EXPECT_EQ(Json::parse(text)["why"][0]["example"], "acct_2 and acct_3: evidence 4.0");
  // Written when links had four kinds.
  Json before = Json::parse(text);
  before["links"][0].erase(6);
  const auto of_before = parse_campaign(before.dump());
  ASSERT_TRUE(of_before);
  EXPECT_EQ(of_before->links.front().evidence[3], 1.25F);
  EXPECT_EQ(of_before->links.front().evidence[4], 0);
  before["links"][0].erase(5);
  EXPECT_FALSE(parse_campaign(before.dump()));
  for (const char* damaged : {"", "[]", "{}", R"({"campaign":1})"}) EXPECT_FALSE(parse_campaign(damaged)) << damaged;
}

TEST(Terminal, TellsOfCampaignsAndWhy) {
  const std::string text = to_terminal(with_campaign(), stats(), {});
  EXPECT_NE(text.find("campaign-0a1b2c3d harvest: 2 accounts, 200 exchanges"), std::string::npos) << text;
  EXPECT_NE(text.find("what left through it is about 15 % of s1K (1,000 examples)"), std::string::npos) << text;
  EXPECT_NE(text.find("they lean away"), std::string::npos);
}

TEST(JsonReport, HasCampaignsOrSaysThatNoneWereSought) {
  EXPECT_TRUE(Json::parse(json_of(findings()))["campaigns"].is_null());
  const Json json = Json::parse(json_of(with_campaign()));
  ASSERT_EQ(json["campaigns"].size(), 1u);
  EXPECT_EQ(json["campaigns"][0]["accounts"], (Json{"acct_2", "acct_3"}));
  EXPECT_EQ(json["campaigns"][0]["why"][0]["kind"], "nearness");
  EXPECT_EQ(json["campaigns"][0]["areas"], (Json{120, 0, 80}));
  EXPECT_EQ(json["campaigns"][0]["exposure"]["beside"]["set"], "s1K");
  EXPECT_EQ(json["accounts"][1]["campaign"], "campaign-0a1b2c3d");
  EXPECT_TRUE(json["accounts"][0]["campaign"].is_null());
}

TEST(Terminal, FitsWhateverWidthThereIs) {
  pipeline::Findings f = findings();
  f.ranked[0].account = std::string(200, 'n');
  for (const size_t columns : {56u, 71u, 80u, 120u, 200u}) {
    const std::string page = to_terminal(f, stats(), {.columns = columns});
    for (size_t at = 0, end = 0; (end = page.find('\n', at)) != std::string::npos; at = end + 1)
      EXPECT_LE(columns_of(std::string_view(page).substr(at, end - at)), columns) << page.substr(at, end - at);
    EXPECT_NE(page.find("harvest"), std::string::npos) << columns;
  }
}

TEST(JsonReport, HasTheDocumentedShape) {
  expect_golden("report.json", json_of(findings()));
  const Json json = Json::parse(json_of(findings()));
  ASSERT_EQ(json["accounts"].size(), 3u);
  const Json& a = json["accounts"][0];
  for (const char* key :
       {"account", "exchanges", "flagged", "p_value", "resolution", "score", "exposure", "signals", "verdict"}) {
    EXPECT_TRUE(a.contains(key)) << key;
  }
  for (const char* key : {"novel_exchanges", "output_tokens", "coverage"})
    EXPECT_TRUE(a["exposure"].contains(key)) << key;
  for (const char* key : {"name", "value", "baseline", "share", "explanation"})
    EXPECT_TRUE(a["signals"][0].contains(key)) << key;
  EXPECT_EQ(a["signals"][0]["name"], "shift");
  EXPECT_EQ(json["summary"]["read"]["broken"], 10);
}

TEST(JsonReport, StaysValidForHostileNamesAndNumbers) {
  pipeline::Findings f = findings();
  f.ranked[0].account = "</script>\"\\\x01\xff";
  f.ranked[0].evidence.score = NAN;
  f.ranked[0].evidence.p_value = INFINITY;
  f.ranked[0].evidence.readings[0].value = -INFINITY;
  const Json json = Json::parse(json_of(f));
  EXPECT_EQ(json["accounts"][0]["score"], 0);
  EXPECT_EQ(json["accounts"][0]["p_value"], 1);
}

TEST(JsonReport, IsWholeForNoAccountsAndForMany) {
  pipeline::Findings none;
  EXPECT_EQ(Json::parse(json_of(none))["accounts"].size(), 0u);
  pipeline::Findings many = findings();
  many.ranked.resize(20'000, many.ranked[2]);
  EXPECT_EQ(Json::parse(json_of(many))["accounts"].size(), 20'000u);
}

TEST(HtmlReport, CarriesItsDataSafely) {
  pipeline::Findings f = findings();
  f.ranked[0].account = "</script><script>alert(1)</script>";
  const std::string page = html_of(f);
  EXPECT_EQ(page.find("<script>alert"), std::string::npos);
  const Json data = data_of(page);
  EXPECT_EQ(data["accounts"][0]["account"], f.ranked[0].account);
  EXPECT_TRUE(data["accounts"][0].contains("details"));
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
  for (const char* outside : {"https://", "src=", "href=", "@import", "url("})
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
}

TEST(HtmlReport, DrawsCampaignsWithoutTrustingTheirNames) {
  pipeline::Findings f = with_campaign();
  f.campaigns[0].accounts[1] = "</script><script>alert(1)</script>";
  const std::string page = html_of(f);
  EXPECT_EQ(page.find("<script>alert"), std::string::npos);
  const Json c = data_of(page)["campaigns"][0];
  EXPECT_EQ(c["accounts"][1], f.campaigns[0].accounts[1]);
  EXPECT_EQ(c["links"], (Json{{0, 1, 3.5, 0, 0, 1.25, 0.75}}));
  EXPECT_TRUE(data_of(html_of(findings()))["campaigns"].is_null());
}

TEST(HtmlReport, HoldsAsMuchOfCampaignsAsABrowserDraws) {
  pipeline::Findings f = with_campaign();
  f.campaigns[0].accounts.resize(kMembersMax + 5, "another");
  f.campaigns[0].links.push_back({0, kMembersMax, {1, 0, 0, 0}});
  f.campaigns.resize(kCampaignsMax + 5, f.campaigns[0]);
  const Json data = data_of(html_of(f));
  EXPECT_EQ(data["campaigns_found"], kCampaignsMax + 5);
  ASSERT_EQ(data["campaigns"].size(), kCampaignsMax);
  EXPECT_EQ(data["campaigns"][0]["members"], kMembersMax + 5);
  EXPECT_EQ(data["campaigns"][0]["accounts"].size(), kMembersMax);
  EXPECT_EQ(data["campaigns"][0]["links"].size(), 1u);
  EXPECT_EQ(Json::parse(json_of(f))["campaigns"][0]["links"].size(), 2u);
}

TEST(HtmlReport, TellsOfAccountsBeyondTheDetailsInOneRow) {
  pipeline::Findings many = findings();
  many.ranked.resize(kDetailsMax + 1, many.ranked[2]);
  const Json last = Json::parse(account_json(many.ranked.back(), Depth::kRow));
  EXPECT_FALSE(last.contains("signals"));
  EXPECT_TRUE(last["judged"]);
}

TEST(HtmlReport, IsBounded) {
  pipeline::Findings many = findings();
  many.ranked.resize(kRowsMax + 50, many.ranked[2]);
  const std::string page = html_of(many);
  size_t details = 0;
  for (size_t at = page.find("\"details\":"); at != std::string::npos; at = page.find("\"details\":", at + 1))
    ++details;
  EXPECT_EQ(details, kDetailsMax);
}

}  // namespace
}  // namespace stillwatch::report
