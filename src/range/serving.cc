#include "range/serving.h"

#include "base/hash.h"
#include "range/writing.h"
#include "watermark/embed.h"
#include "watermark/select.h"

namespace stillwatch::range {
namespace {

using base::Result;
using watermark::Scheme;

bool marks_tokens(Serving serving) {
  return serving == Serving::kGreen || serving == Serving::kGumbel || serving == Serving::kTournament;
}

}  // namespace

std::string_view name_of(Serving serving) {
  constexpr std::string_view kNames[] = {"plain", "green", "gumbel", "tournament", "drafts", "antidistillation"};
  return kNames[static_cast<size_t>(serving)];
}

watermark::Mark mark_of(Serving serving) {
  if (serving == Serving::kGumbel) return {.scheme = Scheme::kGumbel};
  if (serving == Serving::kTournament) return {.scheme = Scheme::kTournament};
  return {.scheme = Scheme::kGreen};
}

std::vector<int32_t> tokens_of(const distill::Answer& answer) {
  std::vector<int32_t> tokens;
  tokens.reserve(answer.tokens.size());
  for (const model::Choice& c : answer.tokens) tokens.push_back(c.token);
  return tokens;
}

watermark::Units units_of(Serving serving) {
  return serving == Serving::kDrafts ? watermark::Units::kWords : watermark::Units::kTokens;
}

std::string text_of(const distill::Answer& answer) {
  return answer.reasoning + "\n" + answer.content;
}

Result<Served> Server::serve(Serving serving, const Prompts& prompts, uint64_t seed) const {
  if (serving == Serving::kDrafts) return drafted(prompts, seed);
  auto given = answers(serving, prompts, seed);
  if (!given) return tl::unexpected(given.error());
  Served served;
  served.answers = std::move(*given);
  served.compute = serving == Serving::kAntidistillation ? antidistillation_compute_ : 1;
  served.evidence.key_id = key_.id();
  served.evidence.mark = mark_of(serving);
  served.evidence.units = units_of(serving);
  for (const distill::Answer& a : served.answers) {
    served.tokens += a.tokens.size();
    served.tokens_in_turn += a.tokens.size();
    if (!marks_tokens(serving)) continue;
    served.evidence.filter.add(
        watermark::ContextSketch(served.evidence.mark.context, watermark::units_of(tokens_of(a))));
  }
  return served;
}

Result<distill::AnswerOptions> Server::options_of(Serving serving, uint64_t seed) const {
  distill::AnswerOptions options{.threads = options_.threads, .temperature = 1, .seed = seed};
  options.logprobs = serving == Serving::kPlain ? options_.logprobs : 0;
  if (marks_tokens(serving)) {
    options.hook = [this, serving](size_t) { return hook_of({key_, mark_of(serving)}); };
  } else if (serving == Serving::kAntidistillation) {
    if (!antidistillation_) return base::fail(base::ErrorCode::kInternal, "antidistillation wants a proxy");
    options.hook = [this](size_t) { return antidistillation_->hook(); };
  }
  return options;
}

Result<std::vector<distill::Answer>> Server::answers(Serving serving, const Prompts& prompts, uint64_t seed) const {
  const auto options = options_of(serving, seed);
  if (!options) return tl::unexpected(options.error());
  return distill::answer_all(transformer_, *teacher_.marks, teacher_.tokenizer, prompts, *options);
}

Result<Wait> Server::wait(Serving serving, const std::vector<int32_t>& prompt, uint64_t seed) const {
  const bool drafts = serving == Serving::kDrafts;
  auto options = options_of(serving, seed);
  if (!options) return tl::unexpected(options.error());
  const double begun = options_.seconds();
  const auto since = [&] { return options_.seconds() - begun; };
  Wait wait;
  options->on_token = [&](size_t, model::AnswerParser::Part part) {
    if (wait.first == 0) wait.first = since();
    if (wait.answer == 0 && part == model::AnswerParser::Part::kContent) wait.answer = since();
  };
  const Prompts asked(drafts ? options_.drafts : 1, prompt);
  const auto made = distill::answer_all(transformer_, *teacher_.marks, teacher_.tokenizer, asked, *options);
  if (!made) return tl::unexpected(made.error());
  wait.whole = since();
  if (drafts) wait.first = wait.answer = wait.whole;  // none is chosen before all are there
  if (wait.answer == 0) wait.answer = wait.whole;     // it never came to an answer
  return wait;
}

Result<Served> Server::drafted(const Prompts& prompts, uint64_t seed) const {
  std::vector<std::vector<distill::Answer>> drafts;
  Served served;
  for (size_t i = 0; i < options_.drafts; ++i) {
    auto more = answers(Serving::kPlain, prompts, i == 0 ? seed : base::combine(seed, i));
    if (!more) return tl::unexpected(more.error());
    drafts.push_back(std::move(*more));
    for (const distill::Answer& a : drafts.back()) served.tokens += a.tokens.size();
  }
  served.compute = static_cast<double>(options_.drafts);
  served.evidence.key_id = key_.id();
  served.evidence.mark = mark_of(Serving::kDrafts);
  const watermark::DraftSelector selector(key_, served.evidence.mark);
  watermark::GivenWindows given;
  for (size_t i = 0; i < prompts.size(); ++i) {
    std::vector<std::string> texts;
    texts.reserve(drafts.size());
    size_t longest = 0;
    for (const auto& d : drafts) {
      texts.push_back(text_of(d[i]));
      longest = std::max(longest, d[i].tokens.size());
    }
    served.tokens_in_turn += longest;
    const watermark::Selection selection =
        selector.select(std::vector<std::string_view>(texts.begin(), texts.end()), given);
    ++served.evidence.answers;
    if (selection.sketch.distinct_drafts() < 2) ++served.evidence.unmarked;
    served.evidence.filter.add(selection.sketch);
    served.answers.push_back(std::move(drafts[selection.chosen][i]));
  }
  return served;
}

}  // namespace stillwatch::range
