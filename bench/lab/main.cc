// stillwatch_bench_lab peak|train|generate: one figure a line, `name value unit`. Each is told by the clock and by the
// processor time of all threads: on a machine that others use too, the latter says more. Answers are checked before
// they are timed: training must lower its loss, and a batch must say what each request says alone.
#include <cblas.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <ctime>

#include "base/random.h"
#include "base/team.h"
#include "model/folder.h"
#include "model/generator.h"
#include "training/cpu_network.h"
#include "training/trainer.h"

namespace {

namespace model = stillwatch::model;
namespace training = stillwatch::training;
using Clock = std::chrono::steady_clock;

// Time by the clock and of the processor.
struct Watch {
  Clock::time_point wall = Clock::now();
  std::clock_t cpu = std::clock();
};
struct Best {
  double wall = 1e9, cpu = 1e9;  // seconds
  void take(const Watch& since, double units = 1) {
    wall = std::min(wall, std::chrono::duration<double>(Clock::now() - since.wall).count() / units);
    cpu = std::min(cpu, static_cast<double>(std::clock() - since.cpu) / CLOCKS_PER_SEC / units);
  }
  void tell(const std::string& name, double amount, const char* unit) const {
    fmt::print("{} {:.1f} {}/s, {:.1f} a CPU second\n", name, amount / wall, unit, amount / cpu);
  }
};

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "stillwatch_bench_lab: {}\n", why);
  std::exit(3);
}

// The best of some products of large square matrices, a slice to each thread: what the BLAS can do at all.
void peak(unsigned threads) {
  constexpr int kSide = 1536;
  std::vector<float> a(kSide * kSide, 0.5F), b(kSide * kSide, 0.25F), c(kSide * kSide);
  openblas_set_num_threads(1);
  stillwatch::base::Team team(threads);
  Best best;
  for (int round = 0; round < 8; ++round) {
    const Watch since;
    team.parts(kSide, 1, [&](size_t from, size_t to) {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<int>(to - from), kSide, kSide, 1,
                  a.data() + from * kSide, kSide, b.data(), kSide, 0, c.data() + from * kSide, kSide);
    });
    best.take(since);
  }
  if (c[0] != 0.125F * kSide) give_up("the BLAS is wrong");
  best.tell("gemm_peak", 2.0 * kSide * kSide * kSide / 1e9, "GFLOP");
}

struct Shape {
  int64_t dim = 256, layers = 6, heads = 8, kv_heads = 4, ffn = 688, vocab = 512;
  size_t length = 128, batch = 32;
  int steps = 6;
};

// Sequences of equal length and all positions scored: what eager.py computes too.
void train(const Shape& s, unsigned threads) {
  model::Config c;
  c.vocab_size = s.vocab, c.dim = s.dim, c.layers = s.layers, c.heads = s.heads, c.kv_heads = s.kv_heads;
  c.head_dim = s.dim / s.heads, c.ffn_dim = s.ffn, c.context = static_cast<int64_t>(s.length);
  auto network = training::make_cpu_network(c, training::initial_weights(c, 1), threads);
  if (!network) give_up(network.error().message);
  stillwatch::base::Random random(1);
  std::vector<model::Example> examples(s.batch);
  for (model::Example& e : examples) {
    for (size_t i = 0; i <= s.length; ++i) {
      e.tokens.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(s.vocab))));
      e.scored.push_back(true);
    }
  }
  training::Plan plan;
  plan.steps = 1000, plan.warmup = 0, plan.rate = 1e-3, plan.step_tokens = s.batch * s.length,
  plan.batch_tokens = plan.step_tokens;
  training::CrossEntropy loss;
  auto trainer = training::Trainer::start(plan, std::move(*network), examples, loss);
  if (!trainer) give_up(trainer.error().message);
  double first = 0, last = 0;
  Best best;
  for (int i = 0; i < s.steps; ++i) {
    const Watch since;
    const auto step = trainer->step();
    if (!step) give_up(step.error().message);
    best.take(since);
    (i == 0 ? first : last) = step->loss;
  }
  if (!(last < first)) give_up("training does not lower its loss");
  const double tokens = static_cast<double>(s.batch * s.length);
  // Products of matrices alone: two FLOP a weight forward, four backward; the embedding is one where it is the head.
  const double products = 6 * static_cast<double>(c.parameters() - 2 * c.layers * c.dim - c.dim) * tokens;
  best.tell("train", tokens, "tokens");
  best.tell("train_products", products / 1e9, "GFLOP");
  fmt::print("train_parameters {}\n", c.parameters());
}

void generate(const std::string& path, unsigned threads, size_t requests, uint32_t tokens) {
  auto loaded = model::load_model(path);
  if (!loaded) give_up(loaded.error().message);
  const model::Transformer transformer(loaded->config, std::move(loaded->weights));
  const auto request = [&](uint64_t seed) {
    model::GenerationRequest r;
    r.prompt = {std::max(loaded->config.bos, 0)};
    r.tokens_max = tokens;
    r.sampling.temperature = seed == 0 ? 0 : 1;
    r.sampling.seed = seed;
    return r;
  };
  const auto alone = model::generate(transformer, request(1));
  if (!alone) give_up(alone.error().message);
  for (const size_t at_once : {size_t{1}, requests}) {
    Best best;
    for (int round = 0; round < 5; ++round) {
      model::Generator generator(transformer, at_once == 1 ? 1 : threads);
      for (uint64_t i = 0; i < at_once; ++i) {
        if (!generator.add(request(i + 1))) give_up("a request is refused");
      }
      std::vector<int32_t> first;
      const Watch since;
      size_t made = 0;
      while (!generator.idle()) {
        for (const auto& e : generator.step()) {
          ++made;
          if (e.id == 1) first.push_back(e.choice.token);
        }
      }
      best.take(since, static_cast<double>(made));
      for (size_t i = 0; i < first.size(); ++i) {
        if (first[i] != (*alone)[i].token) give_up("a batch does not say what a request says alone");
      }
    }
    best.tell(fmt::format("generate_{}", at_once), 1, "tokens");
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures the lab's training and generation.");
  unsigned threads = 2;
  Shape shape;
  std::string path;
  size_t requests = 16;
  uint32_t tokens = 200;
  app.add_option("--threads", threads);
  app.require_subcommand(1);
  app.add_subcommand("peak")->callback([&] { peak(threads); });
  auto* training_part = app.add_subcommand("train");
  training_part->add_option("--dim", shape.dim);
  training_part->add_option("--layers", shape.layers);
  training_part->add_option("--heads", shape.heads);
  training_part->add_option("--kv-heads", shape.kv_heads);
  training_part->add_option("--ffn", shape.ffn);
  training_part->add_option("--vocab", shape.vocab);
  training_part->add_option("--length", shape.length);
  training_part->add_option("--batch", shape.batch);
  training_part->add_option("--steps", shape.steps);
  training_part->callback([&] { train(shape, threads); });
  auto* generating = app.add_subcommand("generate");
  generating->add_option("--model", path)->required();
  generating->add_option("--requests", requests);
  generating->add_option("--tokens", tokens);
  generating->callback([&] { generate(path, threads, requests, tokens); });
  CLI11_PARSE(app, argc, argv);
  return 0;
}
