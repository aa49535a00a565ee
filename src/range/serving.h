// What a teacher may do to the answers it gives away: the answers of one way of serving, what they cost, and what is
// remembered of their marks.
//
// All ways draw at temperature 1, so that they answer on the same terms. Deterministic in the seed, but for how long
// anything takes. Thread rule: one thread calls; `threads` compute.
#pragma once

#include <array>
#include <functional>
#include <string_view>

#include "distill/answers.h"
#include "range/antidistillation.h"
#include "watermark/evidence.h"

namespace stillwatch::range {

enum class Serving : uint8_t { kPlain, kGreen, kGumbel, kTournament, kDrafts, kAntidistillation };
inline constexpr std::array kServings{Serving::kPlain,      Serving::kGreen,  Serving::kGumbel,
                                      Serving::kTournament, Serving::kDrafts, Serving::kAntidistillation};
std::string_view name_of(Serving serving);  // plain, green, gumbel, tournament, drafts, antidistillation

using Prompts = std::vector<std::vector<int32_t>>;

struct Served {
  std::vector<distill::Answer> answers;
  uint64_t tokens = 0;               // that were drawn, drafts that nobody got among them
  uint64_t tokens_in_turn = 0;       // the same one after another: of an answer's drafts the longest
  double compute = 1;                // operations for an answer, beside those of plain answers of the same length
  watermark::MarkEvidence evidence;  // of the ways that mark
};

// How long who asks waits, alone on the machine, in seconds by the clock: for the first token that may go on to it, for
// the first of the answer proper (the first of all where reasoning is withheld), and for the whole.
struct Wait {
  double first = 0, answer = 0, whole = 0;
};

class Server {
 public:
  struct Options {
    size_t drafts = 4;
    uint32_t logprobs = 0;  // alternatives told of each token; those of the model as it is
    unsigned threads = 1;
    std::function<double()> seconds = {};  // a clock; wait() REQUIRES it
  };
  // The teacher knows conversations. `proxy`: for kAntidistillation, which fails without one.
  Server(const model::Model& teacher, const watermark::Key& key, Options options)
      : teacher_(teacher), transformer_(teacher.config, teacher.weights), key_(key), options_(std::move(options)) {}
  void set_antidistillation(Antidistillation sampling, double compute) {
    antidistillation_ = std::move(sampling);
    antidistillation_compute_ = compute;
  }

  base::Result<Served> serve(Serving serving, const Prompts& prompts, uint64_t seed) const;
  base::Result<Wait> wait(Serving serving, const std::vector<int32_t>& prompt, uint64_t seed) const;

  const watermark::Key& key() const { return key_; }

 private:
  base::Result<distill::AnswerOptions> options_of(Serving serving, uint64_t seed) const;
  base::Result<std::vector<distill::Answer>> answers(Serving serving, const Prompts& prompts, uint64_t seed) const;
  base::Result<Served> drafted(const Prompts& prompts, uint64_t seed) const;

  const model::Model& teacher_;
  model::Transformer transformer_;
  watermark::Key key_;
  Options options_;
  std::optional<Antidistillation> antidistillation_;
  double antidistillation_compute_ = 1;
};

// The mark of a way that marks.
watermark::Mark mark_of(Serving serving);
// What an answer says, reasoning before the rest.
std::string text_of(const distill::Answer& answer);
std::vector<int32_t> tokens_of(const distill::Answer& answer);
watermark::Units units_of(Serving serving);

}  // namespace stillwatch::range
