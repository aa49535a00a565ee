// A gateway with a policy, a model server behind it that answers as the test says, and one account that a person can
// call hostile: what the tests of the ladder share.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "gateway/config.h"
#include "gateway/gateway.h"
#include "gateway/peers.h"

namespace stillwatch::gateway {

inline constexpr std::string_view kPrompt = R"({"messages":[{"role":"user","content":"Name three rivers."}]})";
inline constexpr std::string_view kAnswer =
    R"({"choices":[{"message":{"content":"Rhine"},"logprobs":{"content":[{"token":"Rhine","logprob":-0.1}]}}]})";

inline std::shared_ptr<const verdict::Policy> policy(std::string_view rungs, std::string_view more = "") {
  constexpr std::string_view kConfig =
      "{{admin: {{approver_token_file: a}}, marks: {{key_file: k}}, policy: {{mode: enforce, {}rungs: [{}]}}}}";
  return Config::parse(fmt::format(kConfig, more, rungs), "p")->settings.policy;
}

class Policies : public testing::Test {
 protected:
  Policies() : upstream_([this](const Message& m) { return reply_(m); }) {
    folder_ = std::filesystem::temp_directory_path() / ("policies" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~Policies() override {
    gateway_.reset();
    std::filesystem::remove_all(folder_);
  }

  void start(std::shared_ptr<const verdict::Policy> policy) {
    Settings s;
    s.listen = s.admin = {"127.0.0.1", 0};
    s.upstream.host = "127.0.0.1";
    s.upstream.port = upstream_.port();
    s.now = [this] { return base::from_ms(now_ms_); };
    s.marks = marks_;
    s.summaries = summaries_;
    s.approver_token = "second";
    s.policy = std::move(policy);
    s.database = folder_ / "stillwatch.db";
    s.exemplars = exemplars_;
    s.time_field = time_field_;
    s.ticks = [] { return int64_t{1}; };
    s.alerts.json_log = alert_log_;
    s.alerts.now = s.now;
    auto started = Gateway::start(s, Identity({}, {}), pipeline_());
    ASSERT_TRUE(started) << started.error().message;
    gateway_ = std::move(*started);
  }

  static constexpr std::string_view kChat = "/v1/chat/completions";
  static std::string request(std::string_view body, std::string_view target = kChat) {
    return fmt::format(
        "POST {} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer k\r\nAccept-Encoding: br\r\nContent-Length: {}\r\n\r\n{}",
        target, body.size(), body);
  }
  Message ask(std::string_view body = kPrompt, std::string_view target = kChat) {
    return Client(gateway_->port()).ask(request(body, target));
  }
  Message admin(std::string_view method, const std::string& target, const std::string& body = "",
                std::string_view fields = "") {
    return Client(gateway_->admin_port())
        .ask(fmt::format("{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\n{}Content-Length: {}\r\n\r\n{}", method, target, fields,
                         body.size(), body));
  }
  // A person's word makes an account hostile, whatever the evidence is.
  void label_hostile() {
    ask();
    for (int i = 0; i < 2000 && gateway_->observer().counts().prompts == 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    const Message m = admin(
        "POST", "/api/v1/labels",
        R"({"account":")" + account_ + R"(","label":"hostile","until":"2027-01-01T00:00:00Z","why":"confirmed"})");
    ASSERT_THAT(m.raw, testing::StartsWith("HTTP/1.1 200"));
  }

  std::string account_ = Identity({}, {}).account_of_key("k");
  std::atomic<int64_t> now_ms_{1'772'409'600'000};
  MarkSettings marks_;
  SummarySettings summaries_;
  size_t exemplars_ = 0;
  std::string time_field_;
  std::string alert_log_;
  std::function<std::unique_ptr<pipeline::Pipeline>()> pipeline_ = [] {
    return std::make_unique<pipeline::Pipeline>(nullptr, verdict::Labels(), pipeline::Options{});
  };
  Upstream::Reply reply_ = [](const Message&) { return answer(kAnswer); };
  std::filesystem::path folder_;
  Upstream upstream_;
  std::unique_ptr<Gateway> gateway_;
};

}  // namespace stillwatch::gateway
