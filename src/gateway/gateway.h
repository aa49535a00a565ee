// The live gateway: HTTP/1.1 in front of one upstream, with the pipeline beside it. Every path is relayed; end-to-end
// fields and body bytes pass as they are (wire/head.h, wire/body.h decide framing). A request that two servers could
// read differently is answered with its refusal before a byte of it goes upstream; broken framing inside a body closes
// both connections. Whatever happens to observation, relaying goes on.
//
// One io_context a thread, each with its own listener (SO_REUSEPORT) and its own idle upstream connections; a session
// lives on one thread. Thread rule: start and stop from one thread. Bounds: a buffer of 64 KiB and what is observed of
// one exchange for each connection; slow peers hold back fast ones.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/time.h"
#include "gateway/alerts.h"
#include "gateway/campaign_watch.h"
#include "gateway/identity.h"
#include "gateway/observer.h"
#include "verdict/policy.h"
#include "watermark/key.h"

namespace stillwatch::gateway {

struct Address {
  std::string host;
  uint16_t port = 0;
};
struct UpstreamAddress : Address {
  bool tls = false;
};
// "127.0.0.1:8080", "[::1]:8080", "localhost:80".
base::Result<Address> parse_address(std::string_view text);
// "http://host[:port]" or "https://host[:port]", nothing behind it.
base::Result<UpstreamAddress> parse_upstream(std::string_view url);

struct MarkSettings {
  std::optional<watermark::MasterKey> key;  // none: nothing is marked
  std::string label = "epoch:1";            // whose key marks
  bool upstream_n = false;                  // the upstream makes n drafts in one call of chat completions
  bool upstream_continues = false;          // the upstream continues the assistant's last message
  std::string pool = "canaries:1";
  size_t pool_size = 10'000;
  size_t canaries = 8;  // of an account
};

// Of the model that says in short what another one thought, where the policy withholds that. It is asked through the
// same upstream.
struct SummarySettings {
  std::string model;  // "": there are no summaries
  std::string path = "/v1/chat/completions";
  std::string credential;  // "": none is sent; the client's own never is
  unsigned tokens_max = 200;
  std::chrono::milliseconds timeout{20'000};
};

struct Settings {
  Address listen;
  UpstreamAddress upstream;
  std::string upstream_ca;  // PEM file of who may vouch for the upstream; "": the system's
  std::string certificate;  // PEM files of the listener; "": in the clear
  std::string key;
  Address admin;
  std::string admin_token;     // "": none is asked for
  std::string approver_token;  // of a second operator; "": nothing can be approved
  unsigned threads = 1;
  std::string database;  // path; "": nothing outlives the process
  std::chrono::days subjects_for{365};
  std::chrono::days findings_for{730};
  size_t exemplars = 0;  // redacted samples kept of each flagged account
  std::chrono::days exemplars_for{30};
  std::chrono::seconds campaign_period{600};  // from the beginning of a look for campaigns to the next
  std::shared_ptr<const verdict::Policy> policy = std::make_shared<verdict::Policy>();
  MarkSettings marks;
  SummarySettings summaries;
  AlertSettings alerts;
  std::chrono::seconds idle{75};       // between requests
  std::chrono::seconds head{30};       // for a head to arrive
  std::chrono::seconds progress{600};  // without a byte from either side, once a request is under way
  std::chrono::seconds connect{10};    // for the upstream to take a connection
  std::chrono::seconds linger{5};      // for a client to read the last answer of its connection
  std::chrono::seconds drain{10};      // for exchanges under way when stopping
  std::function<base::Time()> now;     // the clock of observations
  std::function<int64_t()> ticks;      // nanoseconds of a clock that never goes back; none: latency is not measured
  // A field of requests whose value is believed as their time, for rehearsals: whoever can reach the port can set it.
  // "": none is.
  std::string time_field;
  std::function<void(std::string_view)> tell = [](std::string_view) {};  // the operator, in a line
};

class Gateway {
 public:
  // Listens when it returns. Ports that were 0 are chosen.
  static base::Result<std::unique_ptr<Gateway>> start(Settings settings, Identity identity,
                                                      std::unique_ptr<pipeline::Pipeline> pipeline);
  ~Gateway();  // stops

  uint16_t port() const;
  uint16_t admin_port() const;
  Observer& observer();
  CampaignWatch& campaigns();
  uint64_t open_connections() const;
  void set_policy(std::shared_ptr<const verdict::Policy> policy);

  // Takes no new connections, lets exchanges under way end for `drain`, then closes the rest.
  void stop();

 private:
  struct State;
  explicit Gateway(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace stillwatch::gateway
