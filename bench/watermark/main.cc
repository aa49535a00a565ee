// What marking by selecting drafts can do, on real answers: those of several models to the same prompts are each
// other's drafts. Every table says under how many keys it was made.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "campaign.h"

namespace bench = stillwatch::bench;
namespace wm = stillwatch::watermark;

int main(int argc, char** argv) {
  CLI::App app("Marking by selecting drafts, on real answers");
  std::string folder;
  std::string only;
  bench::Bench b;
  app.add_option("ANSWERS", folder, "Folder of *.jsonl.gz, the answers of one model each to the same prompts")
      ->required();
  app.add_option("--keys", b.keys, "Keys; several times as many where many are needed");
  app.add_option("--only", only,
                 "One section: selection, power, equal, sentences, single, students, repeats, correlation, innocents");
  CLI11_PARSE(app, argc, argv);
  b.corpus = bench::read_corpus(folder);
  for (const auto& answers : b.corpus.answers) {
    auto& words = b.words.emplace_back();
    for (const std::string& answer : answers) words.push_back(wm::words_of(answer));
  }
  for (const std::string& prompt : b.corpus.prompts) b.prompt_words.push_back(wm::words_of(prompt));
  fmt::print("{} models, {} prompts\n", b.models(), b.prompts());
  for (size_t m = 0; m < b.models(); ++m) {
    size_t total = 0;
    for (const auto& text : b.words[m]) total += text.size();
    fmt::print("- {}: {:.0f} words an answer\n", b.corpus.models[m],
               static_cast<double>(total) / static_cast<double>(b.prompts()));
  }
  const std::pair<const char*, void (*)(const bench::Bench&)> sections[] = {
      {"selection", bench::selection},       {"power", bench::power},
      {"equal", bench::equal_lengths},       {"sentences", bench::sentences},
      {"single", bench::single_by_sentence}, {"students", bench::students},
      {"repeats", bench::repeats},           {"correlation", bench::correlation},
      {"innocents", bench::innocents}};
  for (const auto& [name, section] : sections) {
    if (only.empty() || only == name) section(b);
  }
  return 0;
}
