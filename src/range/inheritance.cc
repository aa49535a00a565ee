#include "range/inheritance.h"

#include <fmt/format.h>

#include <map>
#include <numeric>

#include "attribution/contrast.h"
#include "attribution/open_model.h"
#include "attribution/radioactivity.h"
#include "base/hash.h"
#include "watermark/embed.h"
#include "watermark/select.h"

namespace stillwatch::range {
namespace {

using base::Result;
using watermark::Scheme;

enum Stream : uint64_t { kClean = 1, kMarked, kSaid, kWeights, kOrder, kReference, kBase };

constexpr size_t kTops = 8;     // of what is expected at a place
constexpr size_t kContext = 2;  // the longest of marked_shares()

std::string scheme_of(const MarkedShare& m) {
  return m.drafts > 0 ? fmt::format("drafts-{}", m.drafts) : std::string(watermark::name_of(m.mark.scheme));
}

std::string name_of(const MarkedShare& m) {
  return fmt::format("{}-{}/{}", scheme_of(m), m.mark.context, m.share);
}

struct MarkedTexts {
  std::vector<Text> texts;
  watermark::MarkEvidence evidence;
};

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
  Trials(const InheritanceSettings& settings, const training::Recipe& base, const training::Plan& plan,
         const model::Model& teacher, const Tell& tell)
      : settings_(settings),
        base_recipe_(base),
        plan_(plan),
        teacher_(teacher),
        transformer_(teacher.config, teacher.weights),
        tell_(tell) {}

  // A student of `marked.share` marked texts, and what the tests say of what it writes and expects.
  Result<Json> marked(const MarkedShare& marked) {
    const auto own = marked_texts(marked);
    if (!own) return tl::unexpected(own.error());
    const auto others = clean_texts();
    if (!others) return tl::unexpected(others.error());
    std::vector<model::Example> examples;
    for (const Text& t : (*own)->texts) examples.push_back(example_of(bos(), t));
    for (size_t i = examples.size(); i < settings_.texts; ++i) examples.push_back(example_of(bos(), (**others)[i]));
    Taught taught;
    const auto student = raised(plan_, seed_of(kOrder), examples, taught);
    if (!student) return tl::unexpected(student.error());
    Json json{{"scheme", scheme_of(marked)},    {"context", marked.mark.context},
              {"share", marked.share},          {"marked_texts", (*own)->texts.size()},
              {"learnt_tokens", taught.tokens}, {"loss", taught.losses.points.back().loss}};
    const watermark::MarkEvidence& evidence = (*own)->evidence;
    json["of_marked_texts"] =
        test_json(attribution::radioactivity(key(), evidence, samples_of((*own)->texts), {}, 0).front());
    const auto results = tests(evidence, *student, settings_.wrong_keys);
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
    training::Plan plan = plan_;
    plan.steps = std::max<uint64_t>(1, plan.steps * settings_.clean_texts / settings_.texts);
    Taught taught;
    const auto student = raised(plan, base::combine(seed_of(kOrder), 1 + index), examples, taught);
    if (!student) return tl::unexpected(student.error());
    Json json{{"student", index}, {"learnt_tokens", taught.tokens}, {"loss", taught.losses.points.back().loss}};
    for (const MarkedShare& m : all) {
      const auto own = marked_texts(m);
      if (!own) return tl::unexpected(own.error());
      const auto results = tests((*own)->evidence, *student, 0);
      if (!results) return tl::unexpected(results.error());
      for (const attribution::TestResult& t : *results) json["log10_p"][name_of(m)][t.test] = t.log10_p;
    }
    return json;
  }

 private:
  // What a student wrote, and what it expected in the unmarked texts.
  struct Told {
    std::vector<attribution::Sample> said;
    std::vector<attribution::Place> read;
  };

  uint64_t seed_of(Stream stream) const { return base::combine(settings_.seed, stream); }
  int32_t bos() const { return teacher_.config.bos; }
  watermark::Key key() const { return trial_key(settings_.seed); }

  Result<const std::vector<Text>*> clean_texts() { return written(clean_, settings_.texts, kClean); }
  Result<const std::vector<Text>*> reference_texts() { return written(reference_, settings_.texts / 2, kReference); }
  Result<const std::vector<Text>*> written(std::vector<Text>& texts, uint64_t count, Stream stream) {
    if (texts.empty()) {
      auto made = write(transformer_, count, seed_of(stream));
      if (!made) return tl::unexpected(made.error());
      texts = std::move(*made);
    }
    return &texts;
  }
  Result<std::vector<Text>> write(const model::Transformer& writer, uint64_t count, uint64_t seed,
                                  std::optional<TokenMark> mark = {}) {
    tell_(fmt::format("writing {} texts", count));
    return write_texts(writer, {.texts = count,
                                .tokens_max = settings_.text_tokens,
                                .seed = seed,
                                .threads = settings_.threads,
                                .mark = mark});
  }

  Result<const MarkedTexts*> marked_texts(const MarkedShare& m) {
    const auto [it, fresh] = marked_.try_emplace(name_of(m));
    MarkedTexts& made = it->second;
    if (!fresh) return &made;
    made.evidence.label = fmt::format("range:{}", settings_.seed);
    made.evidence.key_id = key().id();
    made.evidence.mark = m.mark;
    const auto count = static_cast<uint64_t>(m.share * static_cast<double>(settings_.texts));
    const auto done = m.drafts > 0 ? select(m, count, made) : lay(m, count, made);
    if (!done) return tl::unexpected(done.error());
    made.evidence.answers = made.texts.size();
    return &made;
  }
  Result<void> lay(const MarkedShare& m, uint64_t count, MarkedTexts& made) {
    auto texts = write(transformer_, count, seed_of(kMarked), TokenMark{key(), m.mark});
    if (!texts) return tl::unexpected(texts.error());
    made.texts = std::move(*texts);
    made.evidence.units = watermark::Units::kTokens;
    for (const Text& t : made.texts)
      made.evidence.filter.add(watermark::ContextSketch(m.mark.context, watermark::units_of(t)));
    return {};
  }
  Result<void> select(const MarkedShare& m, uint64_t count, MarkedTexts& made) {
    std::vector<std::vector<Text>> drafts;
    for (size_t i = 0; i < m.drafts; ++i) {
      auto more = write(transformer_, count, base::combine(seed_of(kMarked), i));
      if (!more) return tl::unexpected(more.error());
      drafts.push_back(std::move(*more));
    }
    const watermark::DraftSelector selector(key(), m.mark);
    watermark::GivenWindows given;
    for (size_t text = 0; text < count; ++text) {
      std::vector<std::string> words;
      words.reserve(drafts.size());
      for (const auto& d : drafts) words.push_back(teacher_.tokenizer.decode(d[text]));
      const auto selection = selector.select(std::vector<std::string_view>(words.begin(), words.end()), given);
      made.evidence.filter.add(selection.sketch);
      made.texts.push_back(std::move(drafts[selection.chosen][text]));
    }
    return {};
  }

  Result<const model::Model*> base() {
    if (base_) return &*base_;
    const auto texts = write(transformer_, settings_.texts, seed_of(kBase));
    if (!texts) return tl::unexpected(texts.error());
    std::vector<model::Example> examples;
    for (const Text& t : *texts) examples.push_back(example_of(bos(), t));
    model::Model fresh{base_recipe_.shape, {}, teacher_.tokenizer, {}};
    fresh.config.vocab_size = teacher_.config.vocab_size;
    fresh.config.bos = bos();
    fresh.config.eos = teacher_.config.eos;
    fresh.weights = training::initial_weights(fresh.config, seed_of(kWeights));
    tell_("training the students' base");
    auto done =
        teach(base_recipe_.plan, fresh, examples, {examples.size(), distill::KnownTokens()}, settings_.threads, tell_);
    if (!done) return tl::unexpected(done.error());
    base_ = std::move(fresh);
    return &*base_;
  }

  Result<Told> raised(training::Plan plan, uint64_t seed, std::span<const model::Example> examples, Taught& taught) {
    const auto from = base();
    if (!from) return tl::unexpected(from.error());
    model::Model student = **from;
    plan.seed = seed;
    auto done = teach(plan, student, examples, {examples.size(), distill::KnownTokens()}, settings_.threads, tell_);
    if (!done) return tl::unexpected(done.error());
    taught = std::move(*done);
    const model::Transformer writer(student.config, std::move(student.weights));
    const auto said = write(writer, settings_.said, base::combine(seed, kSaid));
    if (!said) return tl::unexpected(said.error());
    const auto texts = texts_to_read();
    if (!texts) return tl::unexpected(texts.error());
    return Told{samples_of(*said), read_texts(writer, *texts, kContext, kTops)};
  }

  std::vector<attribution::Sample> samples_of(const std::vector<Text>& texts) const {
    std::vector<attribution::Sample> samples;
    samples.reserve(texts.size());
    for (const Text& t : texts) samples.push_back({{}, teacher_.tokenizer.decode(t), {bos()}, t});
    return samples;
  }

  Result<std::span<const Text>> texts_to_read() {
    const auto texts = reference_texts();
    if (!texts) return tl::unexpected(texts.error());
    return std::span(**texts).first(std::min<size_t>(settings_.read, (*texts)->size()));
  }

  // By what is said at all, by how often it is beside other unmarked texts of the teacher's, and by what is expected
  // beside what the teacher and the base expect.
  Result<std::vector<attribution::TestResult>> tests(const watermark::MarkEvidence& evidence, const Told& told,
                                                     uint64_t wrong_keys) {
    auto results = attribution::radioactivity(key(), evidence, told.said, {}, wrong_keys);
    const auto reference = reference_texts();
    if (!reference) return tl::unexpected(reference.error());
    if (reference_said_.empty()) reference_said_ = samples_of(**reference);
    const auto add = [&](std::vector<attribution::TestResult> more) {
      for (attribution::TestResult& t : more) results.push_back(std::move(t));
    };
    add(attribution::contrast(key(), evidence, told.said, reference_said_, {}, wrong_keys));
    if (evidence.units != watermark::Units::kTokens) return results;
    if (teacher_read_.empty()) {
      const auto texts = texts_to_read();
      if (!texts) return tl::unexpected(texts.error());
      const auto from = base();
      if (!from) return tl::unexpected(from.error());
      teacher_read_ = read_texts(transformer_, *texts, kContext, kTops);
      base_read_ = read_texts({(*from)->config, (*from)->weights}, *texts, kContext, kTops);
    }
    results.push_back(std::move(attribution::reading(key(), evidence, told.read, {}, wrong_keys).front()));
    add(attribution::reading_contrast(key(), evidence, told.read, teacher_read_, {}, wrong_keys));
    auto beside_base = attribution::reading_contrast(key(), evidence, told.read, base_read_, {}, wrong_keys);
    for (attribution::TestResult& t : beside_base) t.test.insert(std::string_view("reading-contrast").size(), "-base");
    add(std::move(beside_base));
    return results;
  }

  const InheritanceSettings& settings_;
  const training::Recipe& base_recipe_;
  const training::Plan& plan_;
  const model::Model& teacher_;
  model::Transformer transformer_;
  const Tell& tell_;
  std::vector<Text> clean_, reference_;
  std::vector<attribution::Sample> reference_said_;
  std::vector<attribution::Place> teacher_read_, base_read_;
  std::map<std::string, MarkedTexts> marked_;
  std::optional<model::Model> base_;
};

}  // namespace

std::vector<MarkedShare> marked_shares() {
  std::vector<MarkedShare> out;
  for (const double share : {0.05, 0.2, 1.0}) out.push_back({{.scheme = Scheme::kGreen, .context = 2}, share, 4});
  for (const int context : {1, 2}) {
    for (const Scheme scheme : {Scheme::kGreen, Scheme::kGumbel, Scheme::kTournament})
      out.push_back({{.scheme = scheme, .context = context}, 0.05});
  }
  for (const double share : {0.01, 0.2}) out.push_back({{.scheme = Scheme::kGreen, .context = 1}, share});
  return out;
}

Result<Json> run_inheritance(const InheritanceSettings& settings, const training::Recipe& base,
                             const training::Plan& plan, const model::Model& teacher, Ledger& ledger,
                             const Tell& tell) {
  if (teacher.config.bos < 0)
    return base::fail(base::ErrorCode::kInput, "the writer has no token that begins a text (bos)");
  Trials trials(settings, base, plan, teacher, tell);
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
