#include "gateway/keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "report/json.h"
#include "store/database.h"

namespace stillwatch::gateway {
namespace {

class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("keeper" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string database() const { return path_ / "stillwatch.db"; }
  std::string all_bytes() const {
    std::string out;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      std::ifstream file(entry.path(), std::ios::binary);
      out.append(std::istreambuf_iterator<char>(file), {});
    }
    return out;
  }

 private:
  std::filesystem::path path_;
};

base::Time the_time(int i = 0) {
  return base::from_ms(1'772'409'600'000 + i * 60'000);
}

std::unique_ptr<Observer> observer(const pipeline::Options& options = {}) {
  return std::make_unique<Observer>(std::make_unique<pipeline::Pipeline>(nullptr, verdict::Labels(), options), nullptr);
}

Observation exchange(const std::string& account, int i) {
  Observation o;
  o.time = the_time(i);
  o.account = account;
  o.network = "10.1.2.3";
  o.status = 200;
  o.request = R"({"model":"m","messages":[{"role":"user","content":"What is number )" +
              std::to_string(i * 7919 % 1009) + R"( of the list about rivers?"}]})";
  o.response = R"({"choices":[{"message":{"content":"It is long."}}],"usage":{"completion_tokens":5}})";
  return o;
}

void feed(Observer& o, int from, int to, int accounts = 3) {
  for (int i = from; i < to; ++i) {
    Observation e = exchange("acct_" + std::to_string(i % accounts), i);
    o.submit(e);
  }
}

std::string all(const Observer& o) {
  std::string out;
  for (const auto& a : o.findings().ranked) out += report::account_json(a, report::Depth::kDetails) + "\n";
  return out;
}

std::unique_ptr<Keeper> keeper(const Folder& folder, Observer& o, KeeperSettings settings = {}) {
  auto archive = Archive::open(folder.database());
  EXPECT_TRUE(archive) << archive.error().message;
  settings.now = [] { return the_time(); };
  if (settings.interval == KeeperSettings().interval) settings.interval = std::chrono::hours(1);
  const std::shared_ptr<Archive> shared = std::move(*archive);
  uint64_t last = 0;
  o.visit([&](pipeline::Pipeline& p) {
    p.fetch_with(Archive::fetch_from(shared));
    last = shared->restore(p).value();
  });
  return std::make_unique<Keeper>(shared, last, o, settings);
}

std::unique_ptr<Observer> restored(const Folder& folder) {
  auto archive = Archive::open(folder.database());
  EXPECT_TRUE(archive) << archive.error().message;
  auto pipeline = std::make_unique<pipeline::Pipeline>(nullptr, verdict::Labels(), pipeline::Options{});
  const auto last = (*archive)->restore(*pipeline);
  EXPECT_TRUE(last) << last.error().message;
  return std::make_unique<Observer>(std::move(pipeline), nullptr);
}

void wait_until(const std::function<bool()>& done) {
  for (int i = 0; i < 2000 && !done(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_TRUE(done());
}

TEST(Keeper, GivesBackAfterAnEndWhatWasKnown) {
  const Folder folder;
  std::string before;
  {
    const auto o = observer();
    const auto k = keeper(folder, *o);
    feed(*o, 0, 200);
    o->finish();
    before = all(*o);
  }
  EXPECT_EQ(all(*restored(folder)), before);
}

// Snapshots, the journal behind them and what is only in the journal make one whole, wherever the program was killed.
TEST(Keeper, GivesBackWhatWasCommittedWhenKilled) {
  const Folder folder;
  auto archive = Archive::open(folder.database());
  ASSERT_TRUE(archive);
  const auto o = observer();
  o->start_journal(0);
  int fed = 0;
  const auto commit = [&](int more, size_t subjects, bool done) {
    feed(*o, fed, fed + more);
    fed += more;
    wait_until([&] { return o->counts().observed == static_cast<uint64_t>(fed); });
    Observer::Taken taken = o->take(subjects);
    Archive::Changes c;
    c.journal = std::move(taken.journal);
    for (auto& s : taken.subjects) c.subjects.emplace_back(c.journal.last(), std::move(s));
    if (done) c.journal_done = c.journal.last();
    ASSERT_TRUE((*archive)->commit(c));
  };
  commit(50, 0, false);
  commit(31, 2, false);
  commit(40, 3, true);
  commit(77, 1, false);
  const std::string before = all(*o);
  feed(*o, fed, fed + 10);                  // never committed
  archive = tl::unexpected(base::Error{});  // closes the file
  EXPECT_EQ(all(*restored(folder)), before);
}

// Room for two profiles, forty accounts: while it runs, from one program to the next, and from a journal alone.
TEST(Keeper, KeepsWhatLeavesMemory) {
  const Folder folder;
  const pipeline::Options tiny{.profiles_max = 2};
  const auto unbounded = observer();
  KeeperSettings settings;
  settings.interval = std::chrono::milliseconds(1);
  for (int from = 0; from < 900; from += 300) {
    const auto o = observer(tiny);
    const auto k = keeper(folder, *o, settings);
    for (int i = from; i < from + 300; i += 10) {
      feed(*o, i, i + 10, 40);
      wait_until([&] { return o->crowd() == 0 && o->counts().observed == static_cast<uint64_t>(i - from + 10); });
      EXPECT_EQ(o->counts().profiles, 2u);
    }
    EXPECT_EQ(o->counts().shed, 0u);
  }
  feed(*unbounded, 0, 900, 40);
  unbounded->finish();
  const auto o = observer(tiny);
  const auto k = keeper(folder, *o);
  EXPECT_EQ(all(*o), all(*unbounded));
}

TEST(Keeper, RestoresAJournalOfMoreAccountsThanThereIsRoomFor) {
  const Folder folder;
  const auto unbounded = observer();
  unbounded->start_journal(0);
  feed(*unbounded, 0, 400, 40);
  unbounded->finish();
  {
    const auto archive = Archive::open(folder.database());
    ASSERT_TRUE(archive);
    Archive::Changes c;
    c.journal = unbounded->take(0).journal;
    ASSERT_TRUE((*archive)->commit(c));
  }
  for (int again = 0; again < 2; ++again) {
    const auto o = observer({.profiles_max = 2, .crowd_max = 2});
    const auto k = keeper(folder, *o);
    EXPECT_LE(o->counts().profiles, 4u);
    EXPECT_EQ(all(*o), all(*unbounded));
  }
}

TEST(Keeper, ForgetsEveryTrace) {
  const Folder folder;
  const auto o = observer();
  {
    const auto k = keeper(folder, *o);
    feed(*o, 0, 90);
    wait_until([&] { return o->counts().observed == 90; });
    k->note({"acct_1", the_time(), "{}"});
    ASSERT_TRUE(k->label("acct_1", {verdict::LabelKind::kHostile, the_time(100), "x"}));
    EXPECT_TRUE(k->forget("acct_1").value());
    EXPECT_FALSE(k->forget("acct_1").value());
    EXPECT_EQ(folder.all_bytes().find("acct_1"), std::string::npos);
    EXPECT_NE(folder.all_bytes().find("acct_2"), std::string::npos);
  }
  EXPECT_EQ(folder.all_bytes().find("acct_1"), std::string::npos);
  EXPECT_EQ(restored(folder)->counts().accounts, 2u);
}

TEST(Keeper, DropsWhatIsTooOld) {
  const Folder folder;
  {
    const auto o = observer();
    const auto k = keeper(folder, *o);
    feed(*o, 0, 30);
    o->finish();
  }
  const auto o = restored(folder);
  KeeperSettings settings;
  settings.subjects_for = std::chrono::days(-1);
  const auto k = keeper(folder, *o, settings);
  EXPECT_EQ(o->counts().accounts, 0u);
}

TEST(Keeper, TellsOfFindingsOnceTheyAreSafe) {
  const Folder folder;
  const auto o = observer();
  std::vector<std::string> told;
  KeeperSettings settings;
  settings.on_kept = [&](const Finding& f) {
    EXPECT_NE(folder.all_bytes().find(f.body), std::string::npos);
    told.push_back(f.account);
  };
  {
    const auto k = keeper(folder, *o, settings);
    k->note({"acct_9", the_time(), R"({"a-finding":1})"});
  }
  EXPECT_THAT(told, testing::ElementsAre("acct_9"));
  auto archive = Archive::open(folder.database());
  EXPECT_EQ((*archive)->findings()->size(), 1u);
}

TEST(Keeper, RemembersWhomNobodyWasToldOf) {
  const Folder folder;
  KeeperSettings settings;
  settings.to_tell = kWebhook | kSyslog;
  {
    const auto o = observer();
    const auto k = keeper(folder, *o, settings);
    k->note({"acct_1", the_time(), R"({"a":1})"});
    k->note({"acct_2", the_time(), R"({"a":2})"});
    k->finish();
    k->told("acct_1", kSyslog);
    k->told("acct_2", kSyslog);
    k->told("acct_2", kWebhook);
  }
  const auto archive = Archive::open(folder.database());
  const auto untold = (*archive)->untold();
  ASSERT_EQ(untold->size(), 1u);
  EXPECT_EQ(untold->front().first.account, "acct_1");
  EXPECT_EQ(untold->front().first.body, R"({"a":1})");
  EXPECT_EQ(untold->front().second, kWebhook);
}

// Samples of an account that a person called hostile.
TEST(Keeper, KeepsSamplesOfFlaggedAccountsAndForgetsThem) {
  const Folder folder;
  const auto follow = [](const pipeline::AccountFinding&) { return true; };
  auto o = std::make_unique<Observer>(
      std::make_unique<pipeline::Pipeline>(nullptr, verdict::Labels(), pipeline::Options{}), follow);
  KeeperSettings settings;
  settings.exemplars = 3;
  auto k = keeper(folder, *o, settings);
  const auto observe = [&](int from, int to) {
    const auto before = o->counts().observed;
    feed(*o, from, to);
    wait_until([&] { return o->counts().observed == before + static_cast<uint64_t>(to - from); });
  };
  observe(0, 3);
  EXPECT_EQ(folder.all_bytes().find("list about rivers"), std::string::npos);
  ASSERT_TRUE(k->label("acct_1", {verdict::LabelKind::kHostile, the_time(1000), "x"}));
  o->refresh("acct_1");
  observe(3, 90);
  k->finish();
  const auto first = k->exemplars("acct_1");
  ASSERT_EQ(first->size(), 3u);
  EXPECT_THAT(first->front().text, testing::MatchesRegex("What is number [0-9]+ of the list about rivers."));
  EXPECT_EQ(k->exemplars("acct_2")->size(), 0u);
  k.reset();
  k = keeper(folder, *o, settings);  // goes on with those that there are
  o->refresh("acct_1");
  observe(90, 400);
  k->finish();
  EXPECT_EQ(k->exemplars("acct_1")->size(), 3u);
  k.reset();
  k = keeper(folder, *o, settings);
  ASSERT_TRUE(k->label("acct_1", {verdict::LabelKind::kBenign, the_time(1000), "ours"}));
  EXPECT_EQ(k->exemplars("acct_1")->size(), 0u);
  EXPECT_EQ(folder.all_bytes().find("list about rivers"), std::string::npos);
}

TEST(Archive, TakesOverTheFirstFormat) {
  const Folder folder;
  {
    auto database = store::Database::open(folder.database());
    ASSERT_TRUE(
        database->run("CREATE TABLE subjects(account BLOB PRIMARY KEY, last_exchange INTEGER, last_seen INTEGER, "
                      "saved BLOB) WITHOUT ROWID;"
                      "CREATE TABLE journal(last_exchange INTEGER PRIMARY KEY, count INTEGER, records BLOB);"
                      "CREATE TABLE findings(account BLOB PRIMARY KEY, time INTEGER, body BLOB) WITHOUT ROWID;"
                      "CREATE TABLE labels(account BLOB PRIMARY KEY, line BLOB) WITHOUT ROWID;"
                      "INSERT INTO findings VALUES(X'61', 5, X'7b7d')"));
    ASSERT_TRUE(database->set_version(1));
  }
  const auto archive = Archive::open(folder.database());
  ASSERT_TRUE(archive) << archive.error().message;
  EXPECT_EQ((*archive)->findings()->size(), 1u);
  EXPECT_EQ((*archive)->untold()->size(), 0u);
}

TEST(Archive, TakesOverWhatAFindingIsAbout) {
  const Folder folder;
  (void)Archive::open(folder.database());
  {
    auto database = store::Database::open(folder.database());
    ASSERT_TRUE(database->run(
        R"(ALTER TABLE findings DROP COLUMN about;
           INSERT INTO findings VALUES('acct_1', 5, CAST('{"type":"finding"}' AS BLOB));
           INSERT INTO findings VALUES('campaign_1', 5, CAST('{"type":"campaign","time":""}' AS BLOB)))"));
    ASSERT_TRUE(database->set_version(4));
  }
  const auto archive = Archive::open(folder.database());
  ASSERT_TRUE(archive) << archive.error().message;
  const auto findings = (*archive)->findings();
  ASSERT_EQ(findings->size(), 2u);
  for (const Finding& f : *findings)
    EXPECT_EQ(f.about, f.account == "acct_1" ? About::kAccount : About::kCampaign) << f.account;
}

TEST(Archive, WritesOfCampaignsThoseThatChanged) {
  const Folder folder;
  const auto commit = [&](std::vector<std::string> campaigns) {
    const auto archive = Archive::open(folder.database());
    Archive::Changes changes;
    changes.campaigns = std::move(campaigns);
    ASSERT_TRUE((*archive)->commit(changes));
  };
  const auto rows = [&] {
    std::map<std::string, int64_t> numbers;
    auto database = store::Database::open(folder.database());
    auto select = database->prepare("SELECT number, body FROM campaigns");
    while (*select->step()) numbers[std::string(select->bytes(1))] = select->number(0);
    return numbers;
  };
  commit({"one", "two", "three"});
  const auto before = rows();
  EXPECT_EQ(before.size(), 3u);
  commit({"three", "two, grown", "one"});
  auto after = rows();
  EXPECT_EQ(after.size(), 3u);
  EXPECT_EQ(after.erase("two, grown"), 1u);
  for (const auto& [body, number] : after) EXPECT_EQ(number, before.at(body)) << body;
  commit({});
  EXPECT_TRUE(rows().empty());
}

TEST(Archive, IsOpenInOneProgramOnly) {
  const Folder folder;
  const auto first = Archive::open(folder.database());
  ASSERT_TRUE(first);
  const auto second = Archive::open(folder.database());
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, testing::HasSubstr("in use by another program"));
}

TEST(Archive, SaysWhatIsWrongWithAFile) {
  const Folder folder;
  std::ofstream(folder.database()) << std::string(5000, 'x');
  const auto archive = Archive::open(folder.database());
  ASSERT_FALSE(archive);
  EXPECT_THAT(archive.error().message, testing::HasSubstr("is damaged"));
}

}  // namespace
}  // namespace stillwatch::gateway
