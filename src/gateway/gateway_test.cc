#include "gateway/gateway.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "dialect/log_format.h"
#include "gateway/peers.h"
#include "report/json.h"

namespace stillwatch::gateway {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

base::Time the_time() {
  return base::from_ms(1'772'409'600'000);
}

std::unique_ptr<Gateway> gateway_before(uint16_t upstream) {
  Settings s;
  s.listen = {"127.0.0.1", 0};
  s.admin = {"127.0.0.1", 0};
  s.upstream.host = "127.0.0.1";
  s.upstream.port = upstream;
  s.drain = std::chrono::seconds(1);
  s.now = the_time;
  auto started = Gateway::start(s, Identity({}, {}),
                                std::make_unique<pipeline::Pipeline>(nullptr, verdict::Labels(), pipeline::Options{}));
  EXPECT_TRUE(started) << (started ? "" : started.error().message);
  return std::move(*started);
}

std::string post(std::string_view body, std::string_view fields = "") {
  return fmt::format(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer key-1\r\n{}Content-Length: {}\r\n\r\n{}",
      fields, body.size(), body);
}

constexpr std::string_view kPrompt =
    R"({"model":"m","messages":[{"role":"user","content":"Name three rivers of Europe, please."}]})";
constexpr std::string_view kAnswer =
    R"({"choices":[{"message":{"role":"assistant","content":"Rhine, Rhone, Elbe."}}],"usage":{"prompt_tokens":9,"completion_tokens":7}})";

void wait_until(const std::function<bool()>& done) {
  for (int i = 0; i < 2000 && !done(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_TRUE(done());
}

TEST(Gateway, RelaysBothWaysAsItWasSent) {
  Upstream upstream([](const Message&) { return answer(kAnswer); });
  const auto gateway = gateway_before(upstream.port());
  Client client(gateway->port());
  for (int i = 0; i < 3; ++i) {
    const Message m = client.ask(post(kPrompt, "X-Odd:  spelt\r\nConnection: x-hop\r\nx-hop: 1\r\n"));
    EXPECT_THAT(m.raw, StartsWith("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-From: upstream\r\n"));
    EXPECT_EQ(m.payload, kAnswer);
  }
  EXPECT_EQ(upstream.accepted(), 1);  // kept alive
  EXPECT_THAT(upstream.received(), StartsWith("POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "
                                              "key-1\r\nX-Odd: spelt\r\nContent-Length: "));
  EXPECT_EQ(upstream.received().find("x-hop"), std::string::npos);
}

TEST(Gateway, RelaysBodiesOfAnySizeAndFraming) {
  Upstream upstream([](const Message& m) {
    std::string out = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (size_t at = 0; at < m.payload.size(); at += 1000) {
      const std::string piece = m.payload.substr(at, 1000);
      out += fmt::format("{:x};ext=1\r\n{}\r\n", piece.size(), piece);
    }
    return out + "0\r\nX-Trailer: t\r\n\r\n";
  });
  const auto gateway = gateway_before(upstream.port());
  for (const size_t size : {size_t{0}, size_t{1}, size_t{100'000}, size_t{12} << 20}) {
    std::string body(size, 'x');
    for (size_t i = 0; i < size; i += 7) body[i] = static_cast<char>('a' + i % 26);
    Client client(gateway->port());
    std::thread sending([&] { client.send(post(body)); });
    const Message m = client.receive();
    sending.join();
    EXPECT_EQ(m.payload, body) << size;
    EXPECT_THAT(m.raw, testing::EndsWith("X-Trailer: t\r\n\r\n"));
  }
  Client client(gateway->port());
  const Message m =
      client.ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(m.payload, "abcde");
}

TEST(Gateway, ReadsRequestsByteByByteAndSeveralAtOnce) {
  Upstream upstream([](const Message& m) { return answer(m.payload); });
  const auto gateway = gateway_before(upstream.port());
  Client slow(gateway->port());
  for (const char c : post("slowly")) slow.send({&c, 1});
  EXPECT_EQ(slow.receive().payload, "slowly");
  Client eager(gateway->port());
  eager.send("\r\n" + post("one") + post("two") + post("three"));
  EXPECT_EQ(eager.receive().payload, "one");
  EXPECT_EQ(eager.receive().payload, "two");
  EXPECT_EQ(eager.receive().payload, "three");
}

TEST(Gateway, PassesOnInterimAnswersBeforeTheBody) {
  Upstream upstream([](const Message& m) { return answer(m.payload); });
  upstream.interim_ = true;
  const auto gateway = gateway_before(upstream.port());
  Client client(gateway->port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_THAT(client.receive().raw, StartsWith("HTTP/1.1 100 Continue\r\n"));
  client.send("hello");
  EXPECT_EQ(client.receive().payload, "hello");
}

TEST(Gateway, RelaysAnswersThatEndWithTheirConnection) {
  Upstream upstream([](const Message&) { return std::string("HTTP/1.0 200 Fine\r\nX: y\r\n\r\nuntil the end"); });
  const auto gateway = gateway_before(upstream.port());
  Client client(gateway->port());
  const Message m = client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(m.raw, StartsWith("HTTP/1.1 200 Fine\r\nX: y\r\nConnection: close\r\n"));
  EXPECT_EQ(m.payload, "until the end");
  EXPECT_TRUE(client.at_end());
}

TEST(Gateway, RefusesSmugglingBeforeAByteGoesUpstream) {
  Upstream upstream([](const Message&) { return answer("{}"); });
  const auto gateway = gateway_before(upstream.port());
  for (const char* request :
       {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "garbage\r\n\r\n"}) {
    Client client(gateway->port());
    const Message m = client.ask(request);
    EXPECT_THAT(m.raw, testing::AnyOf(StartsWith("HTTP/1.1 400 "), StartsWith("HTTP/1.1 501 "))) << request;
    EXPECT_THAT(m.payload, HasSubstr("stillwatch: "));
    EXPECT_TRUE(client.at_end());
  }
  EXPECT_EQ(upstream.received(), "");
  EXPECT_EQ(upstream.accepted(), 0);
}

TEST(Gateway, SaysSoWhenTheUpstreamFails) {
  Upstream upstream([](const Message& m) {
    if (m.payload == "vanish") return std::string();
    if (m.payload == "garbage") return std::string("what is this\r\n\r\nContent-Length");
    // In small letters: the model server of the test hangs up after it.
    return std::string("HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\ncut off");
  });
  const auto gateway = gateway_before(upstream.port());
  EXPECT_THAT(Client(gateway->port()).ask(post("vanish")).raw, StartsWith("HTTP/1.1 502 "));
  EXPECT_THAT(Client(gateway->port()).ask(post("garbage")).raw, StartsWith("HTTP/1.1 502 "));
  Client(gateway->port()).ask(post(kPrompt));  // its answer is cut off, and it counts all the same
  wait_until([&] { return gateway->observer().counts().prompts == 1; });
  const auto nobody = gateway_before(1);
  EXPECT_THAT(Client(nobody->port()).ask(post("x")).raw, StartsWith("HTTP/1.1 502 "));
}

TEST(Gateway, ObservesWhatItRelaysStreamedOrNot) {
  Upstream upstream([](const Message& m) {
    if (m.payload.find("\"stream\":true") == std::string::npos) return answer(kAnswer);
    return answer(
        "data: {\"choices\":[{\"delta\":{\"content\":\"Rhine, \"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":"
        "\"Elbe\"}}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":70}}\n\ndata: "
        "[DONE]\n\n",
        "text/event-stream");
  });
  const auto gateway = gateway_before(upstream.port());
  Client client(gateway->port());
  std::string streamed(kPrompt);
  streamed.insert(1, "\"stream\":true,");
  client.ask(post(kPrompt));
  client.ask(post(streamed));
  client.ask("GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n");
  wait_until([&] { return gateway->observer().counts().observed == 3; });
  EXPECT_EQ(gateway->observer().counts().prompts, 2u);
  const pipeline::Findings f = gateway->observer().findings();
  ASSERT_EQ(f.ranked.size(), 1u);
  EXPECT_EQ(f.ranked[0].exposure.output_tokens, 77u);
  EXPECT_EQ(f.ranked[0].account, Identity({}, {}).account_of_key("key-1"));
  EXPECT_EQ(f.ranked[0].account.find("key-1"), std::string::npos);
}

TEST(Gateway, DoesNotCountIdentitiesThatTheUpstreamRefuses) {
  Upstream upstream([](const Message&) { return std::string("HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\n{}"); });
  const auto gateway = gateway_before(upstream.port());
  Client(gateway->port()).ask(post(kPrompt));
  wait_until([&] { return gateway->observer().counts().observed == 1; });
  EXPECT_EQ(gateway->observer().counts().accounts, 0u);
}

// The same exchanges through the gateway and through a log give the same findings: against the reference and, with
// enough accounts, against the traffic itself.
void expect_findings_of_a_scan(int accounts, int exchanges) {
  Upstream upstream([](const Message&) { return answer(kAnswer); });
  const auto gateway = gateway_before(upstream.port());
  pipeline::Pipeline scanned(nullptr, {}, {});
  dialect::LogParser parser(dialect::LogFormat::kExchange);
  features::FeatureExtractor extractor;
  Client client(gateway->port());
  for (int i = 0; i < exchanges; ++i) {
    const std::string key = fmt::format("key-{}", i % accounts);
    const std::string body =
        fmt::format(R"({{"model":"m","messages":[{{"role":"user","content":"Question {} about {}"}}]}})", i,
                    i % 3 == 0   ? "rivers and lakes"
                    : i % 7 == 0 ? "engines"
                                 : "the history of paper");
    client.ask(fmt::format(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nx-api-key: {}\r\nUser-Agent: t\r\nContent-Length: "
        "{}\r\n\r\n{}",
        key, body.size(), body));
    const std::string line = fmt::format(
        R"({{"time":"{}","account":"{}","network":"127.0.0.1","client":"t","status":200,"request":{},"response":{}}})",
        base::format_rfc3339(the_time()), Identity({}, {}).account_of_key(key), body, kAnswer);
    ASSERT_TRUE(parser.parse(
        line, [&](const dialect::Exchange& e) { scanned.observe(e.account, e.organization, extractor.extract(e)); }));
  }
  wait_until([&] { return gateway->observer().counts().observed == static_cast<uint64_t>(exchanges); });
  const auto get = [&](const std::string& target) {
    return Client(gateway->admin_port())
        .ask(fmt::format("GET /api/v1/accounts{} HTTP/1.1\r\nHost: localhost\r\n\r\n", target))
        .payload;
  };
  const pipeline::Findings findings = scanned.findings();
  EXPECT_EQ(findings.baseline.name, accounts < 40 ? "reference" : "this log");
  const auto live = nlohmann::json::parse(get(""));
  ASSERT_EQ(live["accounts"].size(), findings.ranked.size());
  for (size_t i = 0; i < findings.ranked.size(); ++i) {
    const auto& a = findings.ranked[i];
    EXPECT_EQ(live["accounts"][i], nlohmann::json::parse(report::account_json(a, report::Depth::kReasons)));
    EXPECT_EQ(get("/" + a.account), report::account_json(a, report::Depth::kDetails));
  }
  EXPECT_EQ(live["summary"]["p_value_histogram"], nlohmann::json(findings.p_values));
  EXPECT_EQ(live["summary"]["output_tokens"], findings.output_tokens);
}

TEST(Gateway, FindsWhatAScanFinds) {
  expect_findings_of_a_scan(2, 60);
}

TEST(Gateway, FindsWhatAScanThatCalibratesItselfFinds) {
  expect_findings_of_a_scan(45, 45 * 21);
}

TEST(Gateway, GivesTheRankingPageByPage) {
  Upstream upstream([](const Message&) { return answer(kAnswer); });
  const auto gateway = gateway_before(upstream.port());
  for (int i = 0; i < 25; ++i) {
    Client(gateway->port())
        .ask(fmt::format("POST / HTTP/1.1\r\nHost: a\r\nx-api-key: {}\r\nContent-Length: {}\r\n\r\n{}", i,
                         kPrompt.size(), kPrompt));
  }
  wait_until([&] { return gateway->observer().counts().observed == 25; });
  const auto get = [&](const std::string& query) {
    return Client(gateway->admin_port())
        .ask(fmt::format("GET /api/v1/accounts?{} HTTP/1.1\r\nHost: localhost\r\n\r\n", query));
  };
  std::vector<std::string> paged, whole;
  std::string query = "limit=10";
  for (int page = 0; page < 3; ++page) {
    const auto json = nlohmann::json::parse(get(query).payload);
    EXPECT_EQ(json["summary"]["accounts"], 25);
    for (const auto& a : json["accounts"]) paged.push_back(a["account"]);
    EXPECT_EQ(json["next"].is_null(), page == 2);
    if (page < 2) query = "after=" + json["next"].get<std::string>() + "&limit=10";
  }
  const auto json = nlohmann::json::parse(get("").payload);
  for (const auto& a : json["accounts"]) whole.push_back(a["account"]);
  EXPECT_EQ(paged, whole);
  for (const char* bad : {"limit=0", "limit=1001", "limit=x", "limit=-1"})
    EXPECT_THAT(get(bad).raw, StartsWith("HTTP/1.1 400 ")) << bad;
  EXPECT_THAT(get("after=nobody").raw, StartsWith("HTTP/1.1 404 "));
}

TEST(Gateway, ServesMetricsAndFindings) {
  Upstream upstream([](const Message&) { return answer(kAnswer); });
  const auto gateway = gateway_before(upstream.port());
  Client(gateway->port()).ask(post(kPrompt));
  wait_until([&] { return gateway->observer().counts().observed == 1; });
  const auto get = [&](std::string_view target) {
    return Client(gateway->admin_port()).ask(fmt::format("GET {} HTTP/1.1\r\nHost: localhost:1\r\n\r\n", target));
  };
  EXPECT_THAT(get("/metrics").payload, HasSubstr("\nstillwatch_exchanges_observed_total 1\n"));
  EXPECT_THAT(get("/metrics").payload, HasSubstr("\nstillwatch_observations_shed_total 0\n"));
  EXPECT_EQ(get("/healthz").payload, "ok\n");
  const auto accounts = nlohmann::json::parse(get("/api/v1/accounts").payload);
  ASSERT_EQ(accounts["accounts"].size(), 1u);
  const std::string name = accounts["accounts"][0]["account"];
  EXPECT_EQ(nlohmann::json::parse(get("/api/v1/accounts/" + name).payload)["exchanges"], 1);
  EXPECT_THAT(get("/api/v1/accounts/nobody").raw, StartsWith("HTTP/1.1 404 "));
  EXPECT_EQ(nlohmann::json::parse(get("/api/v1/findings").payload)["accounts"].size(), 0u);
}

TEST(Gateway, HangsUpOnTheUpstreamWhenItsClientLeaves) {
  std::atomic<bool> asked{false}, leave{false};
  Upstream upstream([&](const Message&) {
    asked = true;
    for (int i = 0; i < 1000 && !leave; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return answer(kAnswer);
  });
  const auto gateway = gateway_before(upstream.port());
  {
    Client client(gateway->port());
    client.send(post(kPrompt));
    wait_until([&] { return asked.load(); });
  }
  wait_until([&] { return gateway->open_connections() == 0; });  // while the model still thinks
  EXPECT_FALSE(leave.exchange(true));
  EXPECT_EQ(gateway->observer().counts().observed, 0u);
}

TEST(Gateway, LetsExchangesEndWhenItStops) {
  std::atomic<bool> asked{false};
  Upstream upstream([&](const Message&) {
    asked = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    return answer(kAnswer);
  });
  const auto gateway = gateway_before(upstream.port());
  Client busy(gateway->port()), idle(gateway->port());
  std::string got;
  std::thread asking([&] { got = busy.ask(post(kPrompt)).payload; });
  wait_until([&] { return asked.load(); });
  gateway->stop();
  asking.join();
  EXPECT_EQ(got, kAnswer);
  EXPECT_TRUE(idle.at_end());
}

TEST(Addresses, AreReadStrictly) {
  EXPECT_EQ(parse_address("[::1]:80")->host, "::1");
  EXPECT_EQ(parse_upstream("http://h:9000/")->port, 9000);
  EXPECT_EQ(parse_upstream("http://h")->port, 80);
  EXPECT_EQ(parse_upstream("https://h")->port, 443);
  EXPECT_TRUE(parse_upstream("https://h")->tls);
  for (const char* bad : {"h", "h:", ":80", "h:99999", "h:8x"}) EXPECT_FALSE(parse_address(bad)) << bad;
  for (const char* bad : {"ftp://h", "h:80", "http://h/v1"}) EXPECT_FALSE(parse_upstream(bad)) << bad;
}

TEST(Identity, HidesCredentialsBehindASecret) {
  IdentitySettings by_field;
  by_field.trusted_field = "x-account";
  const Identity one({1}, by_field), other({2}, {});
  wire::RequestHead head;
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer  secret-key\r\n\r\n";
  ASSERT_TRUE(wire::parse_request(text, head));
  EXPECT_EQ(one.account_of(head, "1.2.3.4"), one.account_of_key("secret-key"));
  EXPECT_NE(one.account_of(head, "1.2.3.4"), other.account_of(head, "1.2.3.4"));
  EXPECT_EQ(one.account_of(head, "").find("secret"), std::string::npos);
  const std::string named = "GET / HTTP/1.1\r\nHost: a\r\nX-Account: team-7\r\n\r\n";
  ASSERT_TRUE(wire::parse_request(named, head));
  EXPECT_EQ(one.account_of(head, "1.2.3.4"), "team-7");
  EXPECT_THAT(other.account_of(head, "1.2.3.4"), StartsWith("net_"));
}

}  // namespace
}  // namespace stillwatch::gateway
