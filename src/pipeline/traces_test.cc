#include "pipeline/traces.h"

#include <gmock/gmock.h>

#include "pipeline/test_world.h"
#include "profile/test_bytes.h"

namespace stillwatch::pipeline {
namespace {

class Traces : public testing::Test {
 protected:
  void ask(const std::string& name, int times) {
    World::Account account = world_.honest();
    for (int i = 0; i < times; ++i) accounts_.use(name)->second.subject.watch->observe(world_.ask(account, i));
  }
  // As if an older program had watched it until now.
  void make_old(const std::string& name) {
    auto& watch = accounts_.find(name)->second.subject.watch;
    auto profile = profile::Profile::parse(profile::without_joint(watch->profile()));
    ASSERT_TRUE(profile);
    *watch = Watch(std::move(*profile), watch->epoch(), watch->next_look());
  }
  std::vector<std::string> names() {
    std::vector<std::string> out;
    for (const campaigns::Trace& t :
         traces_of(accounts_, labels_, base::from_ms(1'772'409'600'000), verdict::LabelKind::kBenign).traces)
      out.push_back(t.account);
    return out;
  }

  World world_{1};
  Accounts accounts_;
  verdict::Labels labels_;
};

TEST_F(Traces, AreOfAccountsWithEnoughExchangesInTheOrderOfNames) {
  ask("c", 20);
  ask("b", 19);
  ask("a", 60);
  EXPECT_THAT(names(), testing::ElementsAre("a", "c"));
}

TEST_F(Traces, LeaveOutWhoIsLabelledSo) {
  for (const char* name : {"a", "b", "c"}) ask(name, 30);
  labels_.set("a", {verdict::LabelKind::kBenign, base::from_ms(1'900'000'000'000), "ours"});
  labels_.set("b", {verdict::LabelKind::kHostile, base::from_ms(1'900'000'000'000), "seen it"});
  labels_.set("c", {verdict::LabelKind::kBenign, base::from_ms(1'000), "ran out"});
  EXPECT_THAT(names(), testing::ElementsAre("b", "c"));
}

TEST_F(Traces, LeaveOutAccountsOfOlderProgramsUntilEnoughOfTheirPromptsAreKnownWhole) {
  for (const char* name : {"old", "going on", "new"}) ask(name, 100);
  make_old("old");
  make_old("going on");
  EXPECT_THAT(names(), testing::ElementsAre("new"));
  ask("old", 19);
  ask("going on", 20);
  EXPECT_THAT(names(), testing::ElementsAre("going on", "new"));
}

}  // namespace
}  // namespace stillwatch::pipeline
