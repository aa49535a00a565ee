#include "gateway/gateway.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <charconv>
#include <optional>

#include "gateway/worker.h"

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

base::Result<Address> parse_upstream(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme))
    return base::fail(ErrorCode::kUsage,
                      fmt::format("`{}`: the upstream is http://HOST[:PORT]; https is not spoken yet", url));
  std::string_view host = url.substr(kScheme.size());
  if (host.ends_with('/')) host.remove_suffix(1);
  if (host.find('/') != host.npos)
    return base::fail(ErrorCode::kUsage, fmt::format("`{}`: the upstream has no path: requests bring theirs", url));
  const bool has_port = host.rfind(':') != host.npos && !host.ends_with(']');
  return parse_address(has_port ? std::string(host) : fmt::format("{}:80", host));
}

struct Gateway::State {
  State(Settings settings, Identity identity, std::unique_ptr<pipeline::Pipeline> pipeline)
      : shared{std::move(settings), std::move(identity), Observer(std::move(pipeline), nullptr), {}, {}} {}

  Shared shared;
  std::vector<std::unique_ptr<Worker>> workers;
  asio::io_context admin_io{1};
  Acceptor admin{admin_io};
  std::vector<std::thread> threads;
};

Gateway::Gateway(std::unique_ptr<State> state) : state_(std::move(state)) {}

base::Result<std::unique_ptr<Gateway>> Gateway::start(Settings settings, Identity identity,
                                                      std::unique_ptr<pipeline::Pipeline> pipeline) {
  const auto upstream = resolve(settings.upstream);
  if (!upstream) return tl::unexpected(upstream.error());
  auto listen = resolve(settings.listen);
  if (!listen) return tl::unexpected(listen.error());
  const auto admin = resolve(settings.admin);
  if (!admin) return tl::unexpected(admin.error());

  auto state = std::make_unique<State>(std::move(settings), std::move(identity), std::move(pipeline));
  State& s = *state;
  s.shared.upstream = *upstream;
  for (unsigned i = 0; i < std::max(1u, s.shared.settings.threads); ++i) {
    error_code error;
    s.workers.push_back(std::make_unique<Worker>(s.shared, *listen, error));
    if (error) return tl::unexpected(cannot_listen(s.shared.settings.listen, error));
    listen->port(s.workers.front()->port());
  }
  error_code error;
  listen_on(s.admin, *admin, false, error);
  if (error) return tl::unexpected(cannot_listen(s.shared.settings.admin, error));
  asio::co_spawn(s.admin_io, serve_admin(s.admin, s.shared), asio::detached);

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
Observer& Gateway::observer() {
  return state_->shared.observer;
}

uint64_t Gateway::open_connections() const {
  return state_->shared.counts.connections.load();
}

void Gateway::stop() {
  if (state_->threads.empty()) return;
  for (auto& worker : state_->workers) worker->stop();
  for (size_t i = 0; i + 1 < state_->threads.size(); ++i) state_->threads[i].join();
  state_->admin_io.stop();
  state_->threads.back().join();
  state_->threads.clear();
}

}  // namespace stillwatch::gateway
