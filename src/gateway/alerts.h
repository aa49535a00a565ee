// Tells people and programs of findings: a webhook (signed as the Standard Webhooks specification says), syslog, a file
// of JSON lines; each on its own, any or none of them. docs/alerts.md has what they get.
//
// An alert is delivered once to each of them: the caller's id makes a second one with it void. One that fails is tried
// again, ever more slowly, until it is taken or kAttemptsMax; other alerts do not wait for it. Who keeps alerts over
// the end of the program is told what is done with each. Nothing here blocks or fails its caller. Secrets, and URLs,
// which may hold one, are in no message. Thread rule: all methods from any thread. Bounds: kAlertsWaitingMax waiting,
// beyond which the oldest is given up and counted.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>

#include "base/error.h"
#include "base/time.h"

namespace stillwatch::gateway {

constexpr size_t kAlertsWaitingMax = 10'000;
constexpr int kAttemptsMax = 16;  // over about half a day

// Ways of telling, as bits.
using Sinks = uint8_t;
constexpr Sinks kWebhook = 1, kSyslog = 2, kJsonLog = 4, kAllSinks = 7;

struct Alert {
  std::string id;
  std::string account;
  base::Time time{};
  std::string body;  // a JSON object in one line
  std::string line;  // for syslog: no text of others in it
  Sinks left = kAllSinks;
};

struct AlertSettings {
  std::string webhook_url;     // http:// or https://; "" for none
  std::string webhook_secret;  // base64, with or without `whsec_`
  std::string json_log;        // path; "" for none
  bool syslog = false;
  std::string syslog_socket = "/dev/log";
  std::function<base::Time()> now;
  std::chrono::milliseconds retry_after{5'000};  // doubled at each attempt, up to an hour
  // Called with the sinks that an alert was delivered to, or given up for.
  std::function<void(const Alert&, Sinks done)> on_done;

  Sinks sinks() const {
    return static_cast<Sinks>((webhook_url.empty() ? 0 : kWebhook) | (syslog ? kSyslog : 0) |
                              (json_log.empty() ? 0 : kJsonLog));
  }
};

class Alerts {
 public:
  static base::Result<std::unique_ptr<Alerts>> start(AlertSettings settings);
  ~Alerts();  // tries once more what waits; the rest is not done

  void submit(const Alert& alert);

  struct Counts {
    uint64_t delivered = 0;  // to a sink
    uint64_t failed = 0;     // attempts
    uint64_t given_up = 0;
    uint64_t waiting = 0;
  };
  Counts counts() const;

  // The value of webhook-signature: `v1,` and the base64 of HMAC-SHA256 over `id.seconds.body`.
  static std::string signature(std::string_view key, std::string_view id, int64_t seconds, std::string_view body);

 private:
  struct Waiting {
    Alert alert;
    int attempts = 0;
    std::chrono::milliseconds due{0};  // since the thread began
  };
  Alerts(AlertSettings settings, std::string key);
  void run();
  struct Attempt {
    Sinks delivered = 0;
    Sinks hopeless = 0;
    std::chrono::milliseconds retry_after{0};
  };
  Attempt attempt(const Alert& alert);
  Attempt post(const Alert& alert);
  bool write_line(const std::string& line);
  void done(const Alert& alert, Sinks sinks);

  AlertSettings settings_;
  std::string key_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> waiting_;
  std::deque<std::string> recent_order_;
  std::unordered_set<std::string> recent_;
  bool stopping_ = false;
  std::atomic<uint64_t> delivered_{0}, failed_{0}, given_up_{0};
  std::thread thread_;
};

}  // namespace stillwatch::gateway
