// stillwatch_replay LOG --port N: sends the requests of a log in the native format (docs/formats/exchange.md) to a
// gateway on loopback, as fast as it takes them, each account's in their order. The account, the network and the time
// go in fields that the gateway must be told to trust (docs/gateway.md): X-Account, X-Forwarded-For, X-Replay-Time. How
// long the answer was is told to a stand-in (standin.cc); other servers ignore that field.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <condition_variable>
#include <deque>

#include "base/hash.h"
#include "dialect/body.h"
#include "gateway/peers.h"
#include "scan/source.h"

namespace stillwatch {
namespace {

using dialect::json::Element;

constexpr size_t kQueuedMax = 256;  // requests a connection

// Requests for one connection, in order; a writer waits while it is full.
class Queue {
 public:
  void push(std::string request) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return requests_.size() < kQueuedMax; });
    requests_.push_back(std::move(request));
    ready_.notify_one();
  }
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    ready_.notify_one();
  }
  bool pop(std::string& request) {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return ended_ || !requests_.empty(); });
    if (requests_.empty()) return false;
    request = std::move(requests_.front());
    requests_.pop_front();
    room_.notify_one();
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_, room_;
  std::deque<std::string> requests_;
  bool ended_ = false;
};

// "" for a line that cannot be replayed.
std::string request_of(Element line) {
  const auto request = dialect::json::at(line, "request");
  if (!request || !request->is_object()) return "";
  int64_t tokens = 0;
  bool messages = false;
  if (const auto response = dialect::json::at(line, "response")) {
    dialect::Exchange e;
    dialect::Arena arena;
    dialect::read_response(*response, arena, e);
    tokens = e.output_tokens.value_or(static_cast<int64_t>(e.answer.size() / 4));
    messages = dialect::json::text(*response, "type") == "message";
  }
  const std::string body = simdjson::minify(*request);
  std::string head = fmt::format("POST /v1/{} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n",
                                 messages ? "messages" : "chat/completions");
  const auto field = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) head += fmt::format("{}: {}\r\n", name, value);
  };
  field("X-Account", dialect::json::text(line, "account"));
  field("X-Forwarded-For", dialect::json::text(line, "network"));
  field("X-Replay-Time", dialect::json::text(line, "time"));
  field("User-Agent", dialect::json::text(line, "client"));
  field("X-Stand-In-Tokens", std::to_string(tokens));
  return head + fmt::format("Content-Length: {}\r\n\r\n{}", body.size(), body);
}

struct Replay {
  std::string log;
  uint16_t port = 8080;
  size_t connections = 16;
  std::atomic<uint64_t> answered{0}, failed{0};

  // A gateway that is not there, or goes, fails what is left; the queue is emptied all the same.
  void send(Queue& queue) {
    gateway::error_code error;
    gateway::Client client(port, error);
    std::string request;
    while (queue.pop(request)) {
      const bool good = !error && client.ask(request).raw.starts_with("HTTP/1.1 200");
      ++(good ? answered : failed);
    }
  }
  int run();
};

int Replay::run() {
  auto source = scan::Source::open(log);
  if (!source) {
    fmt::print(stderr, "replay: {}\n", source.error().message);
    return 3;
  }
  std::vector<Queue> queues(connections);
  std::vector<std::thread> threads;
  for (Queue& queue : queues) threads.emplace_back([this, &queue] { send(queue); });
  simdjson::dom::parser parser;
  std::string text, room(1 << 20, '\0');
  uint64_t skipped = 0;
  std::string error;
  while (true) {
    const auto n = (*source)->read(room.data(), room.size());
    if (!n) error = n.error().message;
    if (!n || *n == 0) break;
    text.append(room.data(), *n);
    size_t at = 0;
    for (size_t end = text.find('\n'); end != text.npos; at = end + 1, end = text.find('\n', at)) {
      Element line;
      std::string request;
      if (parser.parse(text.data() + at, end - at).get(line) == simdjson::SUCCESS) request = request_of(line);
      if (request.empty()) {
        ++skipped;
        continue;
      }
      queues[base::hash64(dialect::json::text(line, "account")) % connections].push(std::move(request));
    }
    text.erase(0, at);
  }
  for (Queue& queue : queues) queue.end();
  for (std::thread& thread : threads) thread.join();
  fmt::print("{} requests answered, {} failed, {} lines skipped\n", answered.load(), failed.load(), skipped);
  if (!error.empty()) fmt::print(stderr, "replay: {}\n", error);
  return failed > 0 || !error.empty() ? 1 : 0;
}

}  // namespace
}  // namespace stillwatch

int main(int argc, char** argv) {
  stillwatch::Replay replay;
  CLI::App app("Sends the requests of a log to a gateway on loopback, as fast as it takes them");
  app.add_option("LOG", replay.log, "In the native format, plain or compressed")->required();
  app.add_option("--port", replay.port, "Of the gateway")->required();
  app.add_option("--connections", replay.connections, "That send at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  CLI11_PARSE(app, argc, argv);
  return replay.run();
}
