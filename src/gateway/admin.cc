// The admin port: one request a connection. docs/openapi.json says what it answers.
#include <fmt/format.h>
#include <sodium.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>

#include "gateway/assets.h"
#include "gateway/metrics.h"
#include "report/json.h"
#include "wire/body.h"

namespace stillwatch::gateway {
namespace {

constexpr size_t kRowsMax = 1000;
constexpr size_t kBodyBytesMax = 64u << 10;
constexpr std::chrono::seconds kTimeMax(10);

struct Request {
  wire::RequestHead head;
  std::string head_text;
  std::string body;
};

struct Reply {
  int status = 200;
  std::string_view type = "application/json";
  std::string body;
};

Reply error_reply(int status, std::string_view what) {
  return {status, "application/json", nlohmann::json({{"error", what}}).dump()};
}
Reply error_reply(const base::Error& e) {
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

bool may_ask(const Request& r, const Settings& s) {
  if (s.admin_token.empty()) return plain_host(r.head.find("host"));
  const std::string expected = "Bearer " + s.admin_token;
  const std::string_view given = r.head.find("authorization");
  return given.size() == expected.size() && sodium_memcmp(given.data(), expected.data(), expected.size()) == 0;
}

Reply accounts(const Shared& s, bool flagged_only) {
  const pipeline::Findings findings = s.observer.findings();
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

Reply account(const Shared& s, const std::string& name) {
  const pipeline::Findings findings = s.observer.findings();
  for (const auto& a : findings.ranked) {
    if (a.account == name) return {200, "application/json", report::account_json(a, report::Depth::kDetails)};
  }
  return error_reply(404, "there is no such account");
}

Reply forget(Shared& s, const std::string& name) {
  bool known = s.observer.forget(name);
  s.standings.forget(name);
  if (s.keeper) {
    const auto kept = s.keeper->forget(name);
    if (!kept) return error_reply(kept.error());
    known = known || *kept;
  }
  return known ? Reply{200, "application/json", R"({"forgotten":true})"} : error_reply(404, "there is no such account");
}

Reply label(Shared& s, const std::string& body) {
  const auto value = nlohmann::json::parse(body, nullptr, false);
  if (!value.is_object()) return error_reply(400, "a label is {account, label, until, why}");
  // The reader of label files knows what a label is; in one line, whatever the body's layout was.
  const auto labels = verdict::Labels::parse(value.dump(), "label");
  if (!labels) return error_reply(labels.error());
  if (!s.keeper) return error_reply(503, "labels need a store: start the gateway with --data-dir");
  const auto account = value["account"].get<std::string>();
  if (auto ok = s.keeper->label(account, *labels->find(account, base::Time::min())); !ok)
    return error_reply(ok.error());
  s.observer.refresh(account);
  return {200, "application/json", R"({"labelled":true})"};
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
  nlohmann::json out{{"hash", fmt::format("{:016x}", current->hash())}};
  out["rungs"] = nlohmann::json::array();
  for (const verdict::RungRule& r : current->rules()) {
    out["rungs"].push_back({{"rung", verdict::name_of(r.rung)}, {"mode", verdict::name_of(r.mode)}});
  }
  out["decided"] = nlohmann::json::array();
  for (const Standings::Row& row : s.standings.decided()) {
    out["decided"].push_back({{"account", row.account},
                              {"would", rungs_of(row.decision.observed)},
                              {"does", rungs_of(row.decision.enforced)}});
  }
  return {200, "application/json", out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

Reply reply_to(const Request& r, Shared& s) {
  const std::string_view target = r.head.target.substr(0, r.head.target.find('?'));
  const std::string_view method = r.head.method == "HEAD" ? "GET" : r.head.method;
  if (method == "GET" && (target == "/healthz" || target == "/readyz")) return {200, "text/plain", "ok\n"};
  if (!may_ask(r, s.settings)) {
    return s.settings.admin_token.empty() ? error_reply(403, "ask by address or as localhost, or configure a token")
                                          : error_reply(401, "Authorization: Bearer TOKEN is missing or wrong");
  }
  constexpr std::string_view kAccounts = "/api/v1/accounts";
  if (target.starts_with(kAccounts) && target.size() > kAccounts.size() + 1 && target[kAccounts.size()] == '/') {
    const std::string name = unescaped(target.substr(kAccounts.size() + 1));
    if (method == "GET") return account(s, name);
    if (method == "DELETE") return forget(s, name);
    return error_reply(405, "GET and DELETE are served here");
  }
  if (target == "/api/v1/labels") return method == "POST" ? label(s, r.body) : error_reply(405, "POST is served here");
  if (method != "GET") return error_reply(405, "GET is served here");
  if (target == "/metrics") return {200, "text/plain; version=0.0.4", metrics_text(s)};
  if (target == kAccounts) return accounts(s, false);
  if (target == "/api/v1/findings") return accounts(s, true);
  if (target == "/api/v1/policy") return policy(s);
  if (target == "/api/v1/openapi.json") return {200, "application/json", std::string(assets::openapi())};
  return error_reply(404, "there is nothing here; see /api/v1/openapi.json");
}

// False if the connection ended or what came is no request.
Task<bool> read_request(Socket& client, Request& r) {
  std::string bytes;
  std::array<char, 4096> room{};
  size_t end = std::string::npos;
  while (end == std::string::npos) {
    const auto [error, n] = co_await client.async_read_some(asio::buffer(room), kWait);
    if (error || bytes.size() + n > wire::kHeadBytesMax) co_return false;
    const size_t seen = bytes.size();
    bytes.append(room.data(), n);
    end = wire::find_head_end(bytes, seen);
  }
  r.head_text = bytes.substr(0, end);
  if (!wire::parse_request(r.head_text, r.head)) co_return false;
  bytes.erase(0, end);
  wire::BodyReader body(r.head);
  while (!body.done()) {
    if (bytes.empty()) {
      const auto [error, n] = co_await client.async_read_some(asio::buffer(room), kWait);
      if (error) co_return false;
      bytes.assign(room.data(), n);
    }
    const auto step = body.next(bytes);
    if (!step || r.body.size() + step->payload.size() > kBodyBytesMax) co_return false;
    r.body += step->payload;
    bytes.erase(0, step->consumed);
  }
  co_return true;
}

Task<void> serve_one(std::shared_ptr<Socket> client, Shared& shared, std::shared_ptr<Timer> limit) {
  Request request;
  const bool read = co_await read_request(*client, request);
  const Reply reply = read ? reply_to(request, shared) : error_reply(400, "this is not a request");
  std::string out = fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                                reply.status, reply.status == 200 ? "OK" : "Error", reply.type, reply.body.size());
  if (request.head.method != "HEAD") out += reply.body;
  co_await asio::async_write(*client, asio::buffer(out), kWait);
  error_code ignored;
  client->shutdown(Socket::shutdown_both, ignored);
  limit->cancel();
}

}  // namespace

Task<void> serve_admin(Acceptor& acceptor, Shared& shared, asio::io_context& io) {
  return accept_all(acceptor, [&shared, &io](Socket accepted) {
    auto client = std::make_shared<Socket>(std::move(accepted));
    auto limit = std::make_shared<Timer>(io, kTimeMax);
    limit->async_wait([client](const error_code& error) {
      error_code ignored;
      if (!error) client->close(ignored);
    });
    asio::co_spawn(io, serve_one(client, shared, limit), asio::detached);
  });
}

}  // namespace stillwatch::gateway
