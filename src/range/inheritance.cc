#include "range/inheritance.h"

#include <fmt/format.h>

#include <numeric>

#include "attribution/contrast.h"
#include "attribution/radioactivity.h"
#include "base/hash.h"
#include "watermark/embed.h"

namespace stillwatch::range {
namespace {

using base::Result;
using watermark::Scheme;

enum Stream : uint64_t { kClean = 1, kMarked, kSaid, kWeights, kOrder, kReference };

std::string name_of(const MarkedShare& m) {
  return fmt::format("{}-{}/{}", watermark::name_of(m.mark.scheme), m.mark.context, m.share);
}

Json test_json(const attribution::TestResult& t) {
  Json json;
  for (const attribution::Figure& f : t.figures) {
    if (f.name == "windows" || f.name == "score" || f.name == "expected" || f.name == "z") json[f.name] = f.value;
  }
  json["log10_p"] = t.log10_p;
  if (t.wrong_keys) {
    json["wrong_keys"] = {{"count", t.wrong_keys->count},
                          {"below_0.05", t.wrong_keys->below_05},
                          {"below_0.01", t.wrong_keys->below_01},
                          {"below_0.001", t.wrong_keys->below_001}};
  }
  return json;
}

class Trials {
 public:
  Trials(const InheritanceSettings& settings, const training::Recipe& recipe, const model::Model& teacher,
         const Tell& tell)
      : settings_(settings),
        recipe_(recipe),
        teacher_(teacher),
        transformer_(teacher.config, teacher.weights),
        tell_(tell) {}

  // A student of `marked.share` marked texts, and what the tests say of what it writes.
  Result<Json> marked(const MarkedShare& marked) {
    const auto own = marked_texts(marked.mark, marked.share);
    if (!own) return tl::unexpected(own.error());
    const auto others = clean_texts();
    if (!others) return tl::unexpected(others.error());
    std::vector<model::Example> examples;
    for (const Text& t : *own) examples.push_back(example_of(bos(), t));
    for (size_t i = own->size(); i < settings_.texts; ++i) examples.push_back(example_of(bos(), (**others)[i]));
    Taught taught;
    const auto samples = samples_of_student(recipe_.plan, seed_of(kWeights), examples, taught);
    if (!samples) return tl::unexpected(samples.error());
    Json json{{"scheme", watermark::name_of(marked.mark.scheme)},
              {"context", marked.mark.context},
              {"share", marked.share},
              {"marked_texts", own->size()},
              {"learnt_tokens", taught.tokens},
              {"loss", taught.losses.points.back().loss}};
    const watermark::MarkEvidence evidence = evidence_of(marked.mark, *own);
    json["of_marked_texts"] = test_json(attribution::radioactivity(key(), evidence, samples_of(*own), {}, 0).front());
    const auto results = tests(evidence, *samples, settings_.wrong_keys);
    if (!results) return tl::unexpected(results.error());
    for (const attribution::TestResult& t : *results) json[t.test] = test_json(t);
    return json;
  }

  // One that learnt from unmarked texts alone, under the key of every mark.
  Result<Json> clean(uint64_t index, const std::vector<MarkedShare>& all) {
    const auto pool = clean_texts();
    if (!pool) return tl::unexpected(pool.error());
    base::Random random(base::combine(seed_of(kOrder), index));
    std::vector<model::Example> examples;
    for (uint64_t i = 0; i < settings_.clean_texts; ++i)
      examples.push_back(example_of(bos(), (**pool)[random.below((*pool)->size())]));
    training::Plan plan = recipe_.plan;
    plan.steps = std::max<uint64_t>(1, plan.steps * settings_.clean_texts / settings_.texts);
    Taught taught;
    const auto samples = samples_of_student(plan, base::combine(seed_of(kWeights), 1 + index), examples, taught);
    if (!samples) return tl::unexpected(samples.error());
    Json json{{"student", index}, {"learnt_tokens", taught.tokens}, {"loss", taught.losses.points.back().loss}};
    for (const MarkedShare& m : all) {
      const auto own = marked_texts(m.mark, m.share);
      if (!own) return tl::unexpected(own.error());
      const auto results = tests(evidence_of(m.mark, *own), *samples, 0);
      if (!results) return tl::unexpected(results.error());
      for (const attribution::TestResult& t : *results) json["log10_p"][name_of(m)][t.test] = t.log10_p;
    }
    return json;
  }

 private:
  uint64_t seed_of(Stream stream) const { return base::combine(settings_.seed, stream); }
  int32_t bos() const { return teacher_.config.bos; }
  watermark::Key key() const { return trial_key(settings_.seed); }

  Result<const std::vector<Text>*> clean_texts() { return written(clean_, settings_.texts, kClean); }
  Result<const std::vector<Text>*> reference_texts() { return written(reference_, settings_.texts / 2, kReference); }
  Result<const std::vector<Text>*> written(std::vector<Text>& texts, uint64_t count, Stream stream) {
    if (texts.empty()) {
      tell_(fmt::format("writing {} texts", count));
      auto made = write_texts(
          transformer_,
          {.texts = count, .tokens_max = settings_.text_tokens, .seed = seed_of(stream), .threads = settings_.threads});
      if (!made) return tl::unexpected(made.error());
      texts = std::move(*made);
    }
    return &texts;
  }
  Result<std::vector<Text>> marked_texts(const watermark::Mark& mark, double share) {
    return write_texts(transformer_, {.texts = static_cast<uint64_t>(share * static_cast<double>(settings_.texts)),
                                      .tokens_max = settings_.text_tokens,
                                      .seed = seed_of(kMarked),
                                      .threads = settings_.threads,
                                      .mark = TokenMark{key(), mark}});
  }

  Result<std::vector<attribution::Sample>> samples_of_student(training::Plan plan, uint64_t seed,
                                                              std::span<const model::Example> examples,
                                                              Taught& taught) {
    model::Model student{recipe_.shape, {}, teacher_.tokenizer, {}};
    student.config.vocab_size = teacher_.config.vocab_size;
    student.config.bos = bos();
    student.config.eos = teacher_.config.eos;
    student.weights = training::initial_weights(student.config, seed);
    plan.seed = seed;
    auto done = teach(plan, student, examples, {examples.size(), distill::KnownTokens()}, settings_.threads, tell_);
    if (!done) return tl::unexpected(done.error());
    taught = std::move(*done);
    const model::Transformer writer(student.config, std::move(student.weights));
    const auto said = write_texts(writer, {.texts = settings_.said,
                                           .tokens_max = settings_.text_tokens,
                                           .seed = base::combine(seed, kSaid),
                                           .threads = settings_.threads});
    if (!said) return tl::unexpected(said.error());
    return samples_of(*said);
  }

  std::vector<attribution::Sample> samples_of(const std::vector<Text>& texts) const {
    std::vector<attribution::Sample> samples;
    samples.reserve(texts.size());
    for (const Text& t : texts) samples.push_back({{}, {}, {bos()}, t});
    return samples;
  }

  watermark::MarkEvidence evidence_of(const watermark::Mark& mark, const std::vector<Text>& texts) const {
    watermark::MarkEvidence evidence;
    evidence.label = fmt::format("range:{}", settings_.seed);
    evidence.key_id = key().id();
    evidence.mark = mark;
    evidence.units = watermark::Units::kTokens;
    evidence.answers = texts.size();
    for (const Text& t : texts) evidence.filter.add(watermark::ContextSketch(mark.context, watermark::units_of(t)));
    return evidence;
  }

  // By what is said at all, and by how often it is beside other unmarked texts of the teacher's.
  Result<std::vector<attribution::TestResult>> tests(const watermark::MarkEvidence& evidence,
                                                     std::span<const attribution::Sample> samples,
                                                     uint64_t wrong_keys) {
    auto results = attribution::radioactivity(key(), evidence, samples, {}, wrong_keys);
    const auto reference = reference_texts();
    if (!reference) return tl::unexpected(reference.error());
    auto contrasts = attribution::contrast(key(), evidence, samples, samples_of(**reference), {}, wrong_keys);
    for (attribution::TestResult& t : contrasts) results.push_back(std::move(t));
    return results;
  }

  const InheritanceSettings& settings_;
  const training::Recipe& recipe_;
  const model::Model& teacher_;
  model::Transformer transformer_;
  const Tell& tell_;
  std::vector<Text> clean_, reference_;
};

}  // namespace

std::vector<MarkedShare> marked_shares() {
  std::vector<MarkedShare> out;
  for (const int context : {1, 2}) {
    for (const Scheme scheme : {Scheme::kGreen, Scheme::kGumbel, Scheme::kTournament})
      out.push_back({{.scheme = scheme, .context = context}, 0.05});
  }
  for (const double share : {0.01, 0.2}) out.push_back({{.scheme = Scheme::kGreen, .context = 1}, share});
  return out;
}

Result<Json> run_inheritance(const InheritanceSettings& settings, const training::Recipe& recipe,
                             const model::Model& teacher, Ledger& ledger, const Tell& tell) {
  if (teacher.config.bos < 0)
    return base::fail(base::ErrorCode::kInput, "the writer has no token that begins a text (bos)");
  Trials trials(settings, recipe, teacher, tell);
  Json result{{"marked", Json::array()}, {"clean", Json::array()}};
  for (const MarkedShare& m : marked_shares()) {
    const std::string name = fmt::format("inheritance/{}/{}", settings.seed, name_of(m));
    tell(name);
    auto json = ledger.result_of(name, [&] { return trials.marked(m); });
    if (!json) return json;
    result["marked"].push_back(*json);
  }
  for (uint64_t i = 0; i < settings.clean_students; ++i) {
    const std::string name = fmt::format("inheritance/{}/clean/{}", settings.seed, i);
    tell(name);
    auto json = ledger.result_of(name, [&] { return trials.clean(i, marked_shares()); });
    if (!json) return json;
    result["clean"].push_back(*json);
  }
  return result;
}

}  // namespace stillwatch::range
