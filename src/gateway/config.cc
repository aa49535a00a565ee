#include "gateway/config.h"

#include "base/hash.h"
#include "watermark/canary.h"

namespace stillwatch::gateway {
namespace {

using base::YamlMap;

// Reads the map under `key`, if there is one.
template <typename Read>
void section(YamlMap& map, const char* key, Read read) {
  const YAML::Node node = map.take(key);
  if (!node) return;
  YamlMap inner(node, map.file());
  read(inner);
  map.adopt(inner);
}

void read_alerts(YamlMap& map, Config& c) {
  AlertSettings& a = c.settings.alerts;
  section(map, "webhook", [&](YamlMap& webhook) {
    if (webhook.require("url")) webhook.text("url", a.webhook_url);
    if (webhook.require("secret_file")) webhook.text("secret_file", c.webhook_secret_file);
  });
  map.flag("syslog", a.syslog);
  map.text("syslog_socket", a.syslog_socket);
  map.text("json_log", a.json_log);
}

void read_marks(YamlMap& map, Config& c) {
  MarkSettings& m = c.settings.marks;
  if (map.require("key_file")) map.text("key_file", c.mark_key_file);
  map.text("label", m.label);
  map.flag("upstream_n", m.upstream_n);
  map.flag("upstream_continues", m.upstream_continues);
  section(map, "canaries", [&](YamlMap& canaries) {
    canaries.text("label", m.pool);
    canaries.number("size", m.pool_size, 1, watermark::kCanaryPoolMax);
    canaries.number("of_account", m.canaries, 1, 100);
  });
}

void read_summaries(YamlMap& map, Config& c) {
  SummarySettings& s = c.settings.summaries;
  if (map.require("model")) map.text("model", s.model);
  const YAML::Node path = map.take("path");
  map.text("path", s.path);
  if (!s.path.starts_with("/") || s.path.find_first_of(" \r\n") != s.path.npos)
    map.fail(path, "a path begins with / and has no spaces");
  map.text("credential_file", c.summary_credential_file);
  map.number("tokens_max", s.tokens_max, 16, 2000);
  int seconds = 20;
  map.number("timeout_s", seconds, 1, 120);
  s.timeout = std::chrono::seconds(seconds);
}

void read_days(YamlMap& map, const char* key, std::chrono::days& out) {
  int days = static_cast<int>(out.count());
  map.number(key, days, 1, 36'500);
  out = std::chrono::days(days);
}

}  // namespace

base::Result<Config> Config::parse(std::string_view yaml, std::string_view file) {
  auto map = YamlMap::parse(yaml, file);
  if (!map) return tl::unexpected(map.error());
  Config c;
  map->text("listen", c.listen);
  map->text("upstream", c.upstream);
  map->text("upstream_ca", c.settings.upstream_ca);
  map->text("data_dir", c.data_dir);
  map->text("baseline", c.baseline);
  map->text("time_header", c.settings.time_field);
  map->number("keep_exemplars", c.settings.exemplars, 0, kExemplarsMax);
  map->number("false_alarms", c.false_alarms, 0.001, 5000);
  map->number("threads", c.threads, 1, 256);
  map->number("memory_mib", c.memory_mib, 1, 1 << 20);
  section(*map, "tls", [&](YamlMap& tls) {
    if (tls.require("certificate")) tls.text("certificate", c.settings.certificate);
    if (tls.require("key")) tls.text("key", c.settings.key);
  });
  section(*map, "admin", [&](YamlMap& admin) {
    admin.text("listen", c.admin);
    admin.text("token_file", c.admin_token_file);
    admin.text("approver_token_file", c.approver_token_file);
  });
  section(*map, "identity", [&](YamlMap& identity) { c.identity = IdentitySettings::read(identity); });
  section(*map, "alerts", [&](YamlMap& alerts) { read_alerts(alerts, c); });
  section(*map, "retention", [&](YamlMap& retention) {
    read_days(retention, "account_days", c.settings.subjects_for);
    read_days(retention, "finding_days", c.settings.findings_for);
    read_days(retention, "exemplar_days", c.settings.exemplars_for);
  });
  section(*map, "campaigns", [&](YamlMap& campaigns) {
    int seconds = static_cast<int>(c.settings.campaign_period.count());
    campaigns.number("period_s", seconds, 1, 86'400);
    c.settings.campaign_period = std::chrono::seconds(seconds);
  });
  section(*map, "marks", [&](YamlMap& marks) { read_marks(marks, c); });
  section(*map, "summaries", [&](YamlMap& summaries) { read_summaries(summaries, c); });
  section(*map, "policy", [&](YamlMap& node) {
    auto policy = verdict::Policy::read(node);
    policy.set_hash(base::hash64(yaml));
    if (policy.refuse_accounts_max() != SIZE_MAX && c.approver_token_file.empty())
      node.fail(node.node(), "`refuse_accounts_max` needs `admin.approver_token_file`: the token of a second operator");
    if (policy.marks() && c.mark_key_file.empty())
      node.fail(node.node(),
                "a rung marks answers, which needs `marks.key_file`: make one with `stillwatch watermark key`");
    c.settings.policy = std::make_shared<verdict::Policy>(std::move(policy));
  });
  if (auto error = map->finish()) return tl::unexpected(*error);
  return c;
}

}  // namespace stillwatch::gateway
