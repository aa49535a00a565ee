#include "gateway/gateway.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <charconv>
#include <optional>
#include <unordered_set>

#include "gateway/worker.h"
#include "pipeline/standing.h"
#include "report/json.h"

namespace stillwatch::gateway {
namespace {

using base::ErrorCode;

base::Result<Endpoint> resolve(const Address& address) {
  asio::io_context io;
  asio::ip::tcp::resolver resolver(io);
  error_code error;
  const auto found = resolver.resolve(address.host, std::to_string(address.port), error);
  if (error || found.empty())
    return base::fail(ErrorCode::kInput,
                      fmt::format("{}: the name cannot be resolved: {}", address.host, error.message()));
  return found.begin()->endpoint();
}

base::Error cannot_listen(const Address& a, const error_code& error) {
  return {ErrorCode::kInternal, fmt::format("{}:{}: cannot listen: {}", a.host, a.port, error.message())};
}

}  // namespace

base::Result<Address> parse_address(std::string_view text) {
  const size_t colon = text.rfind(':');
  Address a;
  if (colon != text.npos) {
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const std::string_view port = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), a.port);
    if (!host.empty() && error == std::errc() && end == port.data() + port.size()) {
      a.host = host;
      return a;
    }
  }
  return base::fail(ErrorCode::kUsage, fmt::format("`{}` is no address: give HOST:PORT", text));
}

base::Result<UpstreamAddress> parse_upstream(std::string_view url) {
  constexpr std::string_view kPlain = "http://", kTls = "https://";
  UpstreamAddress upstream;
  upstream.tls = url.starts_with(kTls);
  if (!upstream.tls && !url.starts_with(kPlain))
    return base::fail(ErrorCode::kUsage, fmt::format("`{}`: the upstream is http[s]://HOST[:PORT]", url));
  std::string_view host = url.substr((upstream.tls ? kTls : kPlain).size());
  if (host.ends_with('/')) host.remove_suffix(1);
  if (host.find('/') != host.npos)
    return base::fail(ErrorCode::kUsage, fmt::format("`{}`: the upstream has no path: requests bring theirs", url));
  const bool has_port = host.rfind(':') != host.npos && !host.ends_with(']');
  const auto address =
      parse_address(has_port ? std::string(host) : fmt::format("{}:{}", host, upstream.tls ? 443 : 80));
  if (!address) return tl::unexpected(address.error());
  static_cast<Address&>(upstream) = *address;
  return upstream;
}

namespace {

// An alert, as a program and as a person read it.
Alert alert_of(const Finding& f, Sinks left = kAllSinks) {
  std::string text =
      f.about == About::kCampaign
          ? fmt::format(
                "campaign={} exceeds the budget of false campaigns: its accounts are likely to harvest the "
                "model as one",
                f.account)
          : fmt::format("account={} exceeds the budget of false alarms: it is likely to harvest the model", f.account);
  return {f.id(), f.account, f.time, f.body, std::move(text), left};
}

std::string finding_json(const pipeline::AccountFinding& f) {
  return fmt::format(R"({{"type":"finding","time":"{}","finding":{}}})",
                     base::format_rfc3339(f.flagged_at.value_or(f.last_seen)),
                     report::account_json(f, report::Depth::kReasons));
}

// It names no account: whoever is told keeps nothing that has to be forgotten.
std::string campaign_finding_json(pipeline::CampaignFinding c) {
  for (pipeline::CampaignReason& reason : c.why) reason.example.clear();
  return fmt::format(R"({{"type":"campaign","time":"{}","campaign":{}}})", base::format_rfc3339(*c.flagged_at),
                     report::campaign_json(c, 0));
}

base::Result<void> load_tls(const Settings& s, Shared& shared) {
  error_code error;
  if (!s.certificate.empty()) {
    auto& context = shared.listener_tls.emplace(asio::ssl::context::tls_server);
    context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                        asio::ssl::context::no_tlsv1_1);
    context.use_certificate_chain_file(s.certificate, error);
    if (error) return base::fail(ErrorCode::kInput, fmt::format("{}: {}", s.certificate, error.message()));
    context.use_private_key_file(s.key, asio::ssl::context::pem, error);
    if (error) return base::fail(ErrorCode::kInput, fmt::format("{}: {}", s.key, error.message()));
  }
  if (!s.upstream.tls) return {};
  auto& context = shared.upstream_tls.emplace(asio::ssl::context::tls_client);
  context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                      asio::ssl::context::no_tlsv1_1);
  context.set_verify_mode(asio::ssl::verify_peer);
  if (s.upstream_ca.empty()) {
    context.set_default_verify_paths(error);
  } else {
    context.load_verify_file(s.upstream_ca, error);
  }
  if (error) return base::fail(ErrorCode::kInput, fmt::format("{}: {}", s.upstream_ca, error.message()));
  return {};
}

}  // namespace

struct Gateway::State {
  State(Settings settings, Identity identity, std::unique_ptr<pipeline::Pipeline> pipeline)
      : shared{std::move(settings), std::move(identity), Standings(std::make_shared<verdict::Policy>()),
               Observer(std::move(pipeline), on_look(), shared.settings.now),
               Challenges(shared.identity.derived("challenge"))} {
    if (shared.settings.marks.key)
      shared.marker = std::make_unique<Marker>(shared.settings.marks, shared.settings.now, [this](EvidenceLine line) {
        return !shared.keeper || shared.keeper->note(std::move(line));
      });
    shared.standings.set_policy(shared.settings.policy);
  }

  // What a look means: the policy decides anew, and who is flagged for the first time is a finding.
  Observer::OnLook on_look() {
    return [this](const pipeline::AccountFinding& f) {
      const bool kept = shared.standings.update(f);
      if (f.flagged && !f.label && found.insert(f.account).second) {
        ++shared.findings;
        Finding finding{f.account, f.flagged_at.value_or(f.last_seen), finding_json(f)};
        if (shared.keeper) {
          shared.keeper->note(std::move(finding));
        } else if (alerts) {
          alerts->submit(alert_of(finding));
        }
      }
      return kept;
    };
  }

  // Campaigns are another: their members stand otherwise, and who is flagged for the first time is a finding.
  void on_campaigns(const Campaigns& now, const std::vector<std::string>& fresh);

  base::Result<void> open_store();
  void watch_campaigns();

  std::vector<pipeline::CampaignFinding> kept_campaigns;  // until they are watched
  std::unordered_set<std::string> found;                  // under the observer's lock, once it runs
  std::unique_ptr<Alerts> alerts;
  Shared shared;
  std::vector<std::unique_ptr<Worker>> workers;
  asio::io_context admin_io{1};
  Acceptor admin{admin_io};
  std::vector<std::thread> threads;
};

void Gateway::State::on_campaigns(const Campaigns& now, const std::vector<std::string>& fresh) {
  Standings::Members members;
  for (const auto& [account, place] : now.member_of) {
    const pipeline::CampaignFinding& c = now.all[place];
    members.emplace(account, pipeline::standing_of(c));
  }
  shared.standings.set_members(members);
  std::vector<Finding> findings;
  for (const std::string& name : fresh) {
    const pipeline::CampaignFinding* c = now.find(name);
    if (c == nullptr) continue;  // all members were forgotten meanwhile
    ++shared.campaigns_flagged;
    findings.push_back({name, *c->flagged_at, campaign_finding_json(*c), About::kCampaign});
  }
  if (!shared.keeper) {
    for (const Finding& f : findings) {
      if (alerts) alerts->submit(alert_of(f));
    }
    return;
  }
  std::vector<std::string> flagged;
  for (const pipeline::CampaignFinding& c : now.all) {
    if (c.flagged) flagged.push_back(report::campaign_json(c));
  }
  shared.keeper->note(std::move(flagged), std::move(findings));
}

void Gateway::State::watch_campaigns() {
  CampaignWatchSettings c;
  c.now = shared.settings.now;
  c.period = shared.settings.campaign_period;
  c.keep_for = shared.settings.findings_for;
  c.known = std::move(kept_campaigns);
  c.on_change = [this](const Campaigns& now, const std::vector<std::string>& fresh) { on_campaigns(now, fresh); };
  shared.campaigns = std::make_unique<CampaignWatch>(shared.observer, std::move(c));
}

// Before anything is observed.
base::Result<void> Gateway::State::open_store() {
  const Settings& s = shared.settings;
  auto archive = Archive::open(s.database);
  if (!archive) return tl::unexpected(archive.error());
  const std::shared_ptr<Archive> kept = std::move(*archive);
  const auto findings = kept->findings();
  if (!findings) return tl::unexpected(findings.error());
  for (const Finding& f : *findings) found.insert(f.account);
  auto campaigns = kept->campaigns();
  if (!campaigns) return tl::unexpected(campaigns.error());
  kept_campaigns = std::move(*campaigns);
  auto labels = kept->labels();
  if (!labels) return tl::unexpected(labels.error());
  base::Result<uint64_t> last;
  shared.observer.visit([&](pipeline::Pipeline& p) {
    p.fetch_with(Archive::fetch_from(kept));
    last = kept->restore(p);
  });
  if (!last) return tl::unexpected(last.error());
  shared.observer.set_labels(std::move(*labels));

  const auto redeemed = kept->redeemed();
  if (!redeemed) return tl::unexpected(redeemed.error());
  const auto approved = kept->last_approval();
  if (!approved) return tl::unexpected(approved.error());
  shared.standings.approve(*approved);
  shared.challenges.restore(*redeemed, s.now());

  const auto untold = kept->untold();
  if (!untold) return tl::unexpected(untold.error());

  KeeperSettings k;
  k.now = s.now;
  k.subjects_for = s.subjects_for;
  k.findings_for = s.findings_for;
  k.exemplars = s.exemplars;
  k.exemplars_for = s.exemplars_for;
  k.to_tell = alerts ? s.alerts.sinks() : 0;
  k.on_kept = [this](const Finding& f) {
    if (alerts) alerts->submit(alert_of(f));
  };
  k.on_suspended = [this](const std::string& why) {
    shared.settings.tell(why.empty() ? "the store works again: nothing is missing from it"
                                     : fmt::format("what is observed now would not outlive the process: {}", why));
  };
  shared.keeper = std::make_unique<Keeper>(kept, *last, shared.observer, std::move(k));
  for (const auto& [finding, sinks] : *untold) {
    // Ways that are no longer configured are not waited for.
    const auto left = static_cast<Sinks>(alerts ? sinks & s.alerts.sinks() : 0);
    if (left != sinks) shared.keeper->told(finding.account, static_cast<Sinks>(sinks & ~left));
    if (left != 0) alerts->submit(alert_of(finding, left));
  }
  return {};
}

Gateway::Gateway(std::unique_ptr<State> state) : state_(std::move(state)) {}

base::Result<std::unique_ptr<Gateway>> Gateway::start(Settings settings, Identity identity,
                                                      std::unique_ptr<pipeline::Pipeline> pipeline) {
  const auto upstream = resolve(settings.upstream);  // a name that is wrong is told at once
  if (!upstream) return tl::unexpected(upstream.error());
  auto listen = resolve(settings.listen);
  if (!listen) return tl::unexpected(listen.error());
  const auto admin = resolve(settings.admin);
  if (!admin) return tl::unexpected(admin.error());

  auto state = std::make_unique<State>(std::move(settings), std::move(identity), std::move(pipeline));
  State& s = *state;
  const Settings& set = s.shared.settings;
  if (auto ok = load_tls(set, s.shared); !ok) return tl::unexpected(ok.error());
  for (unsigned i = 0; i < std::max(1u, set.threads); ++i) {
    error_code error;
    s.workers.push_back(std::make_unique<Worker>(s.shared, *listen, i == 0, error));
    if (error) return tl::unexpected(cannot_listen(set.listen, error));
    listen->port(s.workers.front()->port());
  }
  error_code error;
  listen_on(s.admin, *admin, false, error);
  if (error) return tl::unexpected(cannot_listen(set.admin, error));
  if (set.alerts.sinks() != 0) {
    AlertSettings settings_of_alerts = set.alerts;
    settings_of_alerts.on_done = [&s](const Alert& a, Sinks sinks) {
      if (s.shared.keeper) s.shared.keeper->told(a.account, sinks);
    };
    auto alerts = Alerts::start(std::move(settings_of_alerts));
    if (!alerts) return tl::unexpected(alerts.error());
    s.alerts = std::move(*alerts);
    s.shared.alerts = s.alerts.get();
  }
  if (!set.database.empty()) {
    if (auto ok = s.open_store(); !ok) return tl::unexpected(ok.error());
  }
  s.shared.observer.refresh();
  s.shared.ranker = std::make_unique<Ranker>(s.shared.observer, set.now);
  s.watch_campaigns();
  asio::co_spawn(s.admin_io, serve_admin(s.admin, s.shared, s.admin_io), asio::detached);

  for (auto& worker : s.workers) s.threads.emplace_back([&worker] { worker->run(); });
  s.threads.emplace_back([&s] { s.admin_io.run(); });
  return std::unique_ptr<Gateway>(new Gateway(std::move(state)));
}

Gateway::~Gateway() {
  stop();
}

uint16_t Gateway::port() const {
  return state_->workers.front()->port();
}
uint16_t Gateway::admin_port() const {
  return state_->admin.local_endpoint().port();
}
CampaignWatch& Gateway::campaigns() {
  return *state_->shared.campaigns;
}
Observer& Gateway::observer() {
  return state_->shared.observer;
}
uint64_t Gateway::open_connections() const {
  return state_->shared.counts.connections.load();
}
void Gateway::set_policy(std::shared_ptr<const verdict::Policy> policy) {
  if (policy->marks() && !state_->shared.marker)
    state_->shared.settings.tell(
        "the policy marks answers: that begins with the next start, for it needs the key of `marks`");
  state_->shared.standings.set_policy(std::move(policy));
}

void Gateway::stop() {
  if (state_->threads.empty()) return;
  for (auto& worker : state_->workers) worker->stop();
  for (size_t i = 0; i + 1 < state_->threads.size(); ++i) state_->threads[i].join();
  state_->admin_io.stop();
  state_->threads.back().join();
  state_->threads.clear();
  // In this order: what was relayed is read, what was read is kept, what was found is told.
  state_->shared.observer.finish();
  state_->shared.ranker.reset();
  state_->shared.campaigns.reset();
  if (state_->shared.keeper) state_->shared.keeper->finish();
  state_->shared.alerts = nullptr;
  state_->alerts.reset();
  state_->shared.keeper.reset();
}

}  // namespace stillwatch::gateway
