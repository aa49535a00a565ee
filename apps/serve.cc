#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>

#include <csignal>
#include <memory>

#include "commands.h"
#include "files.h"
#include "gateway/gateway.h"
#include "gateway_config.h"
#include "logs.h"
#include "marks.h"

namespace stillwatch::apps {
namespace {

using base::Result;

struct Arguments {
  std::string config;
  std::string listen;
  std::string upstream;
  std::string admin;
  std::string data;
  std::string baseline;
  std::string account_field;
  double false_alarms = 0;
  unsigned threads = 0;
  int exemplars = -1;  // what the file says
};

void tell(std::string_view line) {
  fmt::print(stderr, "stillwatch: {}\n", line);
  std::fflush(stderr);
}

bool loopback(const gateway::Address& a) {
  return a.host == "localhost" || a.host == "::1" || a.host.starts_with("127.");
}

// The first line of a file that holds a secret.
Result<std::string> read_secret(const std::string& path) {
  if (path.empty()) return std::string();
  auto text = read_file(path);
  if (!text) return text;
  std::string line = text->substr(0, text->find_first_of("\r\n"));
  if (line.empty()) return base::fail(base::ErrorCode::kInput, path + " holds no secret in its first line");
  return line;
}

// The file, with what the command line says put over it and defaults under it.
Result<gateway::Config> config_of(const Arguments& a) {
  auto read = read_gateway_config(a.config);
  if (!read) return read;
  gateway::Config& c = *read;
  const auto settle = [](std::string& value, const std::string& said, const char* otherwise) {
    if (!said.empty()) value = said;
    if (value.empty()) value = otherwise;
  };
  settle(c.listen, a.listen, "127.0.0.1:8080");
  settle(c.upstream, a.upstream, "");
  settle(c.admin, a.admin, "127.0.0.1:8081");
  settle(c.data_dir, a.data, "stillwatch-data");
  settle(c.baseline, a.baseline, "");
  settle(c.identity.trusted_field, a.account_field, "");
  if (a.false_alarms > 0) c.false_alarms = a.false_alarms;
  if (c.false_alarms <= 0) c.false_alarms = pipeline::Options().false_alarms_per_10000;
  if (a.threads > 0) c.threads = a.threads;
  if (a.exemplars >= 0) c.settings.exemplars = static_cast<size_t>(a.exemplars);

  gateway::Settings& s = c.settings;
  if (c.upstream.empty())
    return base::fail(base::ErrorCode::kUsage, "--upstream is missing: the model server, http[s]://HOST[:PORT]");
  const auto listen = gateway::parse_address(c.listen);
  if (!listen) return tl::unexpected(listen.error());
  const auto upstream = gateway::parse_upstream(c.upstream);
  if (!upstream) return tl::unexpected(upstream.error());
  const auto admin = gateway::parse_address(c.admin);
  if (!admin) return tl::unexpected(admin.error());
  auto token = read_secret(c.admin_token_file);
  if (!token) return tl::unexpected(token.error());
  auto approver = read_secret(c.approver_token_file);
  if (!approver) return tl::unexpected(approver.error());
  if (!approver->empty() && *approver == *token)
    return base::fail(base::ErrorCode::kUsage, "the approver's token is the operator's: who approves is somebody else");
  auto secret = read_secret(c.webhook_secret_file);
  if (!secret) return tl::unexpected(secret.error());
  if (token->empty() && !loopback(*admin)) {
    return base::fail(base::ErrorCode::kUsage,
                      fmt::format("the admin port {} is not on loopback: configure admin.token_file", c.admin));
  }
  auto credential = read_secret(c.summary_credential_file);
  if (!credential) return tl::unexpected(credential.error());
  if (!c.mark_key_file.empty()) {
    const auto key = read_master(c.mark_key_file);
    if (!key) return tl::unexpected(key.error());
    s.marks.key = *key;
  }
  s.listen = *listen;
  s.upstream = *upstream;
  s.admin = *admin;
  s.admin_token = *token;
  s.approver_token = *approver;
  s.threads = std::max(1u, c.threads);
  s.database = c.data_dir + "/stillwatch.db";
  s.now = [] { return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()); };
  s.alerts.webhook_secret = *secret;
  s.summaries.credential = *credential;
  s.alerts.now = s.now;
  s.ticks = [] { return int64_t{std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1)}; };
  s.tell = tell;
  return read;
}

// Every connection takes two descriptors.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// The policy of the file as it is now; what else changed there waits for the next start.
void reload(const Arguments& a, gateway::Gateway& running) {
  const auto c = config_of(a);
  if (!c) {
    tell(fmt::format("the old policy stays: {}", c.error().message));
    return;
  }
  running.set_policy(c->settings.policy);
  tell(fmt::format("policy {:016x} is in force", c->settings.policy->hash()));
}

int run(const Arguments& a) {
  auto config = config_of(a);
  if (!config) return complain(config.error());
  const auto baseline = read_baseline(config->baseline);
  if (!baseline) return complain(baseline.error());
  if (const auto made = make_folder(config->data_dir); !made) return complain(made.error());
  const auto secret = gateway::load_or_make_secret(config->data_dir + "/secret");
  if (!secret) return complain(secret.error());

  // The signals that are for the program are waited for here and delivered to no other thread.
  sigset_t awaited;
  sigemptyset(&awaited);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&awaited, signal);
  pthread_sigmask(SIG_BLOCK, &awaited, nullptr);
  raise_descriptor_limit();

  const std::string time_field = config->settings.time_field;
  pipeline::Options options;
  options.false_alarms_per_10000 = config->false_alarms;
  options.profiles_max = config->profiles_max();
  options.campaigns = baseline->campaigns;
  auto pipeline = std::make_unique<pipeline::Pipeline>(baseline->baseline, verdict::Labels(), options);
  auto started = gateway::Gateway::start(std::move(config->settings),
                                         gateway::Identity(*secret, std::move(config->identity)), std::move(pipeline));
  if (!started) return complain(started.error());
  fmt::print(stderr, "relaying {} (port {}) to {}; admin on port {}: /metrics /api/v1/accounts /api/v1/findings\n",
             config->listen, (*started)->port(), config->upstream, (*started)->admin_port());
  if (!time_field.empty())
    tell(fmt::format("requests happen when {} says: for rehearsals only, anybody can set it", time_field));
  int signal = 0;
  while (sigwait(&awaited, &signal) == 0 && signal == SIGHUP) reload(a, **started);
  fmt::print(stderr, "stopping\n");
  (*started)->stop();
  return kClean;
}

}  // namespace

void add_serve(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("serve", "Relay live traffic to a model server and watch who distils");
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  command->add_option("--upstream", a.upstream, "The model server: http[s]://HOST[:PORT]");
  command->add_option("--config", a.config, "YAML file: TLS, identity, policy, alerts (docs/gateway.md)");
  command->add_option("--listen", a.listen, "Where clients connect (default 127.0.0.1:8080)");
  command->add_option("--admin", a.admin, "Where metrics and findings are served (default 127.0.0.1:8081)");
  command->add_option("--data-dir", a.data, "Folder of the store and the secret (default stillwatch-data)");
  command->add_option("--baseline", a.baseline, "What honest traffic looks like; `reference` is the shipped one");
  command->add_option("--account-header", a.account_field,
                      "Field that names the account, set by a front end you trust; else the credential does");
  command->add_option("--false-alarms", a.false_alarms, "Budget of honest accounts flagged, of 10,000 in a month (5)")
      ->check(CLI::Range(0.001, 5000.0));
  command->add_option("--keep-exemplars", a.exemplars, "Redacted samples to keep of each flagged account (0)")
      ->check(CLI::Range(0, static_cast<int>(gateway::kExemplarsMax)));
  command->add_option("--threads", a.threads, "Threads that relay (1)")->check(CLI::Range(1, 256));
  command->footer(
      "Every path and method is relayed as it is; requests whose end two servers could see in different places are "
      "refused.\n"
      "What is relayed is read beside it: if reading falls behind, observations are shed and counted, traffic never "
      "waits.\n"
      "Accounts are named by a keyed hash of their credential. Nothing is done to anybody unless a policy says so.\n"
      "SIGHUP reads the policy again; a file with a fault changes nothing.\n\n"
      "Examples:\n"
      "  stillwatch serve --upstream http://127.0.0.1:9000\n"
      "  stillwatch serve --config stillwatch.yaml\n"
      "  curl -s http://127.0.0.1:8081/api/v1/findings\n\n"
      "Exit status:\n"
      "  0  ended by SIGINT or SIGTERM\n"
      "  2  the command line or the configuration is wrong\n"
      "  3  an input is missing or damaged, or the upstream's name unknown\n"
      "  4  the machine failed: port taken, disk full");
  command->callback([arguments, &status] { status = run(*arguments); });
}

}  // namespace stillwatch::apps
