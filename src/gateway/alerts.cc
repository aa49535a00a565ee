#include "gateway/alerts.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <sodium.h>

#include <algorithm>
#include <bit>

#include "base/descriptor.h"
#include "base/encoding.h"
#include "gateway/syslog.h"

namespace stillwatch::gateway {
namespace {

using std::chrono::milliseconds;

constexpr size_t kRecentMax = 100'000;
constexpr milliseconds kRetryMax(3'600'000);
constexpr milliseconds kTick(100);

size_t ignore(char*, size_t size, size_t count, void*) {
  return size * count;
}

}  // namespace

std::string Alerts::signature(std::string_view key, std::string_view id, int64_t seconds, std::string_view body) {
  const std::string text = fmt::format("{}.{}.{}", id, seconds, body);
  crypto_auth_hmacsha256_state state;
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> mac{};
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(key.data()), key.size());
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  crypto_auth_hmacsha256_final(&state, mac.data());
  return "v1," + base::to_base64({reinterpret_cast<const char*>(mac.data()), mac.size()});
}

base::Result<std::unique_ptr<Alerts>> Alerts::start(AlertSettings settings) {
  using base::ErrorCode;
  std::string key;
  if (!settings.webhook_url.empty()) {
    if (!settings.webhook_url.starts_with("http://") && !settings.webhook_url.starts_with("https://"))
      return base::fail(ErrorCode::kUsage, "the webhook's url begins with neither http:// nor https://");
    std::string_view text = settings.webhook_secret;
    if (text.starts_with("whsec_")) text.remove_prefix(6);
    key.resize(text.size());
    size_t size = 0;
    if (sodium_base642bin(reinterpret_cast<unsigned char*>(key.data()), key.size(), text.data(), text.size(), "\r\n ",
                          &size, nullptr, sodium_base64_VARIANT_ORIGINAL) != 0 ||
        size < 16)
      return base::fail(ErrorCode::kUsage, "the webhook's secret is not the base64 of 16 bytes or more");
    key.resize(size);
    ::curl_global_init(CURL_GLOBAL_DEFAULT);
  }
  std::unique_ptr<Alerts> alerts(new Alerts(std::move(settings), std::move(key)));
  if (!alerts->settings_.json_log.empty() && !alerts->write_line(""))
    return base::fail(ErrorCode::kInternal, fmt::format("{} cannot be written", alerts->settings_.json_log));
  return alerts;
}

Alerts::Alerts(AlertSettings settings, std::string key) : settings_(std::move(settings)), key_(std::move(key)) {
  thread_ = std::thread([this] { run(); });
}

Alerts::~Alerts() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Alerts::submit(const Alert& alert) {
  Alert given_up;
  {
    const std::lock_guard lock(mutex_);
    if (!recent_.insert(alert.id).second) return;
    recent_order_.push_back(alert.id);
    if (recent_order_.size() > kRecentMax) {
      recent_.erase(recent_order_.front());
      recent_order_.pop_front();
    }
    if (waiting_.size() == kAlertsWaitingMax) {
      given_up = std::move(waiting_.front().alert);
      waiting_.pop_front();
      ++given_up_;
    }
    waiting_.push_back({alert});
    waiting_.back().alert.left &= settings_.sinks();
  }
  wake_.notify_one();
  if (!given_up.id.empty()) done(given_up, kAllSinks);
}

void Alerts::done(const Alert& alert, Sinks sinks) {
  if (settings_.on_done && sinks != 0) settings_.on_done(alert, sinks);
}

Alerts::Counts Alerts::counts() const {
  const std::lock_guard lock(mutex_);
  return {delivered_, failed_, given_up_, waiting_.size()};
}

// The file is opened for each alert, which is seldom, so that it may be moved away at any time.
bool Alerts::write_line(const std::string& line) {
  base::Descriptor file(::open(settings_.json_log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  return file.good() && file.write_all(line) && file.sync() && file.close();
}

Alerts::Attempt Alerts::post(const Alert& alert) {
  Attempt a;
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(::curl_easy_init(), ::curl_easy_cleanup);
  if (!curl) return a;
  const int64_t seconds = base::to_ms(settings_.now()) / 1000;
  curl_slist* fields = nullptr;
  const auto field = [&](const std::string& text) { fields = ::curl_slist_append(fields, text.c_str()); };
  field("Content-Type: application/json");
  field("webhook-id: " + alert.id);
  field(fmt::format("webhook-timestamp: {}", seconds));
  field("webhook-signature: " + signature(key_, alert.id, seconds, alert.body));
  const std::unique_ptr<curl_slist, void (*)(curl_slist*)> owner(fields, ::curl_slist_free_all);
  const auto set = [&](CURLoption option, auto value) { ::curl_easy_setopt(curl.get(), option, value); };
  set(CURLOPT_URL, settings_.webhook_url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTPHEADER, fields);
  set(CURLOPT_POSTFIELDS, alert.body.c_str());
  set(CURLOPT_POSTFIELDSIZE, static_cast<long>(alert.body.size()));
  set(CURLOPT_WRITEFUNCTION, &ignore);
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT, 5L);
  set(CURLOPT_TIMEOUT, 15L);
  if (::curl_easy_perform(curl.get()) != CURLE_OK) return a;
  long status = 0;
  ::curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_off_t wait = 0;
  if (::curl_easy_getinfo(curl.get(), CURLINFO_RETRY_AFTER, &wait) == CURLE_OK && wait > 0)
    a.retry_after = milliseconds(1000 * std::min<int64_t>(wait, 3600));
  if (status >= 200 && status < 300) a.delivered = kWebhook;
  if (status >= 300 && status < 500 && status != 408 && status != 429) a.hopeless = kWebhook;
  return a;
}

Alerts::Attempt Alerts::attempt(const Alert& alert) {
  Attempt a;
  if (alert.left & kWebhook) a = post(alert);
  if ((alert.left & kSyslog) && send_to_syslog(settings_.syslog_socket, alert.line, settings_.now()))
    a.delivered |= kSyslog;
  if ((alert.left & kJsonLog) && write_line(alert.body + "\n")) a.delivered |= kJsonLog;
  return a;
}

void Alerts::run() {
  ::pthread_setname_np(::pthread_self(), "alert");
  milliseconds elapsed{0};
  const auto begun = settings_.now();
  std::unique_lock lock(mutex_);
  while (true) {
    // The nearest that is due; new ones are due at once.
    elapsed = std::chrono::duration_cast<milliseconds>(settings_.now() - begun);
    auto next =
        std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return stopping_ || w.due <= elapsed; });
    if (next == waiting_.end()) {
      if (stopping_) return;
      if (waiting_.empty()) {
        wake_.wait(lock);
      } else {
        wake_.wait_for(lock, kTick);
      }
      continue;
    }
    Waiting w = std::move(*next);
    waiting_.erase(next);
    const bool last_chance = stopping_;
    lock.unlock();
    const Attempt a = attempt(w.alert);
    const auto finished = static_cast<Sinks>(a.delivered | a.hopeless);
    const auto failed = static_cast<Sinks>(w.alert.left & ~a.delivered);
    delivered_ += static_cast<uint64_t>(std::popcount(a.delivered));
    failed_ += static_cast<uint64_t>(std::popcount(failed));
    given_up_ += static_cast<uint64_t>(std::popcount(a.hopeless));
    done(w.alert, finished);
    w.alert.left &= static_cast<Sinks>(~finished);
    if (w.alert.left != 0 && ++w.attempts == kAttemptsMax) {
      ++given_up_;
      done(w.alert, w.alert.left);
      w.alert.left = 0;
    }
    lock.lock();
    if (w.alert.left == 0 || last_chance) continue;
    const milliseconds pause =
        std::max(a.retry_after, std::min(kRetryMax, settings_.retry_after * (1 << std::min(w.attempts - 1, 12))));
    // A quarter more or less, so that many alerts do not come back together.
    const auto spread = static_cast<int64_t>(randombytes_uniform(501)) - 250;
    w.due = elapsed + pause + pause * spread / 1000;
    waiting_.push_back(std::move(w));
  }
}

}  // namespace stillwatch::gateway
