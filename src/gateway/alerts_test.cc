#include "gateway/alerts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "base/descriptor.h"

#include "gateway/peers.h"

namespace stillwatch::gateway {
namespace {

using testing::HasSubstr;

void wait_until(const std::function<bool()>& done) {
  for (int i = 0; i < 2000 && !done(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_TRUE(done());
}

struct Clock {
  std::atomic<int64_t> ms{1'772'409'600'000};
};

AlertSettings settings(uint16_t port, const std::shared_ptr<Clock>& clock) {
  AlertSettings s;
  if (port != 0) s.webhook_url = fmt::format("http://127.0.0.1:{}/hook?token=secret", port);
  s.webhook_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  s.now = [clock] { return base::from_ms(clock->ms); };
  return s;
}

Alert alert(const std::string& id) {
  return {id, "a", {}, R"({"type":"finding"})", "account=a", kAllSinks};
}

// The example of the specification's own documents.
TEST(Alerts, SignAsStandardWebhooksDo) {
  const std::string key(
      "\x31\xf2\x90\xf6\xbf\x06\x29\x8a\xab\x4f\x08\xd4\x3c\x3f\x08\x2c\xf6\x48\xa3\x62\xda\x2d\xa4\xb0", 24);
  EXPECT_EQ(Alerts::signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(Alerts, AreDeliveredOnceAndTriedAgainUntilThen) {
  std::atomic<int> asked{0};
  Upstream hook([&](const Message&) {
    return std::string(++asked == 1 ? "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n" : "HTTP/1.1 204 Yes\r\n\r\n");
  });
  const auto clock = std::make_shared<Clock>();
  auto alerts = Alerts::start(settings(hook.port(), clock));
  ASSERT_TRUE(alerts) << alerts.error().message;
  (*alerts)->submit(alert("finding_1"));
  (*alerts)->submit(alert("finding_1"));
  wait_until([&] { return (*alerts)->counts().failed == 1; });
  EXPECT_EQ((*alerts)->counts().waiting, 1u);
  clock->ms += 3'600'000;
  wait_until([&] { return (*alerts)->counts().delivered == 1; });
  EXPECT_EQ(asked, 2);
  EXPECT_THAT(hook.received(), HasSubstr("webhook-id: finding_1\r\nwebhook-timestamp: 17724"));
  EXPECT_THAT(hook.received(), HasSubstr("webhook-signature: v1,"));
}

TEST(Alerts, GiveUpWhatIsRefused) {
  Upstream hook([&](const Message&) { return std::string("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"); });
  auto alerts = Alerts::start(settings(hook.port(), std::make_shared<Clock>()));
  ASSERT_TRUE(alerts);
  (*alerts)->submit(alert("a"));
  wait_until([&] { return (*alerts)->counts().given_up == 1; });
}

TEST(Alerts, AreLinesOfAFileThatMayBeMovedAway) {
  const auto path = std::filesystem::temp_directory_path() / ("alerts" + std::to_string(::getpid()));
  AlertSettings s = settings(0, std::make_shared<Clock>());
  s.json_log = path;
  const auto lines = [&](const std::filesystem::path& file) {
    std::ifstream in(file);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  auto alerts = Alerts::start(s);
  ASSERT_TRUE(alerts);
  (*alerts)->submit(alert("a"));
  wait_until([&] { return (*alerts)->counts().delivered == 1; });
  std::filesystem::rename(path, path.string() + ".1");
  (*alerts)->submit(alert("b"));
  wait_until([&] { return (*alerts)->counts().delivered == 2; });
  EXPECT_EQ(lines(path), "{\"type\":\"finding\"}\n");
  EXPECT_EQ(lines(path.string() + ".1"), "{\"type\":\"finding\"}\n");
  std::filesystem::remove(path);
  std::filesystem::remove(path.string() + ".1");
}

// What a daemon would read from /dev/log.
class Log {
 public:
  explicit Log(std::string path) : path_(std::move(path)) {
    std::filesystem::remove(path_);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const timeval patience{10, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~Log() { std::filesystem::remove(path_); }
  std::string next() {
    char room[4096];
    const ssize_t n = ::recv(socket_.get(), room, sizeof room, 0);
    return std::string(room, n > 0 ? static_cast<size_t>(n) : 0);
  }

 private:
  std::string path_;
  base::Descriptor socket_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

TEST(Alerts, AreLinesOfTheSystemLog) {
  const auto clock = std::make_shared<Clock>();
  AlertSettings s = settings(0, clock);
  s.syslog = true;
  s.syslog_socket = std::filesystem::temp_directory_path() / ("log" + std::to_string(::getpid()));
  auto alerts = Alerts::start(s);
  ASSERT_TRUE(alerts);
  (*alerts)->submit(alert("a"));
  wait_until([&] { return (*alerts)->counts().failed == 1; });  // nobody listens yet
  Log log(s.syslog_socket);
  clock->ms += 3'600'000;
  const std::string line = log.next();
  EXPECT_THAT(line, testing::MatchesRegex("<84>Mar  2 [0-9:]+ stillwatch.[0-9]+.: account=a"));
  wait_until([&] { return (*alerts)->counts().delivered == 1; });
  EXPECT_EQ((*alerts)->counts().waiting, 0u);
}

TEST(Alerts, TellWhatIsDoneWithThemAndWhatIsNot) {
  std::atomic<int> status{503};
  Upstream hook(
      [&](const Message&) { return fmt::format("HTTP/1.1 {} X\r\nContent-Length: 0\r\n\r\n", status.load()); });
  const auto path = std::filesystem::temp_directory_path() / ("done" + std::to_string(::getpid()));
  AlertSettings s = settings(hook.port(), std::make_shared<Clock>());
  s.json_log = path;
  std::mutex mutex;
  std::map<std::string, Sinks> done;
  s.on_done = [&](const Alert& a, Sinks sinks) {
    const std::lock_guard lock(mutex);
    done[a.id] |= sinks;
  };
  auto alerts = Alerts::start(s);
  ASSERT_TRUE(alerts);
  (*alerts)->submit(alert("kept"));
  wait_until([&] { return (*alerts)->counts().failed == 1; });
  alerts->reset();  // the end of the program: the webhook has still to be told
  EXPECT_EQ(done["kept"], kJsonLog);
  alerts = Alerts::start(s);
  Alert again = alert("kept");
  again.left = kWebhook;
  status = 204;
  (*alerts)->submit(again);
  wait_until([&] { return (*alerts)->counts().delivered == 1; });
  alerts->reset();
  EXPECT_EQ(done["kept"], kJsonLog | kWebhook);
  std::ifstream file(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "{\"type\":\"finding\"}\n");
  std::filesystem::remove(path);
}

TEST(Alerts, SayWhatIsWrongWithTheirSettingsAndNoSecret) {
  AlertSettings s = settings(0, std::make_shared<Clock>());
  s.webhook_url = "gopher://x?token=geheim";
  EXPECT_EQ(Alerts::start(s).error().message.find("geheim"), std::string::npos);
  s.webhook_url = "http://x";
  s.webhook_secret = "c2hvcnQ=";
  EXPECT_THAT(Alerts::start(s).error().message, HasSubstr("base64 of 16 bytes"));
  s = settings(0, std::make_shared<Clock>());
  s.json_log = "/nowhere/at/all";
  EXPECT_THAT(Alerts::start(s).error().message, HasSubstr("cannot be written"));
}

}  // namespace
}  // namespace stillwatch::gateway
