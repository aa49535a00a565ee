// Reasoning that the policy withholds: a model of the operator's says in short what it was about.
#include "countermeasure/summary.h"

#include <fmt/format.h>

#include "gateway/calls.h"

namespace stillwatch::gateway {
namespace {

constexpr uint64_t kSummariesMax = 64;  // at once; more reasoning is withheld without

std::string call_text(const Settings& settings, std::string_view body) {
  const SummarySettings& s = settings.summaries;
  std::string credential;
  if (!s.credential.empty()) {
    credential = s.path.ends_with("/messages")
                     ? fmt::format("x-api-key: {}\r\nanthropic-version: 2023-06-01\r\n", s.credential)
                     : fmt::format("Authorization: Bearer {}\r\n", s.credential);
  }
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: {}:{}\r\n{}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}", s.path,
      settings.upstream.host, settings.upstream.port, credential, body.size(), body);
}

}  // namespace

// REQUIRES: edit.awaited(). With none in time the reasoning is withheld and nothing stands in its place.
Task<void> Session::summarise(AnswerEdit& edit, std::string& out) {
  Shared& shared = worker_.shared();
  const SummarySettings& s = shared.settings.summaries;
  std::string summary;
  if (shared.summaries.under_way.fetch_add(1) < kSummariesMax) {
    const auto calls = std::make_shared<Calls>();
    start_call(calls,
               call_text(shared.settings, countermeasure::summary_request(s.model, *edit.awaited(), s.tokens_max)));
    co_await wait_for(calls, Clock::now() + s.timeout);
    const Call& call = calls->all.front();
    if (call.good) summary = countermeasure::summary_in(call.body);
  }
  --shared.summaries.under_way;
  ++(summary.empty() ? shared.summaries.failed : shared.summaries.given);
  edit.resume(summary, out);
}

}  // namespace stillwatch::gateway
