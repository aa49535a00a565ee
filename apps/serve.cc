#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <memory>

#include "commands.h"
#include "files.h"
#include "gateway/gateway.h"
#include "logs.h"

namespace stillwatch::apps {
namespace {

struct Arguments {
  std::string listen = "127.0.0.1:8080";
  std::string upstream;
  std::string admin = "127.0.0.1:8081";
  std::string data = "stillwatch-data";
  std::string baseline;
  std::string account_field;
  double false_alarms = 5;
  unsigned threads = 1;
};

bool loopback(const gateway::Address& a) {
  return a.host == "localhost" || a.host == "::1" || a.host.starts_with("127.");
}

base::Result<gateway::Settings> settings_of(const Arguments& a) {
  gateway::Settings s;
  const auto listen = gateway::parse_address(a.listen);
  if (!listen) return tl::unexpected(listen.error());
  const auto upstream = gateway::parse_upstream(a.upstream);
  if (!upstream) return tl::unexpected(upstream.error());
  const auto admin = gateway::parse_address(a.admin);
  if (!admin) return tl::unexpected(admin.error());
  if (!loopback(*admin)) {
    return base::fail(base::ErrorCode::kUsage,
                      fmt::format("--admin {}: the admin port has no access control yet, so it "
                                  "listens on loopback only",
                                  a.admin));
  }
  s.listen = *listen;
  s.upstream = *upstream;
  s.admin = *admin;
  s.threads = a.threads;
  s.now = [] { return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()); };
  return s;
}

// Every connection takes two descriptors.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(const Arguments& a) {
  auto settings = settings_of(a);
  if (!settings) return complain(settings.error());
  const auto baseline = read_baseline(a.baseline);
  if (!baseline) return complain(baseline.error());
  std::error_code error;
  std::filesystem::create_directories(a.data, error);
  if (error)
    return complain({base::ErrorCode::kInternal, fmt::format("{}: cannot be made: {}", a.data, error.message())});
  const auto secret = gateway::load_or_make_secret(a.data + "/secret");
  if (!secret) return complain(secret.error());

  // The signals that end the program are waited for here and delivered to no other thread.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  raise_descriptor_limit();

  pipeline::Options options;
  options.false_alarms_per_10000 = a.false_alarms;
  auto started = gateway::Gateway::start(std::move(*settings), gateway::Identity(*secret, a.account_field),
                                         std::make_unique<pipeline::Pipeline>(*baseline, verdict::Labels(), options));
  if (!started) return complain(started.error());
  fmt::print(stderr, "relaying {} (port {}) to {}; admin on port {}: /metrics /api/v1/accounts /api/v1/findings\n",
             a.listen, (*started)->port(), a.upstream, (*started)->admin_port());
  int signal = 0;
  sigwait(&ends, &signal);
  fmt::print(stderr, "stopping\n");
  (*started)->stop();
  return kClean;
}

}  // namespace

void add_serve(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("serve", "Relay live traffic to a model server and watch who distils");
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  command->add_option("--upstream", a.upstream, "The model server: http://HOST[:PORT]")->required();
  command->add_option("--listen", a.listen, "Where clients connect")->capture_default_str();
  command->add_option("--admin", a.admin, "Where metrics and findings are served, on loopback")->capture_default_str();
  command->add_option("--data-dir", a.data, "Folder of the installation's secret")->capture_default_str();
  command->add_option("--baseline", a.baseline, "What honest traffic looks like; `reference` is the shipped one");
  command->add_option("--account-header", a.account_field,
                      "Field that names the account, set by a front end you trust; else the credential does");
  command->add_option("--false-alarms", a.false_alarms, "Budget of honest accounts flagged, of 10,000 in a month")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 5000.0));
  command->add_option("--threads", a.threads, "Threads that relay")->capture_default_str()->check(CLI::Range(1, 256));
  command->footer(
      "Every path and method is relayed as it is; requests whose end two servers could see in different places are "
      "refused.\n"
      "What is relayed is read beside it: if reading falls behind, observations are shed and counted, traffic never "
      "waits.\n"
      "Accounts are named by a keyed hash of their credential. Nothing is acted upon: this watches.\n"
      "Profiles live in memory until the program ends.\n\n"
      "Examples:\n"
      "  stillwatch serve --upstream http://127.0.0.1:9000\n"
      "  curl -s http://127.0.0.1:8081/api/v1/findings\n\n"
      "Exit status:\n"
      "  0  ended by SIGINT or SIGTERM\n"
      "  2  the command line is wrong\n"
      "  3  an input is missing or damaged, or the upstream's name unknown\n"
      "  4  the machine failed: port taken, disk full");
  command->callback([arguments, &status] { status = run(*arguments); });
}

}  // namespace stillwatch::apps
