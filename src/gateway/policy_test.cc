// What a policy does to live requests, and the admin port's part in it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "gateway/histogram.h"
#include "gateway/test_policies.h"

namespace stillwatch::gateway {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST_F(Policies, RefuseWhomAPersonCalledHostile) {
  start(policy("{rung: refuse, status: 429, message: 'ask \"us\"', retry_after_s: 120}"));
  label_hostile();
  const Message m = ask();
  EXPECT_THAT(m.raw, StartsWith("HTTP/1.1 429 Too Many Requests\r\n"));
  EXPECT_THAT(m.raw, HasSubstr("\r\nRetry-After: 120\r\n"));
  EXPECT_EQ(nlohmann::json::parse(m.payload)["error"]["message"], "ask \"us\"");
  EXPECT_THAT(admin("GET", "/metrics").payload,
              HasSubstr("stillwatch_policy_requests_total{rung=\"refuse\",mode=\"enforce\"} 1\n"));
  const auto shown = nlohmann::json::parse(admin("GET", "/api/v1/policy").payload);
  EXPECT_EQ(shown["decided"][0]["account"], account_);
  EXPECT_EQ(shown["decided"][0]["does"][0], "refuse");
  gateway_->set_policy(policy("{rung: refuse}"));
  EXPECT_EQ(ask().raw.find("Retry-After"), std::string::npos);  // of a 403 there is nothing to wait for
  gateway_->set_policy(policy("{rung: refuse, mode: observe}"));
  EXPECT_THAT(ask().raw, StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(Policies, StripLogprobsAndAskForAPlainAnswer) {
  start(policy("{rung: strip}"));
  EXPECT_EQ(ask().payload, kAnswer);
  label_hostile();
  const Message m = ask();
  EXPECT_EQ(m.payload, R"({"choices":[{"message":{"content":"Rhine"},"logprobs":null}]})");
  EXPECT_EQ(m.raw.find("Content-Length"), std::string::npos);
  EXPECT_THAT(upstream_.received(), HasSubstr("Accept-Encoding: identity\r\n"));
}

TEST_F(Policies, DelayRequests) {
  start(policy("{rung: delay, delay_ms: 150}"));
  label_hostile();
  const auto begun = base::to_ms(std::chrono::time_point_cast<std::chrono::milliseconds>(
      std::chrono::file_clock::to_sys(std::chrono::file_clock::now())));
  EXPECT_EQ(ask().payload, kAnswer);
  const auto ended = base::to_ms(std::chrono::time_point_cast<std::chrono::milliseconds>(
      std::chrono::file_clock::to_sys(std::chrono::file_clock::now())));
  EXPECT_GE(ended - begun, 145);
}

TEST_F(Policies, LabelsAndProfilesOutliveTheGateway) {
  start(policy("{rung: refuse}"));
  label_hostile();
  gateway_.reset();
  start(policy("{rung: refuse}"));
  EXPECT_THAT(ask().raw, StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(admin("DELETE", "/api/v1/accounts/" + account_).raw, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(admin("DELETE", "/api/v1/accounts/" + account_).raw, StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(ask().raw, StartsWith("HTTP/1.1 200"));
}

TEST_F(Policies, LabelsAndSamplesAreShown) {
  exemplars_ = 2;
  start(policy("{rung: strip}"));
  EXPECT_EQ(admin("GET", "/api/v1/labels").payload, R"({"labels":[]})");
  label_hostile();
  const auto labels = nlohmann::json::parse(admin("GET", "/api/v1/labels").payload)["labels"];
  ASSERT_EQ(labels.size(), 1u);
  EXPECT_EQ(labels[0]["account"], account_);
  EXPECT_EQ(labels[0]["label"], "hostile");
  ask();
  nlohmann::json samples;
  for (int i = 0; i < 1000 && (i == 0 || samples["exemplars"].empty()); ++i) {  // written within half a second
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    samples = nlohmann::json::parse(admin("GET", "/api/v1/accounts/" + account_ + "/exemplars").payload);
  }
  ASSERT_EQ(samples["exemplars"].size(), 1u);
  EXPECT_EQ(samples["exemplars"][0]["text"], "Name three rivers.");
  EXPECT_THAT(admin("DELETE", "/api/v1/accounts/" + account_ + "/exemplars").raw, StartsWith("HTTP/1.1 405 "));
}

TEST_F(Policies, PeopleGetATableAndAPage) {
  start(policy("{rung: strip}"));
  label_hostile();
  const Message table =
      Client(gateway_->admin_port())
          .ask("GET /api/v1/accounts?limit=5 HTTP/1.1\r\nHost: localhost\r\nAccept: text/plain\r\n\r\n");
  EXPECT_THAT(table.raw, HasSubstr("Content-Type: text/plain"));
  EXPECT_THAT(table.payload, HasSubstr("1 exchange of 1 account"));
  EXPECT_THAT(table.payload, HasSubstr(account_.substr(0, 10)));
  const Message page = admin("GET", "/report");
  EXPECT_THAT(page.raw, HasSubstr("Content-Type: text/html"));
  EXPECT_THAT(page.payload, HasSubstr(account_));
  EXPECT_THAT(page.payload, HasSubstr("\"hours_of_week\""));
}

TEST_F(Policies, LatencyIsMeasuredBothWays) {
  start(policy("{rung: strip}"));
  ask();
  ask();
  const std::string metrics = admin("GET", "/metrics").payload;
  for (const char* direction : {"request", "answer"}) {
    EXPECT_THAT(metrics,
                HasSubstr(fmt::format("stillwatch_added_latency_seconds_count{{direction=\"{}\"}} 2\n", direction)));
    EXPECT_THAT(metrics,
                HasSubstr(fmt::format("stillwatch_added_latency_seconds_bucket{{direction=\"{}\",le=\"+Inf\"}} 2\n",
                                      direction)));
  }
  EXPECT_THAT(metrics, HasSubstr("# TYPE stillwatch_added_latency_seconds histogram\n"));
}

TEST(Histograms, CountInBuckets) {
  Histogram h;
  for (const int64_t us : {1, 10, 11, 900, 60'000'000}) h.note(us * 1000);
  const std::string text = h.text("x", "");
  EXPECT_THAT(text, StartsWith("x_bucket{le=\"1e-05\"} 2\nx_bucket{le=\"2.5e-05\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("x_bucket{le=\"0.001\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("x_bucket{le=\"5\"} 4\nx_bucket{le=\"+Inf\"} 5\nx_sum 60.000922000\nx_count 5\n"));
}

TEST_F(Policies, RequestsHappenWhenARehearsalSays) {
  time_field_ = "x-replay-time";
  start(policy("{rung: strip}"));
  const auto ask_at = [&](std::string_view time) {
    Client(gateway_->port())
        .ask(fmt::format("POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer k\r\nX-Replay-Time: "
                         "{}\r\nContent-Length: {}\r\n\r\n{}",
                         time, kPrompt.size(), kPrompt));
  };
  ask_at("2025-05-01T00:00:00Z");
  ask_at("no time");  // now, then
  for (int i = 0; i < 2000 && gateway_->observer().counts().prompts < 2; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const auto a = nlohmann::json::parse(admin("GET", "/api/v1/accounts/" + account_).payload);
  EXPECT_EQ(a["first_seen"], "2025-05-01T00:00:00.000Z");
  EXPECT_EQ(a["last_seen"], "2026-03-02T00:00:00.000Z");
}

TEST_F(Policies, AdminPortIsNotReadThroughAnotherName) {
  start(policy("{rung: refuse}"));
  EXPECT_THAT(Client(gateway_->admin_port()).ask("GET /api/v1/accounts HTTP/1.1\r\nHost: evil.example\r\n\r\n").raw,
              StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(admin("POST", "/api/v1/labels", "{}").raw, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(admin("PUT", "/api/v1/policy").raw, StartsWith("HTTP/1.1 405 "));
  EXPECT_EQ(nlohmann::json::parse(admin("GET", "/api/v1/openapi.json").payload)["openapi"], "3.1.0");
}

TEST(Config, ReadsEverySection) {
  const auto c = Config::parse(R"(
listen: 0.0.0.0:80
upstream: https://h
tls: {certificate: c.pem, key: k.pem}
admin: {listen: "127.0.0.1:1", token_file: t}
identity: {jwt_claim: sub, accounts: {acct_1: team}, forwarded: {trusted: [10.0.0.0/8]}}
alerts: {syslog: true, json_log: a.jsonl, webhook: {url: "https://w", secret_file: s}}
retention: {account_days: 30, exemplar_days: 7}
memory_mib: 64
summaries: {model: small, path: /v1/messages, timeout_s: 3}
keep_exemplars: 5
time_header: x-time
policy: {rungs: [{rung: strip}]}
)",
                               "c.yaml");
  ASSERT_TRUE(c) << c.error().message;
  EXPECT_EQ(c->settings.certificate, "c.pem");
  EXPECT_EQ(c->identity.accounts.at("acct_1"), "team");
  EXPECT_EQ(c->settings.subjects_for.count(), 30);
  EXPECT_EQ(c->settings.exemplars_for.count(), 7);
  EXPECT_EQ(c->settings.exemplars, 5u);
  EXPECT_EQ(c->settings.summaries.model, "small");
  EXPECT_EQ(c->settings.summaries.timeout.count(), 3000);
  EXPECT_EQ(c->settings.time_field, "x-time");
  EXPECT_EQ(c->profiles_max(), 3276u);
  EXPECT_EQ(c->settings.policy->rules().size(), 1u);
  const auto error = [](std::string_view yaml) { return Config::parse(yaml, "c.yaml").error().message; };
  EXPECT_EQ(error("tls: {key: k}"), "c.yaml:1:6: `certificate` is missing");
  EXPECT_EQ(error("retention:\n  account_days: 0"), "c.yaml:2:17: `account_days` is not a number from 1 to 36500");
  EXPECT_EQ(error("polcy: {}"), "c.yaml:1:1: `polcy` is not known here");
  EXPECT_EQ(error("memory_mib: 0"), "c.yaml:1:13: `memory_mib` is not a number from 1 to 1048576");
  EXPECT_THAT(error("policy: {mode: enforce, rungs: [{rung: mark}]}"), HasSubstr("needs `marks.key_file`"));
  EXPECT_THAT(error("policy: {refuse_accounts_max: 3}"), HasSubstr("needs `admin.approver_token_file`"));
  EXPECT_THAT(error("identity: {forwarded: {trusted: [10.0.0.0/99]}}"), HasSubstr("is no network"));
  EXPECT_EQ(error("identity: {accounts: [a]}"), "c.yaml:1:22: `accounts` is not a map of names to names");
  EXPECT_EQ(error("summaries: on"), "c.yaml:1:12: `model` is missing");
  EXPECT_THAT(error("summaries: {model: m, path: 'v1 x'}"), HasSubstr("c.yaml:1:29: a path begins with /"));
}

TEST(Identity, BelievesForwardedAddressesOfTrustedNetworksOnly) {
  IdentitySettings settings;
  settings.trusted_networks = {*Network::parse("10.0.0.0/8"), *Network::parse("::1")};
  const Identity identity({}, settings);
  wire::RequestHead head;
  const std::string text =
      "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6, 1.2.3.4\r\nX-Forwarded-For: 10.9.9.9\r\n\r\n";
  ASSERT_TRUE(wire::parse_request(text, head));
  EXPECT_EQ(identity.network_of(head, "10.0.0.1"), "1.2.3.4");
  EXPECT_EQ(identity.network_of(head, "::1"), "1.2.3.4");
  EXPECT_EQ(identity.network_of(head, "11.0.0.1"), "11.0.0.1");
}

TEST(Identity, FollowsTheSubjectOfATokenAndTheMap) {
  IdentitySettings settings;
  settings.jwt_claim = "sub";
  const Identity plain({}, settings);
  // {"alg":"none"} . {"sub":"u1","n":K}
  const std::string one = plain.account_of_key("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1MSIsIm4iOjF9.x");
  EXPECT_THAT(one, StartsWith("jwt_"));
  EXPECT_EQ(one, plain.account_of_key("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1MSIsIm4iOjJ9.y"));
  EXPECT_THAT(plain.account_of_key("no.token.here"), StartsWith("acct_"));
  settings.accounts[one] = "team-1";
  EXPECT_EQ(Identity({}, settings).account_of_key("a.eyJzdWIiOiJ1MSIsIm4iOjJ9.y"), "team-1");
}

}  // namespace
}  // namespace stillwatch::gateway
