#include "gateway/alerts.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <sodium.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>

namespace stillwatch::gateway {
namespace {

using std::chrono::milliseconds;

constexpr size_t kRecentMax = 100'000;
constexpr milliseconds kRetryMax(3'600'000);
constexpr milliseconds kTick(100);

size_t ignore(char*, size_t size, size_t count, void*) {
  return size * count;
}

std::string base64(const unsigned char* bytes, size_t size) {
  std::string out(sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(out.data(), out.size(), bytes, size, sodium_base64_VARIANT_ORIGINAL);
  out.pop_back();  // its final zero
  return out;
}

}  // namespace

std::string Alerts::signature(std::string_view key, std::string_view id, int64_t seconds, std::string_view body) {
  const std::string text = fmt::format("{}.{}.{}", id, seconds, body);
  crypto_auth_hmacsha256_state state;
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> mac{};
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(key.data()), key.size());
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  crypto_auth_hmacsha256_final(&state, mac.data());
  return "v1," + base64(mac.data(), mac.size());
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
  if (settings.syslog) ::openlog("stillwatch", LOG_PID, LOG_AUTHPRIV);
  std::unique_ptr<Alerts> alerts(new Alerts(std::move(settings), std::move(key)));
  if (!alerts->settings_.json_log.empty() && !alerts->write_line({}))
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
  {
    const std::lock_guard lock(mutex_);
    if (!recent_.insert(alert.id).second) return;
    recent_order_.push_back(alert.id);
    if (recent_order_.size() > kRecentMax) {
      recent_.erase(recent_order_.front());
      recent_order_.pop_front();
    }
    if (waiting_.size() == kAlertsWaitingMax) {
      waiting_.pop_front();
      ++given_up_;
    }
    waiting_.push_back({alert});
  }
  wake_.notify_one();
}

Alerts::Counts Alerts::counts() const {
  const std::lock_guard lock(mutex_);
  return {delivered_, failed_, given_up_, waiting_.size()};
}

// The file is opened for each alert, which is seldom, so that it may be moved away at any time.
bool Alerts::write_line(const Alert& alert) {
  const int fd = ::open(settings_.json_log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (fd < 0) return false;
  const std::string line = alert.body.empty() ? "" : alert.body + "\n";
  const bool written = ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()) && ::fsync(fd) == 0;
  return ::close(fd) == 0 && written;
}

bool Alerts::post(const Alert& alert, milliseconds& retry_after, bool& hopeless) {
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(::curl_easy_init(), ::curl_easy_cleanup);
  if (!curl) return false;
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
  if (::curl_easy_perform(curl.get()) != CURLE_OK) return false;
  long status = 0;
  ::curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_off_t wait = 0;
  if (::curl_easy_getinfo(curl.get(), CURLINFO_RETRY_AFTER, &wait) == CURLE_OK && wait > 0)
    retry_after = std::max(retry_after, milliseconds(1000 * std::min<int64_t>(wait, 3600)));
  hopeless = status >= 300 && status < 500 && status != 408 && status != 429;
  return status >= 200 && status < 300;
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
    if (w.attempts == 0) {
      if (settings_.syslog) {
        ::syslog(LOG_WARNING, "%s", w.alert.line.c_str());
        ++delivered_;
      }
      if (!settings_.json_log.empty()) ++(write_line(w.alert) ? delivered_ : failed_);
    }
    bool again = false;
    milliseconds pause = std::min(kRetryMax, settings_.retry_after * (1 << std::min(w.attempts, 12)));
    if (!settings_.webhook_url.empty()) {
      bool hopeless = false;
      if (post(w.alert, pause, hopeless)) {
        ++delivered_;
      } else {
        ++failed_;
        again = !hopeless && ++w.attempts < kAttemptsMax && !last_chance;
        given_up_ += !again;
      }
    }
    lock.lock();
    if (!again) continue;
    // A quarter more or less, so that many alerts do not come back together.
    const auto spread = static_cast<int64_t>(randombytes_uniform(501)) - 250;
    w.due = elapsed + pause + pause * spread / 1000;
    waiting_.push_back(std::move(w));
  }
}

}  // namespace stillwatch::gateway
