// Campaigns in a running gateway: found as by a scan, acted upon, told of once, kept and forgotten.
#include "gateway/campaign_watch.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "gateway/test_policies.h"
#include "pipeline/test_world.h"
#include "report/json.h"

namespace stillwatch::gateway {
namespace {

using nlohmann::json;
using pipeline::Pipeline;
using testing::HasSubstr;
using testing::StartsWith;

constexpr int kMembers = 40;

class LiveCampaigns : public Policies {
 protected:
  static void SetUpTestSuite() {
    world_ = new pipeline::World(1);
    Pipeline honest(nullptr, {}, {});
    for (int i = 0; i < 600; ++i) world_->fill(honest, world_->honest(), 40 + i % 30);
    auto baseline = honest.calibrate();
    ASSERT_TRUE(baseline) << baseline.error().message;
    auto groups = honest.calibrate_campaigns(*baseline);
    ASSERT_TRUE(groups) << groups.error().message;
    baseline_ = std::make_shared<const signals::Baseline>(std::move(*baseline));
    groups_ = std::make_shared<const campaigns::Reference>(std::move(*groups));
  }
  static void TearDownTestSuite() {
    delete world_;
    baseline_ = nullptr;
    groups_ = nullptr;
  }

  LiveCampaigns() {
    pipeline_ = [] { return judged_pipeline(); };
  }
  static std::unique_ptr<Pipeline> judged_pipeline() {
    return std::make_unique<Pipeline>(baseline_, verdict::Labels(),
                                      pipeline::Options{.threads = 2, .campaigns = groups_});
  }

  // Exchanges of people, and of accounts that harvest in half of theirs: the first of these is the client's, and
  // harvests in more of its, so that no search misses it.
  void draw(int people, int members) {
    const auto ask = [&](const pipeline::World::Account& a, int64_t from, int64_t to) {
      for (int64_t i = from; i < to; ++i) exchanges_.emplace_back(a.name, world_->ask(a, i));
    };
    for (int i = 0; i < people; ++i) ask(world_->honest(), 0, 40);
    for (int i = 0; i < members; ++i) {
      pipeline::World::Account cover = world_->honest(), harvest = world_->harvester();
      const int64_t covers = names_.empty() ? 4 : 20;
      if (names_.empty()) cover.name = account_;
      names_.push_back(cover.name);
      harvest.name = cover.name;
      ask(cover, 0, covers);
      ask(harvest, covers, 40);
    }
  }
  void observe(Pipeline& p) const {
    for (const auto& [account, f] : exchanges_) p.observe(account, "", f);
  }
  void observe_live() {
    gateway_->observer().visit([&](Pipeline& p) { observe(p); });
    exchanges_.clear();
  }
  json campaigns() { return json::parse(admin("GET", "/api/v1/campaigns").payload); }
  json campaign(const std::string& name) { return json::parse(admin("GET", "/api/v1/campaigns/" + name).payload); }
  static json comparable(json c) {
    c.erase("flagged_at");
    return c;
  }
  // Those of campaigns: with enough exchanges some members are found by themselves.
  std::string alerts() const {
    std::ifstream in(alert_log_);
    std::string lines;
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with(R"({"type":"campaign")")) lines += line + "\n";
    }
    return lines;
  }

  static pipeline::World* world_;
  static std::shared_ptr<const signals::Baseline> baseline_;
  static std::shared_ptr<const campaigns::Reference> groups_;
  std::vector<std::pair<std::string, features::Features>> exchanges_;
  std::vector<std::string> names_;
};
pipeline::World* LiveCampaigns::world_ = nullptr;
std::shared_ptr<const signals::Baseline> LiveCampaigns::baseline_;
std::shared_ptr<const campaigns::Reference> LiveCampaigns::groups_;

TEST_F(LiveCampaigns, AreThoseThatAScanFindsInTheSameExchanges) {
  start(policy("{rung: strip}"));
  EXPECT_TRUE(campaigns()["looked"].is_null());
  draw(200, kMembers);
  const auto scan = judged_pipeline();
  observe(*scan);
  observe_live();
  gateway_->campaigns().look();
  const auto found = scan->campaigns();
  ASSERT_FALSE(found.empty());
  EXPECT_TRUE(found.front().flagged);
  const json live = campaigns();
  EXPECT_EQ(live["sought"], true);
  ASSERT_EQ(live["campaigns"].size(), found.size());
  for (const auto& c : found) {
    const json expected = json::parse(report::campaign_json(c));
    EXPECT_EQ(comparable(campaign(c.campaign)), comparable(expected));
    for (const json& reason : expected["why"]) {
      if (reason["kind"] == "nearness") {
        EXPECT_THAT(reason["example"].get<std::string>(), HasSubstr(" and "));
      }
    }
  }
  EXPECT_THAT(admin("GET", "/api/v1/campaigns/nothing").raw, StartsWith("HTTP/1.1 404"));
}

TEST_F(LiveCampaigns, AMembersNextRequestMeetsTheRungAndOthersDoNot) {
  alert_log_ = folder_ / "alerts.jsonl";
  start(policy("{rung: refuse, when: {campaign: true}}", "refuse_accounts_max: 1000, "));
  EXPECT_THAT(ask().raw, StartsWith("HTTP/1.1 200"));
  draw(200, kMembers);
  observe_live();
  EXPECT_THAT(ask().raw, StartsWith("HTTP/1.1 200"));
  now_ms_ += 600'000;  // the time of a look has come
  for (int i = 0; i < 5000 && campaigns()["looked"].is_null(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_THAT(ask().raw, StartsWith("HTTP/1.1 403"));

  const json found = campaigns()["campaigns"];
  ASSERT_FALSE(found.empty());
  const std::string name = found[0]["campaign"];
  EXPECT_EQ(found[0]["flagged"], true);
  EXPECT_EQ(json::parse(admin("GET", "/api/v1/accounts/" + account_).payload)["campaign"], name);
  const json accounts = campaign(name)["accounts"];
  const json decided = json::parse(admin("GET", "/api/v1/policy").payload)["decided"];
  EXPECT_EQ(decided.size(), accounts.size());
  const std::string metrics = admin("GET", "/metrics").payload;
  EXPECT_THAT(metrics, HasSubstr("stillwatch_campaigns_flagged 1\n"));
  EXPECT_THAT(metrics, HasSubstr(fmt::format("stillwatch_campaign_accounts {}\n", accounts.size())));
  EXPECT_THAT(metrics, HasSubstr("stillwatch_campaign_look_age_seconds 0\n"));

  // As many as a second operator has not to approve; those beyond wait.
  gateway_->set_policy(policy("{rung: refuse, when: {campaign: true}}", "refuse_accounts_max: 10, "));
  const json waiting = json::parse(admin("GET", "/api/v1/policy").payload)["decided"];
  EXPECT_EQ(std::count_if(waiting.begin(), waiting.end(), [](const json& d) { return d["waits"] == true; }),
            static_cast<std::ptrdiff_t>(accounts.size()) - 10);
  gateway_->set_policy(policy("{rung: refuse, when: {campaign: true}}", "allow: [" + account_ + "], "));
  EXPECT_THAT(ask().raw, StartsWith("HTTP/1.1 200"));
}

TEST_F(LiveCampaigns, OutliveTheGatewayGrowUnderTheirNameAndAreToldOfOnce) {
  alert_log_ = folder_ / "alerts.jsonl";
  start(policy("{rung: refuse, when: {campaign: true}}"));
  draw(200, kMembers);
  observe_live();
  gateway_->campaigns().look();
  const json before = campaigns()["campaigns"];
  ASSERT_FALSE(before.empty());
  const std::string name = before[0]["campaign"];
  const json whole = campaign(name);
  gateway_.reset();
  const std::string told = alerts();
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 1) << told;
  EXPECT_THAT(told, HasSubstr(R"({"type":"campaign","time":)"));
  EXPECT_THAT(told, HasSubstr(name));
  for (const std::string& member : names_) EXPECT_EQ(told.find(member), std::string::npos);

  start(policy("{rung: refuse, when: {campaign: true}}"));
  EXPECT_EQ(campaign(name), whole);
  EXPECT_THAT(ask().raw, StartsWith("HTTP/1.1 403"));  // before any look
  draw(0, kMembers);
  observe_live();
  gateway_->campaigns().look();
  const json grown = campaign(name);
  EXPECT_GT(grown["members"], whole["members"]);
  EXPECT_EQ(grown["flagged_at"], whole["flagged_at"]);

  EXPECT_THAT(admin("DELETE", "/api/v1/accounts/" + account_).raw, StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(campaign(name)["members"], grown["members"].get<int>() - 1);
  EXPECT_EQ(admin("GET", "/api/v1/campaigns/" + name).payload.find(account_), std::string::npos);
  gateway_.reset();
  EXPECT_EQ(alerts(), told);
  std::ifstream store(folder_ / "stillwatch.db", std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(store), {});
  EXPECT_NE(bytes.find(name), std::string::npos);
  EXPECT_EQ(bytes.find(account_), std::string::npos);
  start(policy("{rung: refuse, when: {campaign: true}}"));
  EXPECT_EQ(campaign(name)["members"], grown["members"].get<int>() - 1);
  EXPECT_THAT(ask().raw, StartsWith("HTTP/1.1 200"));
}

TEST_F(LiveCampaigns, AStoreThatNobodyServesForgetsMembersToo) {
  start(policy("{rung: strip}"));
  draw(200, kMembers);
  observe_live();
  gateway_->campaigns().look();
  gateway_.reset();
  const auto archive = Archive::open(folder_ / "stillwatch.db");
  ASSERT_TRUE(archive);
  const auto before = (*archive)->campaigns();
  ASSERT_TRUE(before && !before->empty());
  EXPECT_EQ((*archive)->forget(before->front().accounts.front()), true);
  const auto after = (*archive)->campaigns();
  ASSERT_TRUE(after && !after->empty());
  EXPECT_EQ(after->front().accounts.size() + 1, before->front().accounts.size());
  EXPECT_EQ((*archive)->forget("acct_nobody"), false);
}

TEST_F(LiveCampaigns, WithoutAReferenceOfHonestGroupsNoneAreSought) {
  pipeline_ = [] { return std::make_unique<Pipeline>(baseline_, verdict::Labels(), pipeline::Options{}); };
  start(policy("{rung: strip}"));
  gateway_->campaigns().look();
  EXPECT_EQ(admin("GET", "/api/v1/campaigns").payload, R"({"sought":false,"looked":null,"campaigns":[]})");
}

}  // namespace
}  // namespace stillwatch::gateway
