#include "gateway/redact.h"

#include <gtest/gtest.h>

namespace stillwatch::gateway {
namespace {

TEST(Redact, TakesOutWhatNamesPeopleMachinesAndAccounts) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"Write to jane.doe+x@mail.example.org, please.", "Write to [email], please."},
      {"Call +49 (0)30 1234-5678 today.", "Call +[number] today."},
      {"order 4711 of 123456", "order 4711 of [number]"},
      {"In 2019 it was 42.5 and 3.14159", "In 2019 it was 42.5 and 3.14159"},
      {"key sk-proj-abcdef123456 works", "key [secret] works"},
      {"commit 9f86d081884c7d659a2feaa0c55ad015 broke it", "commit [secret] broke it"},
      {"export OPENAI_API_KEY=abc", "export [secret]"},
      {"set AWS_SECRET_ACCESS_KEY = hunter2 now", "set [secret] = [secret] now"},
      {"Authorization: Bearer abc.def", "Authorization: [secret] [secret]"},
      {"my password is hunter2, sorry", "my password is [secret], sorry"},
      {"token: \"tiny\"", "token: \"[secret]\""},
      {"see https://a.example/doc?user=7&token=x#top then", "see https://a.example/doc?[query] then"},
      {"git clone https://bob:pw@git.example/r.git", "git clone https://[user]@git.example/r.git"},
      {"https://hooks.example/T0/B1/x8f7a6d5c4b3a2918 is it", "https://hooks.example/[path] is it"},
      {"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nhelp", "[secret]\nhelp"},
      {"What are three rivers of Europe?\nName them.", "What are three rivers of Europe?\nName them."},
      {"Wo fließt die Donau? \xF0\x9F\x8C\x8D", "Wo fließt die Donau? \xF0\x9F\x8C\x8D"},
      {"a\tb\x01"
       "c",
       "a b c"},
      {"", ""},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(redact(text, 512), expected);
}

TEST(Redact, CutsBetweenWordsAndNeverThroughAKey) {
  const std::string secret = "sk-live-0123456789abcdef";
  for (size_t before = 0; before < 200; ++before) {
    const std::string text =
        std::string(before, 'a') + " " + secret + " and so on, for as long as anybody likes to read";
    const std::string out = redact(text, 20);
    EXPECT_LE(out.size(), 20u);
    EXPECT_EQ(out.find("sk-"), std::string::npos) << before;
  }
}

}  // namespace
}  // namespace stillwatch::gateway
