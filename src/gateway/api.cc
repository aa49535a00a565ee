#include "gateway/api.h"

#include <fmt/format.h>
#include <sodium.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "gateway/assets.h"
#include "gateway/metrics.h"
#include "report/html.h"
#include "report/json.h"
#include "report/terminal.h"

namespace stillwatch::gateway {
namespace {

constexpr size_t kRowsMax = 1000;
constexpr size_t kEvidenceBytes = 16u << 20;  // of an answer, about
constexpr auto kReplace = nlohmann::json::error_handler_t::replace;

Reply reply_of(const base::Error& e) {
  return error_reply(e.code == base::ErrorCode::kInternal ? 503 : 400, e.message);
}

std::string unescaped(std::string_view path) {
  std::string out;
  for (size_t i = 0; i < path.size(); ++i) {
    unsigned char byte = 0;
    size_t size = 0;
    if (path[i] == '%' && i + 2 < path.size() &&
        sodium_hex2bin(&byte, 1, path.data() + i + 1, 2, nullptr, &size, nullptr) == 0 && size == 1) {
      out.push_back(static_cast<char>(byte));
      i += 2;
    } else {
      out.push_back(path[i]);
    }
  }
  return out;
}

// A page of another site must not read this one through a name that it made point here (DNS rebinding): without a token
// the request must be for an address or for localhost.
bool plain_host(std::string_view host) {
  if (host.starts_with('[')) return true;
  host = host.substr(0, host.rfind(':'));
  return host == "localhost" || host.find_first_not_of("0123456789.") == host.npos;
}

bool bears(const wire::RequestHead& head, const std::string& token) {
  const std::string expected = "Bearer " + token;
  const std::string_view given = head.find("authorization");
  return given.size() == expected.size() && sodium_memcmp(given.data(), expected.data(), expected.size()) == 0;
}

bool may_ask(const wire::RequestHead& head, const Settings& s) {
  return s.admin_token.empty() ? plain_host(head.find("host")) : bears(head, s.admin_token);
}

// The value of a parameter of the query, "" if it is not there.
std::string parameter(std::string_view target, std::string_view name) {
  size_t at = target.find('?');
  while (at != target.npos) {
    target.remove_prefix(at + 1);
    at = target.find('&');
    const std::string_view pair = target.substr(0, at);
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) {
      return unescaped(pair.substr(name.size() + 1));
    }
  }
  return "";
}

Reply no_such_account() {
  return error_reply(404, "there is no such account");
}

// Accounts behind the first `at` places, at most `limit`; with reasons or, for drill-down, with everything.
std::vector<pipeline::AccountFinding> findings_at(const Shared& s, const Ranking& ranking, size_t at, size_t limit,
                                                  bool flagged_only, bool details) {
  std::vector<pipeline::AccountFinding> found;
  for (; found.size() < limit && at < ranking.places.size(); ++at) {
    const pipeline::Place& place = ranking.places[at];
    if (flagged_only && !place.flagged) break;
    s.observer.visit([&](pipeline::Pipeline& p) {
      auto finding = details ? p.finding(place) : p.outline(place);
      if (!finding) return;  // forgotten meanwhile
      if (!details) p.explain(*finding);
      found.push_back(std::move(*finding));
    });
  }
  return found;
}

bool campaigns_sought(const Shared& s) {
  bool sought = false;
  s.observer.visit([&](const pipeline::Pipeline& p) { sought = p.campaign_reference() != nullptr; });
  return sought;
}

Reply campaigns(const Shared& s) {
  const auto now = s.campaigns->latest();
  const nlohmann::json looked =
      now->last.looks > 0 ? nlohmann::json(base::format_rfc3339(now->last.looked)) : nlohmann::json();
  std::string body = fmt::format(R"({{"sought":{},"looked":{},"campaigns":[)", campaigns_sought(s), looked.dump());
  for (const pipeline::CampaignFinding& c : now->all) {
    if (body.back() != '[') body += ',';
    body += report::campaign_json(c, 0);
  }
  return {200, "application/json", body + "]}"};
}

Reply campaign(const Shared& s, const std::string& name) {
  const auto now = s.campaigns->latest();
  const pipeline::CampaignFinding* c = now->find(name);
  if (c == nullptr) return error_reply(404, "there is no such campaign");
  return {200, "application/json", report::campaign_json(*c)};
}

// The flagged campaign that each is in.
void name_campaigns(const Campaigns& now, std::span<pipeline::AccountFinding> findings) {
  for (pipeline::AccountFinding& finding : findings) {
    if (const pipeline::CampaignFinding* c = now.of(finding.account)) finding.campaign = c->campaign;
  }
}

// A page of the ranking: `limit` accounts behind the one called `after`. As a table for people, if they ask for text.
Reply accounts(const Shared& s, const wire::RequestHead& head, bool flagged_only) {
  size_t limit = kRowsMax;
  if (const std::string text = parameter(head.target, "limit"); !text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (error != std::errc() || end != text.data() + text.size() || limit == 0 || limit > kRowsMax)
      return error_reply(400, fmt::format("`limit` is not a number from 1 to {}", kRowsMax));
  }
  const auto ranking = s.ranker->latest();
  size_t at = 0;
  if (const std::string after = parameter(head.target, "after"); !after.empty()) {
    const pipeline::Place* place = ranking->find(after);
    if (place == nullptr) return no_such_account();
    at = static_cast<size_t>(place - ranking->places.data()) + 1;
  }
  pipeline::Findings page{ranking->overview, findings_at(s, *ranking, at, limit, flagged_only, false)};
  if (head.find("accept").starts_with("text/plain")) {
    report::TerminalOptions options;
    options.rows = limit;
    options.more = "?limit, ?after";
    return {200, "text/plain; charset=utf-8", report::to_terminal(page, {}, options)};
  }
  name_campaigns(*s.campaigns->latest(), page.ranked);
  std::string body = fmt::format(R"({{"summary":{},"accounts":[)", report::summary_json(page, {}));
  for (const auto& finding : page.ranked) {
    if (&finding != page.ranked.data()) body += ',';
    body += report::account_json(finding, report::Depth::kReasons);
  }
  bool more = false;
  if (page.ranked.size() == limit) {
    const auto next = static_cast<size_t>(ranking->find(page.ranked.back().account) - ranking->places.data()) + 1;
    more = next < ranking->places.size() && (!flagged_only || ranking->places[next].flagged);
  }
  const nlohmann::json next = more ? nlohmann::json(page.ranked.back().account) : nlohmann::json();
  return {200, "application/json", body + R"(],"next":)" + next.dump(-1, ' ', false, kReplace) + "}"};
}

// The page that a scan writes, of live traffic.
Reply report_page(const Shared& s) {
  const auto ranking = s.ranker->latest();
  pipeline::Findings findings{ranking->overview, findings_at(s, *ranking, 0, report::kDetailsMax, false, true)};
  auto rows = findings_at(s, *ranking, report::kDetailsMax, report::kRowsMax - report::kDetailsMax, false, false);
  std::move(rows.begin(), rows.end(), std::back_inserter(findings.ranked));
  const auto campaigns = s.campaigns->latest();
  name_campaigns(*campaigns, findings.ranked);
  findings.campaigns_sought = campaigns_sought(s);
  findings.campaigns = campaigns->all;
  Reply reply{200, "text/html; charset=utf-8", {}};
  report::write_html(findings, {}, [&](std::string_view text) { reply.body += text; });
  return reply;
}

Reply account(const Shared& s, const std::string& name) {
  const auto ranking = s.ranker->latest();
  const pipeline::Place* place = ranking->find(name);
  std::optional<pipeline::AccountFinding> finding;
  s.observer.visit([&](pipeline::Pipeline& p) { finding = place != nullptr ? p.finding(*place) : p.finding(name); });
  if (!finding) return no_such_account();
  name_campaigns(*s.campaigns->latest(), {&*finding, 1});
  return {200, "application/json", report::account_json(*finding, report::Depth::kDetails)};
}

Reply forget(Shared& s, const std::string& name) {
  bool known = s.observer.forget(name);
  s.standings.forget(name);
  s.challenges.forget(name);
  s.campaigns->forget(name);
  if (s.keeper) {
    const auto kept = s.keeper->forget(name);
    if (!kept) return reply_of(kept.error());
    known = known || *kept;
  }
  return known ? Reply{200, "application/json", R"({"forgotten":true})"} : no_such_account();
}

Reply labels(Shared& s) {
  if (!s.keeper) return {200, "application/json", R"({"labels":[]})"};
  const auto labels = s.keeper->labels();
  if (!labels) return reply_of(labels.error());
  std::string body = R"({"labels":[)";
  for (const auto& [account, label] : labels->all()) {
    if (body.back() == '}') body += ',';
    body += verdict::Labels::format(account, label);
    body.pop_back();  // the end of the line
  }
  return {200, "application/json", body + "]}"};
}

Reply exemplars(Shared& s, const std::string& name) {
  if (!s.keeper) return error_reply(503, "samples need a store: start the gateway with --data-dir");
  const auto exemplars = s.keeper->exemplars(name);
  if (!exemplars) return reply_of(exemplars.error());
  auto rows = nlohmann::json::array();
  for (const Exemplar& e : *exemplars) rows.push_back({{"time", base::format_rfc3339(e.time)}, {"text", e.text}});
  const nlohmann::json out{{"account", name}, {"exemplars", std::move(rows)}};
  return {200, "application/json", out.dump(-1, ' ', false, kReplace)};
}

Reply label(Shared& s, const std::string& body) {
  const auto value = nlohmann::json::parse(body, nullptr, false);
  if (!value.is_object()) return error_reply(400, "a label is {account, label, until, why}");
  // The reader of label files knows what a label is; in one line, whatever the body's layout was.
  const auto labels = verdict::Labels::parse(value.dump(), "label");
  if (!labels) return reply_of(labels.error());
  if (!s.keeper) return error_reply(503, "labels need a store: start the gateway with --data-dir");
  const auto account = value["account"].get<std::string>();
  if (auto ok = s.keeper->label(account, *labels->find(account, base::Time::min())); !ok) return reply_of(ok.error());
  s.observer.refresh(account);
  return {200, "application/json", R"({"labelled":true})"};
}

// Lines of evidence behind number `after`; the number of the last is in a field of its own, so that the body is a file.
Reply evidence(Shared& s, std::string_view target) {
  if (!s.keeper) return error_reply(503, "evidence needs a store: start the gateway with --data-dir");
  uint64_t after = 0;
  if (const std::string text = parameter(target, "after"); !text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), after);
    if (error != std::errc() || end != text.data() + text.size() || after > INT64_MAX)
      return error_reply(400, "`after` is not the number of a line: take it from Stillwatch-Next");
  }
  auto lines = s.keeper->evidence(after, kEvidenceBytes);
  if (!lines) return reply_of(lines.error());
  return {200, "application/jsonl", std::move(*lines), fmt::format("Stillwatch-Next: {}\r\n", after)};
}

Reply redeem(Shared& s, const std::string& body) {
  const auto value = nlohmann::json::parse(body, nullptr, false);
  if (!value.is_object() || !value.contains("token") || !value["token"].is_string())
    return error_reply(400, "what is redeemed is {token}");
  const base::Time now = s.settings.now();
  const auto challenge = s.challenges.check(value["token"].get<std::string>(), now);
  if (!challenge) return reply_of(challenge.error());
  // As the rung says that challenges it or, if none does any more, the first that challenges anybody.
  const auto policy = s.standings.policy();
  const auto decided = s.standings.find(challenge->account);
  const verdict::RungRule* rule = decided ? decided->decision.challenge : nullptr;
  for (const verdict::RungRule& r : policy->rules()) {
    if (rule == nullptr && r.rung == verdict::Rung::kChallenge) rule = &r;
  }
  if (rule == nullptr) return error_reply(409, "the policy challenges nobody any more");
  const Redeemed redeemed{*challenge, now + std::chrono::seconds(rule->pass_s)};
  if (auto ok = s.challenges.redeem(redeemed, now); !ok) return reply_of(ok.error());
  if (s.keeper) {
    if (auto ok = s.keeper->keep(redeemed); !ok)
      return error_reply(503, "the account passes until the gateway ends: " + ok.error().message);
  }
  const nlohmann::json out{{"account", challenge->account}, {"until", base::format_rfc3339(redeemed.until)}};
  return {200, "application/json", out.dump(-1, ' ', false, kReplace)};
}

// A second operator's word, under a token of its own.
Reply approve(Shared& s, const wire::RequestHead& head, const std::string& body) {
  if (s.settings.approver_token.empty())
    return error_reply(403, "nobody can approve: configure admin.approver_token_file");
  if (!bears(head, s.settings.approver_token))
    return error_reply(401, "Authorization: Bearer TOKEN of the approver is missing or wrong");
  const auto value = nlohmann::json::parse(body, nullptr, false);
  constexpr std::string_view kShape = "what is approved is {policy, accounts, who}: its hash, how many, your name";
  if (!value.is_object() || !value.contains("policy") || !value["policy"].is_string() || !value.contains("accounts") ||
      !value["accounts"].is_number_unsigned() || !value.contains("who") || !value["who"].is_string())
    return error_reply(400, kShape);
  const uint64_t hash = s.standings.policy()->hash();
  if (value["policy"].get<std::string>() != fmt::format("{:016x}", hash))
    return error_reply(409, "another policy is in force by now: look at /api/v1/policy, and approve that");
  const Approval approval{hash, value["accounts"].get<size_t>(), value["who"].get<std::string>().substr(0, 256)};
  if (s.keeper) {
    if (auto ok = s.keeper->keep(approval); !ok) return reply_of(ok.error());
  }
  s.standings.approve(approval);
  return {200, "application/json", R"({"approved":true})"};
}

nlohmann::json rungs_of(uint8_t bits) {
  auto names = nlohmann::json::array();
  for (int rung = 0; rung < verdict::kRungs; ++rung) {
    if ((bits >> rung) & 1) names.push_back(verdict::name_of(static_cast<verdict::Rung>(rung)));
  }
  return names;
}

Reply policy(const Shared& s) {
  const auto current = s.standings.policy();
  nlohmann::json out{{"hash", fmt::format("{:016x}", current->hash())},
                     {"challenge_public_key", s.challenges.public_key()}};
  const size_t refused_max = s.standings.refuse_accounts_max();
  out["refuse_accounts_max"] = refused_max == SIZE_MAX ? nlohmann::json() : nlohmann::json(refused_max);
  out["rungs"] = nlohmann::json::array();
  for (const verdict::RungRule& r : current->rules()) {
    out["rungs"].push_back({{"rung", verdict::name_of(r.rung)}, {"mode", verdict::name_of(r.mode)}});
  }
  out["decided"] = nlohmann::json::array();
  for (const Standings::Row& row : s.standings.decided()) {
    out["decided"].push_back({{"account", row.account},
                              {"would", rungs_of(row.decision.observed)},
                              {"does", rungs_of(row.decision.enforced)},
                              {"waits", row.waits}});
  }
  return {200, "application/json", out.dump(-1, ' ', false, kReplace)};
}

}  // namespace

Reply error_reply(int status, std::string_view what) {
  return {status, "application/json", nlohmann::json({{"error", what}}).dump()};
}

Reply reply_to(const wire::RequestHead& head, const std::string& body, Shared& s) {
  const std::string_view target = wire::path_of(head.target);
  const std::string_view method = head.method == "HEAD" ? "GET" : head.method;
  if (method == "GET" && (target == "/healthz" || target == "/readyz")) return {200, "text/plain", "ok\n"};
  if (target == "/api/v1/policy/approve")
    return method == "POST" ? approve(s, head, body) : error_reply(405, "POST is served here");
  if (!may_ask(head, s.settings)) {
    return s.settings.admin_token.empty() ? error_reply(403, "ask by address or as localhost, or configure a token")
                                          : error_reply(401, "Authorization: Bearer TOKEN is missing or wrong");
  }
  constexpr std::string_view kAccounts = "/api/v1/accounts", kExemplars = "/exemplars";
  if (target.starts_with(kAccounts) && target.size() > kAccounts.size() + 1 && target[kAccounts.size()] == '/') {
    std::string_view name = target.substr(kAccounts.size() + 1);
    const bool samples = name.ends_with(kExemplars) && name.size() > kExemplars.size();
    if (samples) name.remove_suffix(kExemplars.size());
    const std::string account_name = unescaped(name);
    if (method == "GET") return samples ? exemplars(s, account_name) : account(s, account_name);
    if (method == "DELETE" && !samples) return forget(s, account_name);
    return error_reply(405, samples ? "GET is served here" : "GET and DELETE are served here");
  }
  if (target == "/api/v1/labels") {
    if (method == "GET") return labels(s);
    return method == "POST" ? label(s, body) : error_reply(405, "GET and POST are served here");
  }
  if (target == "/api/v1/challenges/redeem")
    return method == "POST" ? redeem(s, body) : error_reply(405, "POST is served here");
  if (method != "GET") return error_reply(405, "GET is served here");
  if (target == "/metrics") return {200, "text/plain; version=0.0.4", metrics_text(s)};
  if (target == kAccounts) return accounts(s, head, false);
  if (target == "/api/v1/findings") return accounts(s, head, true);
  constexpr std::string_view kCampaigns = "/api/v1/campaigns";
  if (target == kCampaigns) return campaigns(s);
  if (target.starts_with(kCampaigns) && target[kCampaigns.size()] == '/')
    return campaign(s, unescaped(target.substr(kCampaigns.size() + 1)));
  if (target == "/report") return report_page(s);
  if (target == "/api/v1/policy") return policy(s);
  if (target == "/api/v1/evidence") return evidence(s, head.target);
  if (target == "/api/v1/openapi.json") return {200, "application/json", std::string(assets::openapi())};
  return error_reply(404, "there is nothing here; see /api/v1/openapi.json");
}

}  // namespace stillwatch::gateway
