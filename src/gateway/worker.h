// One thread of the gateway: its listener, its sessions, its idle connections to the upstream. Private to the module.
#pragma once

#include <list>
#include <optional>

#include "gateway/asio.h"
#include "gateway/campaign_watch.h"
#include "gateway/challenges.h"
#include "gateway/gateway.h"
#include "gateway/histogram.h"
#include "gateway/keeper.h"
#include "gateway/marker.h"
#include "gateway/ranker.h"
#include "gateway/standings.h"
#include "gateway/stream.h"
#include "gateway/turns.h"

namespace stillwatch::gateway {

// What policy decided about requests, by rung.
struct PolicyCounts {
  std::array<std::atomic<uint64_t>, verdict::kRungs> observed{}, enforced{};
  void note(const verdict::Decision& d) {
    for (size_t rung = 0; rung < verdict::kRungs; ++rung) {
      observed[rung].fetch_add((d.observed >> rung) & 1, std::memory_order_relaxed);
      enforced[rung].fetch_add((d.enforced >> rung) & 1, std::memory_order_relaxed);
    }
  }
};

struct SummaryCounts {
  std::atomic<uint64_t> given{0};
  std::atomic<uint64_t> failed{0};  // reasoning was withheld without one
  std::atomic<uint64_t> under_way{0};
};

struct RelayCounts {
  std::atomic<uint64_t> requests{0};
  std::atomic<uint64_t> refused{0};            // by us, for their framing
  std::atomic<uint64_t> upstream_failures{0};  // answered with 502, or cut
  std::atomic<uint64_t> connections{0};        // open now
};

// What all threads share.
struct Shared {
  Settings settings;
  Identity identity;
  Standings standings;
  Observer observer;
  Challenges challenges;
  Turns turns = {}, campaign_turns = {};  // by account, by campaign
  RelayCounts counts = {};
  PolicyCounts policy_counts = {};
  SummaryCounts summaries = {};
  // From the last byte read to the first one written: of a request, connecting included, and of its answer.
  Histogram request_latency = {}, answer_latency = {};
  std::atomic<uint64_t> observed_bytes{0};              // of large bodies under way
  std::optional<asio::ssl::context> listener_tls = {};  // none: in the clear
  std::optional<asio::ssl::context> upstream_tls = {};
  std::atomic<uint64_t> findings{0};           // accounts flagged for the first time
  std::atomic<uint64_t> campaigns_flagged{0};  // campaigns, likewise
  std::unique_ptr<Keeper> keeper = {};         // none: nothing is kept
  std::unique_ptr<Ranker> ranker = {};
  std::unique_ptr<CampaignWatch> campaigns = {};  // there while anything is served
  std::unique_ptr<Marker> marker = {};            // none: there is no key to mark with
  Alerts* alerts = nullptr;                       // none: nobody is told

  // When a request came: now or, in a rehearsal, when it says.
  base::Time time_of(const wire::RequestHead& head) const {
    const std::string& field = settings.time_field;
    return (field.empty() ? std::nullopt : base::parse_rfc3339(head.find(field))).value_or(settings.now());
  }
  int64_t ticks() const { return settings.ticks ? settings.ticks() : 0; }
  asio::ssl::context* tls_of_listener() { return listener_tls ? &*listener_tls : nullptr; }
};

class Session;

class Worker {
 public:
  Worker(Shared& shared, const Endpoint& listen, bool first, error_code& error);
  uint16_t port() const { return port_; }
  void run();   // until stop() and the last session
  void stop();  // from any thread

  Shared& shared() { return shared_; }
  asio::io_context& io() { return io_; }
  bool stopping() const { return stopping_; }
  int64_t seconds() const { return seconds_; }  // that this thread has run, about

  // Makes `stream` an idle connection that is still open, if there is one.
  bool take_upstream(Stream& stream);
  // Makes it a new one, to whichever address of the upstream answers.
  Task<error_code> connect_upstream(Stream& stream);
  void keep_upstream(Stream&& stream);

 private:
  friend class Session;
  Task<void> sweep();
  Task<void> resolve();

  Shared& shared_;
  asio::io_context io_{1};
  Acceptor acceptor_;
  Timer timer_;
  std::list<Session*> sessions_;
  struct Idle {
    Stream stream;
    int64_t since;
  };
  std::vector<Idle> idle_;  // to the upstream, newest last
  std::vector<Endpoint> upstream_;
  int64_t resolved_at_ = 0;
  uint16_t port_ = 0;
  bool stopping_ = false;
  int64_t seconds_ = 0;
};

Task<void> serve_admin(Acceptor& acceptor, Shared& shared, asio::io_context& io);

}  // namespace stillwatch::gateway
