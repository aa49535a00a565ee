#include "net/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <map>

#include "base/random.h"

namespace stillwatch::net {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;

constexpr size_t kHeaderBytesMax = 64u << 10;

using Easy = std::unique_ptr<CURL, decltype(&::curl_easy_cleanup)>;
using Multi = std::unique_ptr<CURLM, decltype(&::curl_multi_cleanup)>;
using Fields = std::unique_ptr<curl_slist, decltype(&::curl_slist_free_all)>;
using Url = std::unique_ptr<CURLU, decltype(&::curl_url_cleanup)>;

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

bool can_be_sent(const HttpRequest& request) {
  return !has_control(request.method) && !has_control(request.url) &&
         std::none_of(request.headers.begin(), request.headers.end(),
                      [](const auto& field) { return has_control(field.first) || has_control(field.second); });
}

// scheme://host:port/path: what may be in a message.
std::string shown(const std::string& url) {
  const Url parsed(::curl_url(), ::curl_url_cleanup);
  if (!parsed || ::curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return "the URL";
  for (const CURLUPart part : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT})
    ::curl_url_set(parsed.get(), part, nullptr, 0);
  char* text = nullptr;
  if (::curl_url_get(parsed.get(), CURLUPART_URL, &text, 0) != CURLUE_OK) return "the URL";
  const std::unique_ptr<char, decltype(&::curl_free)> owner(text, ::curl_free);
  return text;
}

bool may_pass(int status) {
  return status == 408 || status == 429 || (status >= 500 && status != 501 && status != 505);
}

bool may_pass(CURLcode code) {
  static constexpr std::array kPassing = {CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT,   CURLE_OPERATION_TIMEDOUT,
                                          CURLE_SEND_ERROR,           CURLE_RECV_ERROR,        CURLE_GOT_NOTHING,
                                          CURLE_PARTIAL_FILE,         CURLE_SSL_CONNECT_ERROR, CURLE_HTTP2,
                                          CURLE_HTTP2_STREAM};
  return std::find(kPassing.begin(), kPassing.end(), code) != kPassing.end();
}

struct Transfer {
  HttpClient::Id id = 0;
  HttpRequest request;
  HttpClient::Done done;
  HttpClient::OnData on_data;
  size_t response_bytes_max = 0;

  HttpResponse response;
  milliseconds due{0};
  bool streamed = false;  // something of the answer was handed over
  bool too_large = false;
  size_t header_bytes = 0;
  Easy easy{nullptr, ::curl_easy_cleanup};
  Fields fields{nullptr, ::curl_slist_free_all};
};

bool is_success(int status) {
  return status >= 200 && status < 300;
}

int status_of(CURL* easy) {
  long status = 0;
  ::curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

size_t on_header(char* data, size_t size, size_t count, Transfer* t) {
  std::string_view line(data, size * count);
  t->header_bytes += line.size();
  if (t->header_bytes > kHeaderBytesMax) {
    t->too_large = true;
    return 0;
  }
  if (line.starts_with("HTTP/")) t->response.headers.clear();  // an interim answer went before
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return line.size();
  std::string name(line.substr(0, colon));
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  std::string_view value = line.substr(colon + 1);
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!value.empty() && is_space(value.front())) value.remove_prefix(1);
  while (!value.empty() && is_space(value.back())) value.remove_suffix(1);
  t->response.headers.emplace_back(std::move(name), value);
  return line.size();
}

size_t on_body(char* data, size_t size, size_t count, Transfer* t) {
  const std::string_view piece(data, size * count);
  if (t->on_data && is_success(status_of(t->easy.get()))) {
    t->streamed = true;
    return t->on_data(piece) ? piece.size() : 0;
  }
  if (t->response.body.size() + piece.size() > t->response_bytes_max) {
    t->too_large = true;
    return 0;
  }
  t->response.body.append(piece);
  return piece.size();
}

// What the server asks to wait; nothing if it says nothing that can be read.
milliseconds retry_after(const Transfer& t) {
  const std::string_view precise = t.response.header("retry-after-ms");
  int64_t ms = 0;
  if (!precise.empty() && std::from_chars(precise.begin(), precise.end(), ms).ec == std::errc())
    return milliseconds(ms);
  curl_off_t seconds = 0;  // from a number or a date
  ::curl_easy_getinfo(t.easy.get(), CURLINFO_RETRY_AFTER, &seconds);
  return milliseconds(1000 * std::min<int64_t>(seconds, 1'000'000));
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
  const auto named = [&](const auto& field) { return field.first == name; };
  const auto found = std::find_if(headers.begin(), headers.end(), named);
  return found == headers.end() ? std::string_view() : found->second;
}

struct HttpClient::State {
  using Owned = std::unique_ptr<Transfer>;

  explicit State(HttpSettings given) : settings(std::move(given)), random(settings.seed) {}

  void start(Owned transfer);
  void finish(Owned transfer, CURLcode code);
  void begin_what_is_due();
  bool finish_what_is_done();
  bool complain_of_broken();
  base::Error error_of(const Transfer& t, CURLcode code) const;

  HttpSettings settings;
  base::Random random;
  Multi multi{::curl_multi_init(), ::curl_multi_cleanup};
  std::map<Id, Owned> waiting;
  std::map<Id, Owned> broken;  // cannot be sent at all
  std::map<CURL*, Owned> active;
  milliseconds held_until{0};  // no request begins before: a server asked for it
  Id last = 0;
  std::atomic<bool> interrupted{false};
};

base::Result<std::unique_ptr<HttpClient>> HttpClient::create(HttpSettings settings) {
  static const CURLcode initialised = ::curl_global_init(CURL_GLOBAL_DEFAULT);
  if (settings.concurrency == 0 || settings.attempts_max < 1 || !settings.now)
    return base::fail(ErrorCode::kUsage, "an HTTP client needs a clock, a concurrency and attempts of 1 or more");
  auto state = std::make_unique<State>(std::move(settings));
  if (initialised != CURLE_OK || !state->multi) return base::fail(ErrorCode::kInternal, "libcurl could not be started");
  ::curl_multi_setopt(state->multi.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(state->settings.concurrency));
  return std::unique_ptr<HttpClient>(new HttpClient(std::move(state)));
}

HttpClient::HttpClient(std::unique_ptr<State> state) : state_(std::move(state)) {}

HttpClient::~HttpClient() {
  cancel_all();
}

void HttpClient::cancel_all() {
  for (const auto& [easy, transfer] : state_->active) ::curl_multi_remove_handle(state_->multi.get(), easy);
  state_->active.clear();
  state_->waiting.clear();
  state_->broken.clear();
}

HttpClient::Id HttpClient::submit(HttpRequest request, Done done, OnData on_data) {
  auto t = std::make_unique<Transfer>();
  t->id = ++state_->last;
  t->request = std::move(request);
  t->done = std::move(done);
  t->on_data = std::move(on_data);
  t->response_bytes_max = state_->settings.response_bytes_max;
  auto& queue = can_be_sent(t->request) ? state_->waiting : state_->broken;
  return queue.emplace(t->id, std::move(t)).first->first;
}

void HttpClient::cancel(Id id) {
  state_->waiting.erase(id);
  state_->broken.erase(id);
  for (auto it = state_->active.begin(); it != state_->active.end(); ++it) {
    if (it->second->id != id) continue;
    ::curl_multi_remove_handle(state_->multi.get(), it->first);
    state_->active.erase(it);
    return;
  }
}

void HttpClient::State::start(Owned transfer) {
  Transfer& t = *transfer;
  t.easy.reset(::curl_easy_init());
  const int attempts = t.response.attempts + 1;
  t.response = {};
  t.response.attempts = attempts;
  t.header_bytes = 0;
  const auto set = [&](CURLoption option, auto value) { ::curl_easy_setopt(t.easy.get(), option, value); };
  curl_slist* fields = ::curl_slist_append(nullptr, "Expect:");  // no pause for 100 Continue
  for (const auto& [name, value] : t.request.headers)
    fields = ::curl_slist_append(fields, fmt::format("{}: {}", name, value).c_str());
  t.fields.reset(fields);
  set(CURLOPT_URL, t.request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTPHEADER, fields);
  if (t.request.method == "GET") {
    set(CURLOPT_HTTPGET, 1L);
  } else {
    set(CURLOPT_CUSTOMREQUEST, t.request.method.c_str());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(t.request.body.size()));
    set(CURLOPT_POSTFIELDS, t.request.body.c_str());
  }
  set(CURLOPT_HEADERFUNCTION, &on_header);
  set(CURLOPT_HEADERDATA, &t);
  set(CURLOPT_WRITEFUNCTION, &on_body);
  set(CURLOPT_WRITEDATA, &t);
  set(CURLOPT_ACCEPT_ENCODING, "");  // whatever libcurl can undo
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings.connect_timeout.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(settings.timeout.count()));
  set(CURLOPT_PROXY, settings.proxy.c_str());
  set(CURLOPT_USERAGENT, "stillwatch");
  if (!settings.ca_file.empty()) set(CURLOPT_CAINFO, settings.ca_file.c_str());
  ::curl_multi_add_handle(multi.get(), t.easy.get());
  CURL* const easy = t.easy.get();
  active.emplace(easy, std::move(transfer));
}

base::Error HttpClient::State::error_of(const Transfer& t, CURLcode code) const {
  const std::string url = shown(t.request.url);
  if (t.too_large) {
    return {ErrorCode::kInput,
            fmt::format("{} answered with more than {} bytes; ask for less, or is it the right endpoint?", url,
                        t.header_bytes > kHeaderBytesMax ? kHeaderBytesMax : t.response_bytes_max)};
  }
  if (t.streamed && code == CURLE_WRITE_ERROR)
    return {ErrorCode::kInput, fmt::format("the answer of {} was broken off, as asked", url)};
  return {ErrorCode::kInput, fmt::format("{} gave no answer in {} attempt{}: {}", url, t.response.attempts,
                                         t.response.attempts == 1 ? "" : "s", ::curl_easy_strerror(code))};
}

void HttpClient::State::finish(Owned transfer, CURLcode code) {
  Transfer& t = *transfer;
  ::curl_multi_remove_handle(multi.get(), t.easy.get());
  t.response.status = status_of(t.easy.get());
  const bool passing = !t.streamed && !t.too_large && (code == CURLE_OK ? may_pass(t.response.status) : may_pass(code));
  if (passing && t.response.attempts < settings.attempts_max) {
    const int doublings = std::min(t.response.attempts - 1, 20);
    const milliseconds pause = std::min(settings.backoff_max, settings.backoff * (int64_t{1} << doublings));
    const auto spread = static_cast<int64_t>(random.below(static_cast<uint64_t>(pause.count() / 2 + 1)));
    const milliseconds asked = std::clamp(retry_after(t), milliseconds(0), settings.retry_after_max);
    const milliseconds now = settings.now();
    t.due = now + std::max(asked, pause - milliseconds(spread));
    if (asked.count() > 0) held_until = std::max(held_until, now + asked);
    t.easy.reset();
    waiting.emplace(t.id, std::move(transfer));
    return;
  }
  if (code != CURLE_OK) return t.done(tl::unexpected(error_of(t, code)));
  t.done(std::move(t.response));
}

void HttpClient::State::begin_what_is_due() {
  const milliseconds now = settings.now();
  if (now < held_until) return;
  for (auto it = waiting.begin(); it != waiting.end() && active.size() < settings.concurrency;) {
    if (it->second->due > now) {
      ++it;
      continue;
    }
    start(std::move(it->second));
    it = waiting.erase(it);
  }
}

bool HttpClient::State::finish_what_is_done() {
  bool any = false;
  int left = 0;
  while (const CURLMsg* message = ::curl_multi_info_read(multi.get(), &left)) {
    const auto it = active.find(message->easy_handle);
    if (message->msg != CURLMSG_DONE || it == active.end()) continue;
    const CURLcode code = message->data.result;
    Owned transfer = std::move(it->second);
    active.erase(it);
    finish(std::move(transfer), code);
    any = true;
  }
  return any;
}

bool HttpClient::State::complain_of_broken() {
  if (broken.empty()) return false;
  const Owned transfer = std::move(broken.begin()->second);
  broken.erase(broken.begin());
  transfer->done(base::fail(ErrorCode::kUsage, "a URL or header has a line break or another control character in it"));
  return true;
}

bool HttpClient::run_once(milliseconds wait) {
  State& s = *state_;
  if (s.complain_of_broken()) return pending() > 0;
  s.begin_what_is_due();
  int running = 0;
  ::curl_multi_perform(s.multi.get(), &running);
  if (s.finish_what_is_done() || pending() == 0 || wait.count() == 0) return pending() > 0;

  const milliseconds now = s.settings.now();
  milliseconds next = wait;
  if (s.active.size() < s.settings.concurrency) {
    for (const auto& [id, t] : s.waiting) next = std::min(next, std::max(t->due, s.held_until) - now);
  }
  next = std::max(next, milliseconds(0));
  if (s.active.empty() && s.settings.sleep) {
    s.settings.sleep(next);
  } else {
    ::curl_multi_poll(s.multi.get(), nullptr, 0, static_cast<int>(std::min<int64_t>(next.count(), 60'000)), nullptr);
  }
  return true;
}

bool HttpClient::run() {
  while (!state_->interrupted.exchange(false)) {
    if (!run_once(milliseconds(60'000))) return true;
  }
  return false;
}

size_t HttpClient::pending() const {
  return state_->waiting.size() + state_->broken.size() + state_->active.size();
}

void HttpClient::interrupt() {
  state_->interrupted = true;
  ::curl_multi_wakeup(state_->multi.get());
}

}  // namespace stillwatch::net
