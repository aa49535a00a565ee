#include "distill/harvest.h"

#include <fmt/format.h>

#include <algorithm>

namespace stillwatch::distill {
namespace {

using Kind = net::ChatFailure::Kind;

constexpr std::chrono::milliseconds kPatience(250);  // until a stop is seen

std::string row_id(const Prompt& prompt, int sample) {
  return sample == 0 ? prompt.id : fmt::format("{}-{}", prompt.id, sample);
}

// Without user, password, query: what may be written down.
std::string shown(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const size_t scheme = url.find("://");
  const size_t begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  const size_t at = url.substr(begin, url.find('/', begin) - begin).rfind('@');
  if (at == std::string_view::npos) return std::string(url);
  return fmt::format("{}{}", url.substr(0, begin), url.substr(begin + at + 1));
}

// Where the teacher does not count them.
int64_t tokens_about(std::string_view text) {
  return static_cast<int64_t>(text.size() / 4 + 1);
}

}  // namespace

struct Harvest::Run {
  Harvest& harvest;
  net::ChatClient chat;
  Sink& dataset;
  Sink& rejects;
  const std::function<base::Time()>& now;
  std::string endpoint;
  HarvestReport report;
  size_t prompt = 0;  // the next to ask
  int sample = 0;
  size_t under_way = 0;
  int64_t tokens_most = 0;  // of an exchange so far
  int failures = 0;         // since the last answer
  std::vector<std::string> unwritten;

  HarvestCounts& counts() { return report.counts; }
  const HarvestOptions& options() const { return harvest.options_; }

  void end(std::string why, base::ErrorCode code = base::ErrorCode::kInput) {
    if (!report.ended_by.empty()) return;
    report.ended_by = std::move(why);
    report.code = code;
  }
  bool is_there(const Prompt& p, int which) const { return harvest.had_.contains(row_id(p, which)); }
  void count_what_is_there() {
    for (const Prompt& p : harvest.prompts_) {
      for (int i = 0; i < options().samples; ++i) counts().had += is_there(p, i);
    }
    counts().wanted = harvest.prompts_.size() * static_cast<uint64_t>(options().samples);
  }
  // The next row that is not there yet; false at the end.
  bool skip_what_is_there() {
    for (; prompt < harvest.prompts_.size(); ++prompt, sample = 0) {
      for (; sample < options().samples; ++sample) {
        if (!is_there(harvest.prompts_[prompt], sample)) return true;
      }
    }
    return false;
  }
  bool within_budgets() {
    const uint64_t begun = counts().exchanges + under_way;
    if (options().exchanges_max > 0 && begun >= options().exchanges_max) {
      if (under_way == 0) end(fmt::format("the budget of {} exchanges is spent", options().exchanges_max));
      return false;
    }
    if (options().tokens_max == 0) return true;
    const auto spent = static_cast<uint64_t>(counts().prompt_tokens + counts().completion_tokens);
    const uint64_t expected = (under_way + 1) * static_cast<uint64_t>(tokens_most);
    if (tokens_most == 0 && under_way > 0) return false;  // the first tells how large they are
    if (spent + expected <= options().tokens_max && spent < options().tokens_max) return true;
    if (under_way == 0) end(fmt::format("the budget of {} tokens is spent", options().tokens_max));
    return false;
  }
  void ask_more() {
    while (under_way < options().window && report.ended_by.empty() && !harvest.stopped_ && skip_what_is_there() &&
           within_budgets()) {
      const auto room = dataset.make_room((under_way + 1) * kRoomBytes);
      if (!room) return end(room.error().message, room.error().code);
      ask(harvest.prompts_[prompt], sample++);
    }
  }
  void ask(const Prompt& p, int which) {
    const Terms& terms = options().terms;
    net::ChatRequest request{.model = terms.model, .messages = p.messages};
    request.temperature = terms.temperature;
    request.top_p = terms.top_p;
    request.max_tokens = terms.max_tokens;
    if (which > 0) request.seed = which;
    if (terms.interface.logprobs) request.top_logprobs = terms.top_logprobs;
    ++under_way;
    chat.submit(request, [this, &p, id = row_id(p, which)](net::ChatResult result) {
      --under_way;
      if (result && result->choices[0].content.empty() && result->choices[0].reasoning.empty()) {
        ++counts().empty;
        pay(p, *result);
        fail(id, {Kind::kWrongShape, 200, "the teacher answered nothing", "", result->attempts});
      } else if (result) {
        pay(p, *result);
        keep(p, id, *result);
      } else {
        count(result.error().kind);
        fail(id, result.error());
      }
    });
  }
  void pay(const Prompt& p, const net::ChatResponse& response) {
    HarvestCounts& c = counts();
    ++c.exchanges;
    c.extra_attempts += static_cast<uint64_t>(response.attempts - 1);
    net::ChatUsage usage;
    if (response.usage) {
      usage = *response.usage;
    } else {
      ++c.without_usage;
      for (const net::ChatMessage& m : p.messages) usage.prompt_tokens += tokens_about(m.content);
      usage.completion_tokens = tokens_about(response.choices[0].content) + tokens_about(response.choices[0].reasoning);
    }
    c.prompt_tokens += usage.prompt_tokens;
    c.completion_tokens += usage.completion_tokens;
    tokens_most = std::max(tokens_most, usage.prompt_tokens + usage.completion_tokens);
    c.cost = (static_cast<double>(c.prompt_tokens) * options().price_in +
              static_cast<double>(c.completion_tokens) * options().price_out) /
             1e6;
  }
  void keep(const Prompt& p, const std::string& id, const net::ChatResponse& response) {
    failures = 0;
    const net::ChatChoice& choice = response.choices[0];
    const Interface interface = options().terms.interface;
    counts().cut_short += choice.finish_reason == "length";
    counts().without_reasoning += interface.reasoning && choice.reasoning.empty();
    counts().without_logprobs += interface.logprobs && choice.logprobs.empty();
    ++counts().kept;
    write(dataset, to_row(p, id, response, options().terms, {endpoint, now()}));
  }
  void count(Kind kind) {
    HarvestCounts& c = counts();
    const bool answered = kind == Kind::kNotJson || kind == Kind::kWrongShape;
    c.exchanges += answered;
    c.no_json += kind == Kind::kNotJson;
    c.no_completion += kind == Kind::kWrongShape;
    c.busy += kind == Kind::kBusy;
    c.refused += kind == Kind::kRefused;
    c.silent += kind == Kind::kTransport;
  }
  void fail(const std::string& id, const net::ChatFailure& failure) {
    counts().extra_attempts += static_cast<uint64_t>(failure.attempts - 1);
    write(rejects, to_reject(id, failure, now()));
    if (failure.kind == Kind::kRefused) end(fmt::format("the teacher refuses: {}", failure.message));
    if (++failures >= kFailuresMax)
      end(fmt::format("{} failures in a row, the last one: {}", failures, failure.message));
  }
  // A line that cannot be written is tried once more at the end: until then there may be room.
  void write(Sink& sink, std::string line) {
    const auto written = sink.append(line);
    if (written) return;
    end(written.error().message, written.error().code);
    if (&sink == &dataset) unwritten.push_back(std::move(line));
  }
  void sync() {
    for (Sink* sink : {&dataset, &rejects}) {
      if (const auto ok = sink->sync(); !ok) end(ok.error().message, ok.error().code);
    }
  }
};

Harvest::Harvest(std::vector<Prompt> prompts, std::unordered_set<std::string> had, HarvestOptions options)
    : prompts_(std::move(prompts)), had_(std::move(had)), options_(std::move(options)) {}

HarvestReport Harvest::run(net::HttpClient& http, const net::ChatEndpoint& endpoint, Sink& dataset, Sink& rejects,
                           const std::function<base::Time()>& now, const Progress& progress) {
  Run run{*this, {http, endpoint}, dataset, rejects, now, shown(endpoint.base_url), {}, 0, 0, 0, 0, 0, {}};
  run.count_what_is_there();
  for (run.ask_more(); run.under_way > 0; run.ask_more()) {
    const uint64_t before = run.counts().exchanges + run.counts().failed();
    http.run_once(kPatience);
    if (run.counts().exchanges + run.counts().failed() != before) run.sync();
    progress(run.counts());
    if (given_up_) {
      run.end(fmt::format("interrupted; {} exchanges under way were given up", run.under_way));
      http.cancel_all();
      break;
    }
  }
  if (stopped_) run.end("interrupted");
  uint64_t lost = 0;
  for (const std::string& line : run.unwritten) lost += !dataset.append(line);
  run.sync();
  if (lost > 0) run.report.ended_by += fmt::format("; {} answers that were paid for could not be written", lost);
  run.counts().kept -= lost;
  progress(run.counts());
  return std::move(run.report);
}

}  // namespace stillwatch::distill
