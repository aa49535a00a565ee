#include "campaigns/campaigns.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/random.h"
#include "campaigns/communities.h"
#include "campaigns/eigen.h"

namespace stillwatch::campaigns {
namespace {

using features::Features;
using features::Kind;
using features::Trait;

// A world of topics in which everybody has a favourite. Harvesters ask like everybody half of the time; the other half
// they give orders out of one strange corner of it, each another one. Honest tools do so in another corner, more often.
class World {
 public:
  explicit World(uint64_t seed) : random_(seed) {
    base::Random fixed(99);  // the same topics in every world
    for (auto& topic : topics_) {
      for (double& x : topic) x = fixed.normal();
    }
    for (double& x : corner_) x = fixed.normal();
    for (double& x : tools_corner_) x = fixed.normal();
  }

  profile::Summary account(int exchanges, double harvest) { return account(exchanges, harvest, corner_); }
  profile::Summary tool() { return account(60, 0.8, tools_corner_); }

  void share_network(uint64_t network) { network_ = network; }
  void ask_within(uint64_t from_hour, uint64_t hours) {
    from_hour_ = from_hour;
    hours_ = hours;
  }
  base::Random& random() { return random_; }

 private:
  using Place = std::array<double, features::kEmbeddingSize>;

  profile::Summary account(int exchanges, double orders, const Place& corner) {
    profile::Summary s;
    const uint64_t favourite = random_.below(topics_.size());
    for (int i = 0; i < exchanges; ++i) {
      const bool strange = random_.chance(orders);
      Features f;
      f.time = base::from_ms(1'772'409'600'000 + static_cast<int64_t>(from_hour_ + random_.below(hours_)) * 3'600'000);
      f.answered = f.meaningful = true;
      f.prompt = random_.bits();
      f.opening = random_.bits();
      f.network = network_ != 0 ? network_ : random_.bits();
      const auto& topic = topics_[random_.chance(0.5) ? favourite : random_.below(topics_.size())];
      std::array<double, features::kEmbeddingSize> x;
      double norm = 0;
      for (size_t d = 0; d < x.size(); ++d) {
        x[d] = (strange ? corner[d] : topic[d]) + random_.normal();
        norm += x[d] * x[d];
      }
      features::Embedding e;
      for (size_t d = 0; d < x.size(); ++d)
        e[d] = static_cast<int16_t>(features::kEmbeddingScale * x[d] / std::sqrt(norm));
      f.spectrum = features::spectrum_of(e);
      f.cell = features::cell_of(e);
      f.prompt_words = static_cast<uint32_t>(4 + random_.below(60));
      f.output_tokens = static_cast<uint32_t>(30 + random_.below(500));
      const auto set = [&](auto& bits, auto what, double chance) {
        bits |= static_cast<uint32_t>(random_.chance(chance)) << static_cast<int>(what);
      };
      set(f.kinds, Kind::kPersonal, strange ? 0 : 0.35);
      set(f.kinds, Kind::kInstruction, strange ? 0.8 : 0.1);
      set(f.traits, Trait::kHistory, strange ? 0 : 0.5);
      set(f.traits, Trait::kCapitalStart, strange ? 1 : 0.5);
      s.add(f);
    }
    return s;
  }

  base::Random random_;
  uint64_t network_ = 0;
  uint64_t from_hour_ = 0;
  uint64_t hours_ = 48;
  std::array<Place, 24> topics_;
  Place corner_;
  Place tools_corner_;
};

struct Crowd {
  std::vector<std::shared_ptr<const profile::Summary>> summaries;
  Accounts accounts;

  void add(profile::Summary summary, const std::string& name) {
    accounts.traces.push_back(Trace::of(name + std::to_string(summaries.size()), summary));
    summaries.push_back(std::make_shared<const profile::Summary>(std::move(summary)));
    accounts.summary_of = [this](uint32_t i) { return summaries[i]; };
  }
  void add_hydra(World& world, int count) {
    for (int i = 0; i < count; ++i) add(world.account(40, 0.5), "hydra-");
  }
  void add_tools(World& world, int count) {
    for (int i = 0; i < count; ++i) add(world.tool(), "tool-");
  }
  void add_honest(World& world, int count) {
    for (int i = 0; i < count; ++i) add(world.account(static_cast<int>(25 + world.random().below(60)), 0), "honest-");
  }
};

signals::Baseline baseline_of(const Crowd& crowd) {
  std::vector<signals::Subject> subjects;
  for (size_t i = 0; i < crowd.summaries.size(); ++i) {
    subjects.push_back({crowd.accounts.traces[i].account,
                        {std::make_shared<const signals::Sighting>(signals::sight(*crowd.summaries[i], nullptr))}});
  }
  auto baseline = signals::Baseline::calibrate(subjects, nullptr, "test", {}, true);
  EXPECT_TRUE(baseline);
  return std::move(*baseline);
}

class Campaigns : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    World world(1);
    honest_ = new Crowd;
    honest_->add_honest(world, 600);
    baseline_ = new signals::Baseline(baseline_of(*honest_));
    auto reference = Reference::of(honest_->accounts, *baseline_);
    ASSERT_TRUE(reference) << reference.error().message;
    reference_ = new Reference(std::move(*reference));
  }
  static void TearDownTestSuite() {
    delete reference_;
    delete baseline_;
    delete honest_;
  }
  static Crowd* honest_;
  static signals::Baseline* baseline_;
  static Reference* reference_;
};
Crowd* Campaigns::honest_ = nullptr;
signals::Baseline* Campaigns::baseline_ = nullptr;
Reference* Campaigns::reference_ = nullptr;

TEST_F(Campaigns, QuietAccountsThatHarvestTogetherAreFound) {
  World world(2);
  Crowd crowd;
  crowd.add_honest(world, 400);
  crowd.add_hydra(world, 60);
  const auto found = find(crowd.accounts, *reference_, *baseline_, {});
  ASSERT_FALSE(found.empty());
  const auto& members = found.front().members;
  const auto hydra = std::count_if(members.begin(), members.end(), [](uint32_t m) { return m >= 400; });
  EXPECT_GE(hydra, 54);
  EXPECT_LE(members.size() - hydra, 3u);
  EXPECT_LE(found.front().p_value.value, 0.01);
  EXPECT_LE(found.front().q_value, kFalseCampaignsMax);
  EXPECT_GT(found.front().links[static_cast<size_t>(LinkKind::kNearness)], 0);
}

TEST_F(Campaigns, HonestAccountsAreNone) {
  for (const uint64_t seed : {100, 101, 102}) {
    World world(seed);
    Crowd crowd;
    crowd.add_honest(world, 400);
    for (const Campaign& c : find(crowd.accounts, *reference_, *baseline_, {}))
      EXPECT_GT(c.q_value, kFalseCampaignsMax);
  }
}

// P-values of groups of eight around each of `seeds`, grown as the reference's are; and their mean score.
struct Judged {
  std::vector<double> p_values;
  double score = 0;
  double unlikely() const {
    return static_cast<double>(std::count_if(p_values.begin(), p_values.end(), [](double p) { return p <= 0.1; })) /
           static_cast<double>(p_values.size());
  }
};
Judged judged(const Crowd& crowd, size_t from, size_t to, const Reference& reference,
              const signals::Baseline& baseline) {
  std::vector<Point> points, directions;
  for (const Trace& t : crowd.accounts.traces) {
    Point point = reference.space().place(t);
    points.push_back(reference.whitening().turn(point));
    directions.push_back(direction_of(std::move(point)));
  }
  Judged out;
  for (size_t seed = from; seed < to; ++seed) {
    std::vector<double> nearness;
    for (const Point& d : directions) nearness.push_back(dot(directions[seed], d));
    const std::vector<uint32_t> core = most_leaning(nearness, 24);
    const std::vector<uint32_t> members = most_leaning(leanings(points, core), kGroupMin);
    const std::vector<size_t> sizes{kGroupMin};
    const double of_group = scores_of(members, sizes, crowd.accounts.summary_of, baseline).front().score;
    out.score += of_group / static_cast<double>(to - from);
    out.p_values.push_back(reference.groups().p({lean_of(points, core), {of_group}}).value);
  }
  return out;
}

// Honest tools score above a hydra, and lean another way.
TEST(CampaignsAmongTools, AreJudgedAmongGroupsThatLeanAlike) {
  Crowd calibration;
  World calm(1);
  calibration.add_honest(calm, 500);
  calibration.add_tools(calm, 60);
  const signals::Baseline baseline = baseline_of(calibration);
  const auto reference = Reference::of(calibration.accounts, baseline);
  ASSERT_TRUE(reference);
  double people = 0, tools = 0;
  for (const uint64_t seed : {2, 3, 4}) {
    World world(seed);
    Crowd crowd;
    crowd.add_honest(world, 500);
    crowd.add_tools(world, 60);
    people += judged(crowd, 0, 100, *reference, baseline).unlikely() / 3;
    tools += judged(crowd, 500, 560, *reference, baseline).unlikely() / 3;
  }
  EXPECT_LE(people, 0.15);
  EXPECT_LE(tools, 0.2);

  World world(4);
  Crowd crowd;
  crowd.add_honest(world, 500);
  crowd.add_tools(world, 60);
  for (int i = 0; i < 60; ++i) crowd.add(world.account(40, 0.25), "hydra-");
  const Judged of_tools = judged(crowd, 500, 560, *reference, baseline);
  const Judged of_hydra = judged(crowd, 560, 620, *reference, baseline);
  EXPECT_GT(of_tools.score, of_hydra.score);
  EXPECT_GE(of_hydra.unlikely(), 0.9);
}

TEST_F(Campaigns, OneNetworkAloneIsNoLink) {
  World world(4);
  Crowd crowd;
  crowd.add_honest(world, 400);
  world.share_network(42);
  crowd.add_honest(world, 40);
  Options only_identity;
  only_identity.links.use = {false, false, true, false, false};
  EXPECT_TRUE(find(crowd.accounts, *reference_, *baseline_, only_identity).empty());
}

TEST_F(Campaigns, SuccessorsAreToldAndMakeNoLinkAlone) {
  World world(7);
  Crowd crowd;
  crowd.add_honest(world, 400);
  for (const uint64_t from : {0, 16, 32}) {
    world.ask_within(from, 16);
    crowd.add_hydra(world, 20);
  }
  const auto found = find(crowd.accounts, *reference_, *baseline_, {});
  ASSERT_FALSE(found.empty());
  const Link& link = found.front().strongest[static_cast<size_t>(LinkKind::kSuccession)];
  EXPECT_GT(link.evidence[static_cast<size_t>(LinkKind::kSuccession)], 0);
  EXPECT_GE(std::max(link.a, link.b), 400u);
  Options only;
  only.links.use = {false, false, false, false, true};
  EXPECT_TRUE(find(crowd.accounts, *reference_, *baseline_, only).empty());
}

TEST_F(Campaigns, TheOrderOfAccountsDoesNotMatter) {
  World world(5);
  std::vector<profile::Summary> summaries;
  for (int i = 0; i < 300; ++i) summaries.push_back(world.account(40, i < 40 ? 0.5 : 0));
  const auto names_found = [&](bool backwards) {
    Crowd crowd;
    for (size_t i = 0; i < summaries.size(); ++i) {
      const size_t at = backwards ? summaries.size() - 1 - i : i;
      crowd.accounts.traces.push_back(Trace::of(std::to_string(at), summaries[at]));
      crowd.summaries.push_back(std::make_shared<const profile::Summary>(summaries[at]));
    }
    crowd.accounts.summary_of = [&crowd](uint32_t i) { return crowd.summaries[i]; };
    std::set<std::string> names;
    const auto found = find(crowd.accounts, *reference_, *baseline_, {});
    if (found.empty()) return names;
    for (const uint32_t m : found.front().members) names.insert(crowd.accounts.traces[m].account);
    return names;
  };
  const auto names = names_found(false);
  EXPECT_GE(names.size(), 30u);
  EXPECT_EQ(names, names_found(true));
}

TEST_F(Campaigns, ThreadsChangeNothing) {
  World world(6);
  Crowd crowd;
  crowd.add_honest(world, 300);
  crowd.add_hydra(world, 50);
  Options threads;
  threads.threads = 3;
  const auto alone = find(crowd.accounts, *reference_, *baseline_, {});
  const auto together = find(crowd.accounts, *reference_, *baseline_, threads);
  ASSERT_FALSE(alone.empty());
  ASSERT_EQ(alone.size(), together.size());
  for (size_t i = 0; i < alone.size(); ++i) {
    EXPECT_EQ(alone[i].members, together[i].members);
    EXPECT_EQ(alone[i].link_count, together[i].link_count);
  }
}

TEST_F(Campaigns, ToldLinksAreOfMembersAndStrongestFirst) {
  World world(2);
  Crowd crowd;
  crowd.add_honest(world, 300);
  crowd.add_hydra(world, 50);
  const auto found = find(crowd.accounts, *reference_, *baseline_, {});
  ASSERT_FALSE(found.empty());
  const Campaign& c = found.front();
  const std::set<uint32_t> members(c.members.begin(), c.members.end());
  ASSERT_FALSE(c.told.empty());
  EXPECT_LE(c.told.size(), std::min(c.link_count, kLinksTold * members.size()));
  for (size_t i = 0; i < c.told.size(); ++i) {
    EXPECT_TRUE(members.contains(c.told[i].a) && members.contains(c.told[i].b));
    EXPECT_GE(c.told[i > 0 ? i - 1 : i].strength(), c.told[i].strength());
  }
}

TEST_F(Campaigns, AReferenceThatWasWrittenJudgesTheSame) {
  const auto again = Reference::parse(reference_->to_json());
  ASSERT_TRUE(again) << again.error().message;
  World world(2);
  Crowd crowd;
  crowd.add_honest(world, 200);
  crowd.add_hydra(world, 40);
  const auto first = find(crowd.accounts, *reference_, *baseline_, {});
  const auto second = find(crowd.accounts, *again, *baseline_, {});
  ASSERT_FALSE(first.empty());
  ASSERT_FALSE(second.empty());
  EXPECT_NEAR(static_cast<double>(first.front().members.size()), static_cast<double>(second.front().members.size()), 2);
  EXPECT_NEAR(first.front().p_value.value, second.front().p_value.value, 0.002);
}

TEST(Reference, WhatIsNotOneIsRefused) {
  for (const char* text : {"", "[]", "{}", R"({"stillwatch_campaign_reference":1,"space":{"mean":[1]}})"})
    EXPECT_FALSE(Reference::parse(text)) << text;
}

TEST(Reference, TooFewAccountsAreRefused) {
  EXPECT_FALSE(Reference::of({}, *signals::Baseline::reference()));
}

TEST(Communities, TwoCliquesJoinedByOneEdgeAreTwo) {
  std::vector<WeightedEdge> edges{{0, 5, 1}};
  for (uint32_t first : {0u, 5u}) {
    for (uint32_t a = first; a < first + 5; ++a) {
      for (uint32_t b = a + 1; b < first + 5; ++b) edges.push_back({a, b, 1});
    }
  }
  EXPECT_EQ(communities(11, edges), (std::vector<uint32_t>{0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2}));
}

TEST(Whitening, PointsThatWereStretchedVaryAlike) {
  base::Random random(3);
  std::vector<Point> points;
  for (int i = 0; i < 4000; ++i) {
    const double x = random.normal();
    points.push_back({static_cast<float>(5 * x), static_cast<float>(4 * x + 3 * random.normal())});
  }
  const Whitening whitening = Whitening::of(points);
  double xx = 0, yy = 0, xy = 0;
  for (const Point& p : points) {
    const Point q = whitening.turn(p);
    xx += static_cast<double>(q[0] * q[0]) / 4000;
    yy += static_cast<double>(q[1] * q[1]) / 4000;
    xy += static_cast<double>(q[0] * q[1]) / 4000;
  }
  EXPECT_NEAR(xx, 1, 0.05);
  EXPECT_NEAR(yy, 1, 0.05);
  EXPECT_NEAR(xy, 0, 0.05);
}

TEST(SymmetricEigen, VectorsAreTurnedIntoMultiplesOfThemselves) {
  const std::vector<double> m{4, 1, 0, 1, 3, -1, 0, -1, 1};
  const Eigen e = symmetric_eigen(m, 3);
  for (size_t k = 0; k < 3; ++k) {
    for (size_t i = 0; i < 3; ++i) {
      double sum = 0;
      for (size_t j = 0; j < 3; ++j) sum += m[3 * i + j] * e.vectors[3 * k + j];
      EXPECT_NEAR(sum, e.values[k] * e.vectors[3 * k + i], 1e-9);
    }
  }
  EXPECT_GE(e.values[0], e.values[1]);
  EXPECT_GE(e.values[1], e.values[2]);
}

}  // namespace
}  // namespace stillwatch::campaigns
