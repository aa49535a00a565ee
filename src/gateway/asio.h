// What the module takes from Boost.Asio: coroutines on the io_context of their thread that get errors as values, and
// the two things that every listener does. Private to the module.
#pragma once

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace stillwatch::gateway {

namespace asio = boost::asio;
using boost::system::error_code;

// The type of the executor is known, so that nothing is called through a pointer for each read and write.
using Executor = asio::io_context::executor_type;
template <typename T>
using Task = asio::awaitable<T, Executor>;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;
using Timer = asio::basic_waitable_timer<asio::steady_timer::clock_type, asio::steady_timer::traits_type, Executor>;
using Endpoint = asio::ip::tcp::endpoint;
constexpr auto kWait = asio::as_tuple(asio::use_awaitable_t<Executor>());

inline asio::const_buffer bytes_of(std::string_view s) {
  return asio::buffer(s.data(), s.size());
}

// Several acceptors may listen on one port (SO_REUSEPORT) where `shared`.
inline void listen_on(Acceptor& acceptor, const Endpoint& endpoint, bool shared, error_code& error) {
  using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error && shared) acceptor.set_option(ReusePort(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
}

// Hands over each connection until the acceptor is closed.
template <typename Take>
Task<void> accept_all(Acceptor& acceptor, Take take) {
  while (acceptor.is_open()) {
    auto [error, client] = co_await acceptor.async_accept(kWait);
    if (!error) {
      take(std::move(client));
    } else if (acceptor.is_open()) {  // out of descriptors or memory: others must end first
      Timer pause(acceptor.get_executor(), std::chrono::milliseconds(50));
      co_await pause.async_wait(kWait);
    }
  }
}

}  // namespace stillwatch::gateway
