#include "gateway/keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "report/json.h"

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

std::unique_ptr<Observer> observer() {
  return std::make_unique<Observer>(
      std::make_unique<pipeline::Pipeline>(nullptr, verdict::Labels(), pipeline::Options{}), nullptr);
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

void feed(Observer& o, int from, int to) {
  for (int i = from; i < to; ++i) {
    Observation e = exchange("acct_" + std::to_string(i % 3), i);
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
  return std::make_unique<Keeper>(std::move(*archive), 0, o, settings);
}

std::unique_ptr<Observer> restored(const Folder& folder) {
  auto archive = Archive::open(folder.database());
  EXPECT_TRUE(archive) << archive.error().message;
  auto pipeline = std::make_unique<pipeline::Pipeline>(nullptr, verdict::Labels(), pipeline::Options{});
  const auto last = archive->restore(*pipeline);
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
    ASSERT_TRUE(archive->commit(c));
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
  EXPECT_EQ(archive->findings()->size(), 1u);
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
