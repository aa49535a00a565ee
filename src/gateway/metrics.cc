#include "gateway/metrics.h"

#include <fmt/format.h>

#include <algorithm>

namespace stillwatch::gateway {
namespace {

void marks_text(Marker& marker, std::string& out) {
  const MarkCounts& c = marker.counts();
  const auto head = [&](std::string_view name, std::string_view help) {
    out += fmt::format("# HELP stillwatch_{0} {1}\n# TYPE stillwatch_{0} counter\n", name, help);
  };
  const auto add = [&](std::string_view name, std::string_view help, auto value) {
    head(name, help);
    out += fmt::format("stillwatch_{} {}\n", name, value);
  };
  head("marked_answers_total", "Answers that something was put into");
  out += fmt::format("stillwatch_marked_answers_total{{mark=\"watermark\"}} {}\n", c.watermarked.load());
  out += fmt::format("stillwatch_marked_answers_total{{mark=\"canary\"}} {}\n", c.canaries.load());
  head("unmarked_answers_total", "Answers that were to be watermarked and are not");
  for (const auto& [why, count] : marker.unmarked())
    out += fmt::format("stillwatch_unmarked_answers_total{{why=\"{}\"}} {}\n", why, count);
  add("drafts_total", "Drafts that the upstream made for watermarks", c.drafts.load());
  head("draft_tokens_total", "Output tokens of drafts, as the upstream told");
  out += fmt::format("stillwatch_draft_tokens_total{{of=\"made\"}} {}\n", c.tokens_made.load());
  out += fmt::format("stillwatch_draft_tokens_total{{of=\"given\"}} {}\n", c.tokens_given.load());
  add("drafting_seconds_total", "Waited for the last draft of each answer",
      static_cast<double>(c.drafting_ms.load()) / 1000);
  add("evidence_lost_total", "Lines of evidence that could not be kept", c.evidence_lost.load());
}

}  // namespace

std::string metrics_text(const Shared& s) {
  const ObserverCounts o = s.observer.counts();
  std::string out;
  const auto head = [&](std::string_view name, std::string_view type, std::string_view help) {
    out += fmt::format("# HELP stillwatch_{0} {2}\n# TYPE stillwatch_{0} {1}\n", name, type, help);
  };
  const auto add = [&](std::string_view name, std::string_view type, std::string_view help, auto value) {
    head(name, type, help);
    out += fmt::format("stillwatch_{} {}\n", name, value);
  };
  add("requests_total", "counter", "Requests relayed to the upstream", s.counts.requests.load());
  add("requests_refused_total", "counter", "Requests refused for their framing", s.counts.refused.load());
  add("upstream_failures_total", "counter", "Exchanges that the upstream cut or could not serve",
      s.counts.upstream_failures.load());
  add("connections", "gauge", "Client connections open", s.counts.connections.load());
  add("exchanges_observed_total", "counter", "Exchanges read by the pipeline", o.observed);
  add("prompts_observed_total", "counter", "Of these, prompts of accepted accounts", o.prompts);
  add("observations_shed_total", "counter", "Exchanges not read because they were too long or too many", o.shed);
  add("observations_waiting", "gauge", "Exchanges waiting to be read", o.waiting);
  add("detection_lag_seconds", "gauge", "From the end of an answer to its being read, the longest of the last batch",
      static_cast<double>(o.lag_ms) / 1000);
  if (s.settings.ticks) {
    head("added_latency_seconds", "histogram", "From the last byte read to the first one written");
    out += s.request_latency.text("stillwatch_added_latency_seconds", "direction=\"request\"");
    out += s.answer_latency.text("stillwatch_added_latency_seconds", "direction=\"answer\"");
  }
  add("accounts", "gauge", "Accounts with a profile", o.accounts);
  add("profiles_in_memory", "gauge", "Of these, profiles that are in memory", o.profiles);
  add("findings_total", "counter", "Accounts flagged for the first time", s.findings.load());
  const auto campaigns = s.campaigns->latest();
  add("campaign_findings_total", "counter", "Campaigns flagged for the first time", s.campaigns_flagged.load());
  add("campaigns_flagged", "gauge", "Campaigns that are flagged",
      std::count_if(campaigns->all.begin(), campaigns->all.end(), [](const auto& c) { return c.flagged; }));
  add("campaign_accounts", "gauge", "Accounts in them", campaigns->member_of.size());
  add("campaign_looks_total", "counter", "Looks for campaigns", campaigns->last.looks);
  if (campaigns->last.looks > 0) {
    add("campaign_look_age_seconds", "gauge", "Since the last of them ended",
        std::chrono::duration<double>(s.settings.now() - campaigns->last.looked).count());
    add("campaign_look_cpu_seconds", "gauge", "Processor time that it took", campaigns->last.cpu_seconds);
  }
  head("policy_requests_total", "counter", "Requests that a rung of the policy was done to, or would have been");
  for (size_t rung = 0; rung < verdict::kRungs; ++rung) {
    const auto name = verdict::name_of(static_cast<verdict::Rung>(rung));
    out += fmt::format("stillwatch_policy_requests_total{{rung=\"{}\",mode=\"observe\"}} {}\n", name,
                       s.policy_counts.observed[rung].load());
    out += fmt::format("stillwatch_policy_requests_total{{rung=\"{}\",mode=\"enforce\"}} {}\n", name,
                       s.policy_counts.enforced[rung].load());
  }
  if (!s.settings.summaries.model.empty()) {
    head("reasoning_summaries_total", "counter",
         "Answers whose reasoning was withheld, by whether a summary took its place");
    out += fmt::format("stillwatch_reasoning_summaries_total{{result=\"given\"}} {}\n", s.summaries.given.load());
    out += fmt::format("stillwatch_reasoning_summaries_total{{result=\"failed\"}} {}\n", s.summaries.failed.load());
  }
  if (s.marker) marks_text(*s.marker, out);
  add("store_suspended", "gauge", "1 while what is observed would not outlive the process",
      s.keeper && !s.keeper->suspended() ? 0 : 1);
  if (s.alerts != nullptr) {
    const Alerts::Counts a = s.alerts->counts();
    add("alerts_delivered_total", "counter", "Alerts delivered, by sink", a.delivered);
    add("alert_failures_total", "counter", "Attempts to deliver that failed", a.failed);
    add("alerts_given_up_total", "counter", "Alerts that are not tried again", a.given_up);
    add("alerts_waiting", "gauge", "Alerts to be tried, or tried again", a.waiting);
  }
  return out;
}

}  // namespace stillwatch::gateway
