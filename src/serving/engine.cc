#include "serving/engine.h"

#include <fmt/format.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "serving/text_gate.h"

namespace stillwatch::serving {
namespace {

using Part = model::AnswerParser::Part;

// One answer of an ask, as it grows.
class Choice {
 public:
  // `prompt`: the tokens that it goes on from. They must outlive it, as the ask must.
  Choice(uint32_t index, const Ask& ask, const std::vector<int32_t>& prompt, const model::Model& m)
      : ask_(ask), prompt_(prompt), model_(m), content_(ask.stop), reasoning_({}) {
    if (ask.chat) parser_.emplace(*m.marks, m.tokenizer);
    piece_.index = index;
    piece_.first = true;
  }

  // True when it is over.
  bool take(const model::GenerationEvent& event) {
    if (ask_.echo && !std::exchange(echoed_, true)) echo(event.prompt);
    if (ask_.tokens_max == 0U) {
      piece_.finish_reason = "length";  // what was drawn was not asked for
      return true;
    }
    ++tokens_;
    const int32_t token = event.choice.token;
    const bool ends = event.finish == model::Finish::kStop;
    const Part part = ends ? Part::kEnd : parser_ ? parser_->next(token) : Part::kContent;
    if (part == Part::kReasoning) {
      ++reasoning_tokens_;
      piece_.reasoning += reasoning_.push(model_.tokenizer.piece(token));
      if (ask_.logprobs) piece_.reasoning_tokens.push_back({event.choice, 0});
    } else if (part == Part::kContent && !model_.tokenizer.special(token)) {
      std::string_view text = model_.tokenizer.piece(token);
      if (ask_.chat && offset_ == 0 && model_.tokenizer.leading_space() && text.starts_with(' ')) text.remove_prefix(1);
      if (ask_.logprobs) piece_.content_tokens.push_back({event.choice, offset_});
      offset_ += text.size();
      piece_.content += content_.push(text);
    }
    const bool over = part == Part::kEnd || content_.stopped() || event.finish.has_value();
    if (over) {
      if (!content_.stopped()) piece_.content += content_.finish();
      piece_.reasoning += reasoning_.finish();
      piece_.finish_reason = part == Part::kEnd || content_.stopped() ? "stop" : "length";
    }
    return over;
  }

  // What is there to tell; empties it where it is streamed.
  Piece& piece() { return piece_; }
  bool empty() const {
    return piece_.content.empty() && piece_.reasoning.empty() && piece_.finish_reason.empty() && !piece_.first;
  }
  void told() {
    const uint32_t index = piece_.index;
    piece_ = Piece();
    piece_.index = index;
  }
  size_t tokens() const { return tokens_; }
  size_t reasoning_tokens() const { return reasoning_tokens_; }

 private:
  // The prompt stands before the answer, without a token that begins all texts. `foretold`: all its tokens but the
  // first.
  void echo(const std::vector<model::Choice>& foretold) {
    piece_.content = ask_.prompts[piece_.index / ask_.n];
    const size_t first = prompt_.front() == model_.config.bos ? 1 : 0;
    for (size_t i = first; i < prompt_.size(); ++i) {
      std::string_view text = model_.tokenizer.piece(prompt_[i]);
      if (i == first && model_.tokenizer.leading_space() && text.starts_with(' ')) text.remove_prefix(1);
      if (ask_.logprobs) {
        model::Choice choice;
        if (i > 0)
          choice = foretold[i - 1];
        else
          choice.token = prompt_[i];
        piece_.content_tokens.push_back({std::move(choice), offset_, i > 0});
      }
      offset_ += text.size();
    }
  }

  const Ask& ask_;
  const std::vector<int32_t>& prompt_;
  const model::Model& model_;
  std::optional<model::AnswerParser> parser_;
  TextGate content_, reasoning_;
  Piece piece_;
  bool echoed_ = false;
  size_t offset_ = 0;
  size_t tokens_ = 0;
  size_t reasoning_tokens_ = 0;
};

// An ask that is being answered.
struct Job {
  Ask ask;
  std::unique_ptr<Output> output;
  Header header;
  std::vector<std::vector<int32_t>> prompts;
  std::vector<Choice> choices;
  std::vector<uint64_t> ids;  // of the generator, 0 for those that are over
  size_t over = 0;
  Usage usage;
};

}  // namespace

struct Engine::Impl {
  Impl(model::Model m, EngineSettings s)
      : model(std::move(m)),
        settings(std::move(s)),
        transformer(model.config, std::exchange(model.weights, {})),
        generator(transformer, settings.threads, settings.cache_bytes_max) {}

  void run() {
    for (;;) {
      std::vector<std::unique_ptr<Job>> fresh;
      {
        std::unique_lock lock(mutex);
        if (generator.idle()) wake.wait(lock, [&] { return stopping || !incoming.empty(); });
        if (stopping) break;
        fresh.swap(incoming);
      }
      for (auto& job : fresh) begin(std::move(job));
      for (const model::GenerationEvent& event : generator.step()) take(event);
      drop_abandoned();
    }
    for (auto& job : jobs) job->output->refuse(503, error_json("the server is stopping", "", "server_error"));
    jobs.clear();
    const std::lock_guard lock(mutex);
    for (auto& job : incoming) job->output->refuse(503, error_json("the server is stopping", "", "server_error"));
    incoming.clear();
  }

  void begin(std::unique_ptr<Job> job) {
    Ask& ask = job->ask;
    std::vector<std::vector<int32_t>>& prompts = job->prompts;
    if (ask.chat) {
      prompts.push_back(model::prompt_of(ask.messages, *model.marks, model.tokenizer));
    } else {
      for (const std::string& text : ask.prompts) {
        prompts.emplace_back();
        if (model.config.bos >= 0) prompts.back().push_back(model.config.bos);
        model.tokenizer.encode(text, model::Marks::kText, prompts.back());
      }
    }
    const uint64_t seed = ask.seed ? *ask.seed : settings.random_seed();
    uint32_t index = 0;
    for (const auto& prompt : prompts) {
      job->usage.prompt_tokens += prompt.size();
      for (uint32_t i = 0; i < ask.n; ++i, ++index) {
        model::GenerationRequest request;
        request.prompt = prompt;
        request.tokens_max = ask.tokens_max.value_or(settings.tokens_max);
        request.sampling = ask.sampling;
        request.sampling.seed = seed + index;
        request.sampling.on_logits = settings.on_logits;
        request.sampling.choose = settings.choose;
        request.want_logprobs = ask.logprobs;
        request.want_prompt = ask.echo && ask.logprobs;
        // A mark that closes reasoning too does not end the answer: the parser knows.
        if (!ask.chat || model.marks->think_end != model.marks->end) request.stop = model.config.eos;
        const auto id = generator.add(std::move(request));
        if (!id) {
          for (const uint64_t other : job->ids) forget(other);
          job->output->refuse(
              400, error_json(id.error().message, ask.chat ? "messages" : "prompt", "invalid_request_error"));
          --open_asks;
          return;
        }
        job->ids.push_back(*id);
        by_id[*id] = {job.get(), index};
        job->choices.emplace_back(index, ask, prompt, model);
      }
    }
    jobs.push_back(std::move(job));
  }

  void forget(uint64_t id) {
    generator.cancel(id);
    by_id.erase(id);
  }

  void take(const model::GenerationEvent& event) {
    const auto it = by_id.find(event.id);
    if (it == by_id.end()) return;
    const auto [job, index] = it->second;
    Choice& choice = job->choices[index];
    const bool over = choice.take(event);
    if (over) {
      forget(event.id);
      job->ids[index] = 0;
      job->usage.completion_tokens += choice.tokens();
      job->usage.reasoning_tokens += choice.reasoning_tokens();
      ++job->over;
    }
    const bool last = job->over == job->choices.size();
    if (job->ask.stream && !choice.empty()) {
      job->output->event(piece_event(job->header, choice.piece(), model.tokenizer));
      choice.told();
    }
    if (!last) return;
    if (job->ask.stream) {
      if (job->ask.stream_usage) job->output->event(usage_event(job->header, job->usage));
      job->output->event(std::string(kDoneEvent));
      job->output->end();
    } else {
      std::vector<Piece> pieces;
      for (Choice& c : job->choices) pieces.push_back(std::move(c.piece()));
      job->output->whole(whole_json(job->header, pieces, job->usage, model.tokenizer));
    }
    ++answered;
    remove(job);
  }

  void remove(const Job* job) {
    std::erase_if(jobs, [job](const auto& j) { return j.get() == job; });
    const std::lock_guard lock(mutex);
    --open_asks;
  }

  void drop_abandoned() {
    std::vector<const Job*> abandoned;
    for (const auto& job : jobs) {
      if (job->output->gone()) abandoned.push_back(job.get());
    }
    for (const Job* job : abandoned) {
      for (const uint64_t id : job->ids) {
        if (id != 0) forget(id);
      }
      remove(job);
    }
  }

  model::Model model;
  EngineSettings settings;
  model::Transformer transformer;
  model::Generator generator;
  std::vector<std::unique_ptr<Job>> jobs;
  std::map<uint64_t, std::pair<Job*, uint32_t>> by_id;

  std::mutex mutex;
  std::condition_variable wake;
  std::vector<std::unique_ptr<Job>> incoming;
  bool stopping = false;
  std::atomic<size_t> open_asks{0};
  uint64_t next_id = 1;
  std::atomic<uint64_t> answered{0};
  std::thread thread;
};

Engine::Engine(model::Model model, EngineSettings settings)
    : impl_(std::make_unique<Impl>(std::move(model), std::move(settings))) {
  impl_->thread = std::thread([raw = impl_.get()] { raw->run(); });
}

Engine::~Engine() {
  finish();
}

void Engine::finish() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_all();
  if (impl_->thread.joinable()) impl_->thread.join();
}

void Engine::submit(Ask ask, std::unique_ptr<Output> output) {
  if (ask.chat && !impl_->model.marks) {
    return output->refuse(
        400, error_json("this model knows no conversations: use /v1/completions", "messages", "invalid_request_error"));
  }
  auto job = std::make_unique<Job>();
  job->header.chat = ask.chat;
  job->header.logprobs = ask.logprobs;
  job->header.token_ids = ask.token_ids;
  job->header.created = impl_->settings.now_seconds();
  job->header.model = impl_->settings.model_name;
  job->ask = std::move(ask);
  job->output = std::move(output);
  const std::lock_guard lock(impl_->mutex);
  if (impl_->stopping) return job->output->refuse(503, error_json("the server is stopping", "", "server_error"));
  if (impl_->open_asks >= impl_->settings.asks_max)
    return job->output->refuse(429, error_json("too many requests at once: try again later", "", "rate_limit_error"));
  ++impl_->open_asks;
  job->header.id = fmt::format("{}-{}", job->ask.chat ? "chatcmpl" : "cmpl", impl_->next_id++);
  impl_->incoming.push_back(std::move(job));
  impl_->wake.notify_all();
}

const std::string& Engine::model_name() const {
  return impl_->settings.model_name;
}
const model::Model& Engine::model() const {
  return impl_->model;
}
uint64_t Engine::answered() const {
  return impl_->answered;
}
size_t Engine::open() const {
  return impl_->open_asks;
}

}  // namespace stillwatch::serving
