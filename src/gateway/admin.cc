// The admin port: one GET a connection.
#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/write.hpp>

#include "gateway/worker.h"
#include "report/json.h"

namespace stillwatch::gateway {
namespace {

constexpr size_t kRowsMax = 1000;

struct Reply {
  int status = 200;
  std::string_view type = "application/json";
  std::string body;
};

std::string metrics(const Shared& s) {
  const ObserverCounts o = s.observer.counts();
  std::string out;
  const auto add = [&](std::string_view name, std::string_view type, std::string_view help, uint64_t value) {
    out += fmt::format("# HELP stillwatch_{0} {2}\n# TYPE stillwatch_{0} {1}\nstillwatch_{0} {3}\n", name, type, help,
                       value);
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
  add("accounts", "gauge", "Accounts with a profile", o.accounts);
  return out;
}

Reply not_found() {
  return {404, "application/json", R"({"error":"there is nothing here; see /api/v1/accounts"})"};
}

Reply reply_to(std::string_view target, const Shared& s) {
  target = target.substr(0, target.find('?'));
  if (target == "/healthz" || target == "/readyz") return {200, "text/plain", "ok\n"};
  if (target == "/metrics") return {200, "text/plain; version=0.0.4", metrics(s)};
  constexpr std::string_view kAccounts = "/api/v1/accounts";
  constexpr std::string_view kFindings = "/api/v1/findings";
  if (target != kFindings && !target.starts_with(kAccounts)) return not_found();
  const pipeline::Findings findings = s.observer.findings();
  if (target.starts_with(kAccounts) && target.size() > kAccounts.size()) {
    const std::string_view name = target.substr(kAccounts.size());
    for (const auto& a : findings.ranked) {
      if (name.starts_with('/') && name.substr(1) == a.account)
        return {200, "application/json", report::account_json(a, report::Depth::kDetails)};
    }
    return not_found();
  }
  const bool flagged_only = target == kFindings;
  std::string body = fmt::format(R"({{"summary":{},"accounts":[)", report::summary_json(findings, {}));
  size_t rows = 0;
  for (const auto& a : findings.ranked) {
    if (flagged_only && !a.flagged) continue;
    if (rows == kRowsMax) break;
    if (rows++ > 0) body += ',';
    body += report::account_json(a, report::Depth::kReasons);
  }
  return {200, "application/json", body + "]}"};
}

Task<void> serve_one(Socket client, Shared& shared) {
  std::string head;
  std::array<char, 4096> room{};
  size_t end = std::string::npos;
  while (end == std::string::npos && head.size() < 2 * room.size()) {
    const auto [error, n] = co_await client.async_read_some(asio::buffer(room), kWait);
    if (error) co_return;
    const size_t seen = head.size();
    head.append(room.data(), n);
    end = wire::find_head_end(head, seen);
  }
  wire::RequestHead request;
  Reply reply;
  if (end == std::string::npos || !wire::parse_request(std::string_view(head).substr(0, end), request)) {
    reply = {400, "application/json", R"({"error":"this is not a request"})"};
  } else if (request.method != "GET" && request.method != "HEAD") {
    reply = {405, "application/json", R"({"error":"only GET is served here"})"};
  } else {
    reply = reply_to(request.target, shared);
  }
  std::string out = fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                                reply.status, reply.status == 200 ? "OK" : "Error", reply.type, reply.body.size());
  if (request.method != "HEAD") out += reply.body;
  co_await asio::async_write(client, asio::buffer(out), kWait);
}

}  // namespace

Task<void> serve_admin(Acceptor& acceptor, Shared& shared) {
  return accept_all(acceptor, [&](Socket client) {
    asio::co_spawn(acceptor.get_executor(), serve_one(std::move(client), shared), asio::detached);
  });
}

}  // namespace stillwatch::gateway
