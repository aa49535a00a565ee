#include "net/http_client.h"

#include <gmock/gmock.h>

#include <condition_variable>
#include <set>

#include "net/test_server.h"

namespace stillwatch::net {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

// A clock that only pauses move.
struct Clock {
  milliseconds now{0};
  std::vector<int64_t> pauses;

  HttpSettings settings() {
    HttpSettings s;
    s.now = [this] { return now; };
    s.sleep = [this](milliseconds pause) {
      now += pause;
      pauses.push_back(pause.count());
    };
    return s;
  }
};

std::unique_ptr<HttpClient> client_of(HttpSettings settings) {
  auto client = HttpClient::create(std::move(settings));
  return client ? std::move(*client) : nullptr;
}

base::Result<HttpResponse> ask(HttpClient& client, HttpRequest request) {
  base::Result<HttpResponse> got = base::fail(base::ErrorCode::kInternal, "done was not called");
  client.submit(std::move(request), [&](base::Result<HttpResponse> r) { got = std::move(r); });
  EXPECT_TRUE(client.run());
  return got;
}

TEST(HttpClient, SendsAndReceivesWhatItShould) {
  TestServer::Request seen;
  TestServer server([&](const TestServer::Request& r) {
    seen = r;
    return TestServer::answer("hello", 200, "X-Test:  a b \r\n");
  });
  Clock clock;
  const auto response =
      ask(*client_of(clock.settings()), {.url = server.url("/a?b=c"), .headers = {{"X-Key", "k"}}, .body = "{}"});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "hello");
  EXPECT_EQ(response->header("x-test"), "a b");
  EXPECT_EQ(response->header("x-other"), "");
  EXPECT_EQ(response->attempts, 1);
  EXPECT_THAT(seen.head, HasSubstr("POST /a?b=c HTTP/1.1\r\n"));
  EXPECT_THAT(seen.head, HasSubstr("X-Key: k\r\n"));
  EXPECT_EQ(seen.body, "{}");
}

TEST(HttpClient, AsksInOrderAndNeverMoreAtOnceThanAllowed) {
  TestServer server([](const TestServer::Request& r) { return TestServer::answer(r.body); });
  Clock clock;
  HttpSettings settings = clock.settings();
  settings.concurrency = 3;
  const auto client = client_of(std::move(settings));
  std::set<std::string> bodies;
  for (int i = 0; i < 60; ++i) {
    client->submit({.url = server.url(), .body = std::to_string(i)},
                   [&](base::Result<HttpResponse> r) { bodies.insert(r ? r->body : "?"); });
  }
  EXPECT_EQ(client->pending(), 60u);
  EXPECT_TRUE(client->run());
  EXPECT_EQ(bodies.size(), 60u);
  EXPECT_FALSE(bodies.contains("?"));
  EXPECT_LE(server.at_once_max(), 3);
  EXPECT_GE(server.at_once_max(), 1);
}

TEST(HttpClient, TriesAgainEverMoreSlowly) {
  TestServer server([](const TestServer::Request& r) {
    return r.number < 5 ? TestServer::answer("busy", r.number % 2 == 0 ? 503 : 429) : TestServer::answer("done");
  });
  Clock clock;
  const auto response = ask(*client_of(clock.settings()), {.url = server.url()});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "done");
  EXPECT_EQ(response->attempts, 5);
  ASSERT_EQ(clock.pauses.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {  // 500, 1000, 2000, 4000, less up to a half
    EXPECT_LE(clock.pauses[i], 500 << i);
    EXPECT_GE(clock.pauses[i], 250 << i);
  }
}

TEST(HttpClient, SpreadsPausesByItsSeed) {
  const auto pauses_of = [](uint64_t seed) {
    TestServer server([](const TestServer::Request&) { return TestServer::answer("busy", 503); });
    Clock clock;
    HttpSettings settings = clock.settings();
    settings.seed = seed;
    EXPECT_EQ(ask(*client_of(std::move(settings)), {.url = server.url()})->status, 503);
    return clock.pauses;
  };
  EXPECT_EQ(pauses_of(1), pauses_of(1));
  EXPECT_NE(pauses_of(1), pauses_of(2));
}

TEST(HttpClient, WaitsAsLongAsTheServerAsks) {
  for (const auto& [header, ms] :
       {std::pair("Retry-After: 7\r\n", 7000), std::pair("retry-after-ms: 1234\r\n", 1234)}) {
    TestServer server([&, h = header](const TestServer::Request& r) {
      return r.number == 1 ? TestServer::answer("", 429, h) : TestServer::answer("done");
    });
    Clock clock;
    EXPECT_EQ(ask(*client_of(clock.settings()), {.url = server.url()})->body, "done");
    EXPECT_EQ(clock.pauses, std::vector<int64_t>{ms});
  }
}

TEST(HttpClient, HoldsEverythingBackWhileTheServerAsksToWait) {
  TestServer server([&](const TestServer::Request& r) {
    return r.number == 1 ? TestServer::answer("", 429, "Retry-After: 5\r\n") : TestServer::answer("done");
  });
  Clock clock;
  HttpSettings settings = clock.settings();
  settings.concurrency = 1;
  const auto client = client_of(std::move(settings));
  std::vector<int64_t> times;
  for (int i = 0; i < 3; ++i)
    client->submit({.url = server.url()}, [&](const auto&) { times.push_back(clock.now.count()); });
  EXPECT_TRUE(client->run());
  EXPECT_EQ(times, (std::vector<int64_t>{5000, 5000, 5000}));
}

TEST(HttpClient, GivesUpAndHandsOverTheLastAnswer) {
  TestServer server([](const TestServer::Request&) { return TestServer::answer("still busy", 503); });
  Clock clock;
  HttpSettings settings = clock.settings();
  settings.attempts_max = 3;
  const auto response = ask(*client_of(std::move(settings)), {.url = server.url()});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 503);
  EXPECT_EQ(response->body, "still busy");
  EXPECT_EQ(server.requests(), 3);
}

TEST(HttpClient, DoesNotTryAgainWhatWillNotPass) {
  for (const int status : {400, 401, 403, 404, 413, 422, 501}) {
    TestServer server([=](const TestServer::Request&) { return TestServer::answer("no", status); });
    Clock clock;
    EXPECT_EQ(ask(*client_of(clock.settings()), {.url = server.url()})->status, status);
    EXPECT_EQ(server.requests(), 1) << status;
  }
}

TEST(HttpClient, TriesBrokenConnectionsAgain) {
  TestServer server([](const TestServer::Request& r) -> std::string {
    if (r.number == 1) return "";
    if (r.number == 2) return "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
    return TestServer::answer("whole");
  });
  // The second answer ends its connection early only if the server is gone: a short timeout stands for that.
  Clock clock;
  HttpSettings settings = clock.settings();
  settings.timeout = milliseconds(200);
  const auto response = ask(*client_of(std::move(settings)), {.url = server.url()});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "whole");
  EXPECT_EQ(response->attempts, 3);
}

TEST(HttpClient, SaysThatNobodyAnswersAndKeepsSecretsToItself) {
  std::string url;
  {
    const TestServer gone([](const TestServer::Request&) { return ""; });
    url = gone.url("/v1/x?key=secret1");
  }
  url.insert(7, "user:secret2@");
  Clock clock;
  const auto response =
      ask(*client_of(clock.settings()), {.url = url, .headers = {{"Authorization", "secret3"}}, .body = "secret4"});
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().message, HasSubstr("/v1/x gave no answer in 6 attempts"));
  EXPECT_THAT(response.error().message, Not(HasSubstr("secret")));
}

TEST(HttpClient, RefusesAnswersThatAreTooLarge) {
  TestServer server([](const TestServer::Request&) { return TestServer::answer(std::string(5000, 'x')); });
  Clock clock;
  HttpSettings settings = clock.settings();
  settings.response_bytes_max = 4999;
  const auto response = ask(*client_of(std::move(settings)), {.url = server.url()});
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().message, HasSubstr("more than 4999 bytes"));
  EXPECT_EQ(server.requests(), 1);
}

TEST(HttpClient, RefusesHeadersThatWouldBecomeTwo) {
  TestServer server([](const TestServer::Request&) { return TestServer::answer("x"); });
  Clock clock;
  const auto response = ask(*client_of(clock.settings()), {.url = server.url(), .headers = {{"A", "b\r\nC: d"}}});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, base::ErrorCode::kUsage);
  EXPECT_EQ(server.requests(), 0);
}

TEST(HttpClient, DoesNotFollowRedirects) {
  TestServer server([&](const TestServer::Request&) { return TestServer::answer("", 307, "Location: /else\r\n"); });
  Clock clock;
  EXPECT_EQ(ask(*client_of(clock.settings()), {.url = server.url()})->status, 307);
  EXPECT_EQ(server.requests(), 1);
}

TEST(HttpClient, StreamsPiecesAndDoesNotAskTwiceForThem) {
  TestServer server([&](const TestServer::Request&) {
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  });
  Clock clock;
  const auto client = client_of(clock.settings());
  std::string streamed;
  int status = 0;
  client->submit(
      {.url = server.url()}, [&](base::Result<HttpResponse> r) { status = r ? r->status : -1; },
      [&](std::string_view piece) {
        streamed += piece;
        return true;
      });
  EXPECT_TRUE(client->run());
  EXPECT_EQ(status, 200);
  EXPECT_EQ(streamed, "abcde");
  client->submit(
      {.url = server.url()}, [&](base::Result<HttpResponse> r) { status = r ? r->status : -1; },
      [](std::string_view) { return false; });
  EXPECT_TRUE(client->run());
  EXPECT_EQ(status, -1);
  EXPECT_EQ(server.requests(), 2);
}

TEST(HttpClient, CancelsWhatWaitsAndWhatIsUnderWay) {
  std::mutex mutex;
  std::condition_variable wake;
  bool open = false;
  TestServer server([&](const TestServer::Request&) {
    std::unique_lock lock(mutex);
    wake.wait(lock, [&] { return open; });
    return TestServer::answer("late");
  });
  Clock clock;
  HttpSettings settings = clock.settings();
  settings.concurrency = 1;
  const auto client = client_of(std::move(settings));
  int called = 0;
  const auto first = client->submit({.url = server.url()}, [&](const auto&) { ++called; });
  const auto second = client->submit({.url = server.url()}, [&](const auto&) { ++called; });
  while (server.requests() == 0) client->run_once(milliseconds(5));
  client->cancel(first);
  client->cancel(second);
  client->cancel(second);
  EXPECT_EQ(client->pending(), 0u);
  EXPECT_TRUE(client->run());
  EXPECT_EQ(called, 0);
  {
    const std::lock_guard lock(mutex);
    open = true;
  }
  wake.notify_all();
}

TEST(HttpClient, ReturnsWhenInterruptedAndGoesOnAfterwards) {
  TestServer server([&](const TestServer::Request& r) {
    return r.number == 1 ? TestServer::answer("", 503) : TestServer::answer("done");
  });
  Clock clock;
  HttpSettings settings = clock.settings();
  settings.sleep = {};  // really waits: for a minute, were it not interrupted
  settings.backoff = milliseconds(60'000);
  milliseconds step{0};  // that the clock goes on each time it is read
  settings.now = [&] { return clock.now += step; };
  const auto client = client_of(std::move(settings));
  bool done = false;
  client->submit({.url = server.url()}, [&](const auto&) { done = true; });
  std::thread other([&] {
    while (server.requests() == 0) std::this_thread::yield();
    client->interrupt();
  });
  EXPECT_FALSE(client->run());
  other.join();
  EXPECT_FALSE(done);
  EXPECT_EQ(client->pending(), 1u);
  step = milliseconds(60'000);  // the first attempt may not even have been answered yet
  EXPECT_TRUE(client->run());
  EXPECT_TRUE(done);
}

TEST(HttpClient, MayBeAskedForMoreFromWithinAnAnswer) {
  TestServer server([](const TestServer::Request& r) { return TestServer::answer(r.body); });
  Clock clock;
  const auto client = client_of(clock.settings());
  int answers = 0;
  HttpClient::Done next = [&](const auto&) {
    if (++answers < 5) client->submit({.url = server.url()}, next);
  };
  client->submit({.url = server.url()}, next);
  EXPECT_TRUE(client->run());
  EXPECT_EQ(answers, 5);
}

TEST(HttpClient, NeedsAClock) {
  EXPECT_FALSE(HttpClient::create({}));
}

}  // namespace
}  // namespace stillwatch::net
