#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/hash.h"
#include "files.h"
#include "lab.h"
#include "problems/problem.h"

namespace stillwatch::apps {
namespace {

constexpr uint64_t kMissesMax = 100'000;

struct Arguments {
  uint64_t seed = 1;
  uint64_t count = 1000;
  std::string split = "train";
  std::string level = fmt::format("1-{}", problems::kLevelMax);
  std::vector<std::string> with;
  std::string out = "-";
};

// Its structure has one of these parts.
bool has_any(const problems::Problem& problem, const std::vector<std::string>& parts) {
  const auto there = [structure = " " + problem.structure + " "](const std::string& part) {
    return structure.find(" " + part + " ") != std::string::npos;
  };
  return std::any_of(parts.begin(), parts.end(), there);
}

std::vector<std::string> names_of_parts() {
  std::vector<std::string> names;
  for (size_t i = 0; i < problems::kParts; ++i) names.emplace_back(name_of(static_cast<problems::Part>(i)));
  return names;
}

int run(const Arguments& a) {
  // N or N-M; each is one digit.
  const int low = a.level.front() - '0', high = a.level.back() - '0';
  if ((a.level.size() != 1 && (a.level.size() != 3 || a.level[1] != '-')) || low < 1 || low > high ||
      high > problems::kLevelMax) {
    return complain(
        {base::ErrorCode::kUsage,
         fmt::format("--level is neither a number from 1 to {0} nor two of them, as in 1-{0}", problems::kLevelMax)});
  }
  problems::Generator generator(a.seed, a.split == "test" ? problems::Split::kTest : problems::Split::kTrain, low,
                                high);
  std::unordered_set<uint64_t> seen;
  bool dry = false;
  const auto written = write_file(a.out, [&](const Write& write) {
    // Levels of one operation have some ten thousand problems only, and not every part.
    uint64_t misses = 0;  // in a row
    while (seen.size() < a.count && !dry) {
      const problems::Problem problem = generator.next();
      const bool wanted = a.with.empty() || has_any(problem, a.with);
      if (wanted && seen.insert(base::hash64(problem.question)).second) {
        write(problems::to_row(problem));
        misses = 0;
      } else {
        dry = ++misses > kMissesMax;
      }
    }
  });
  if (!written) return complain(written.error());
  if (dry) {
    return complain(
        {base::ErrorCode::kInput, fmt::format("only {} different problems were found of these levels and parts; ask "
                                              "for fewer, for higher levels, or for other parts",
                                              seen.size())});
  }
  return kClean;
}

}  // namespace

void add_problems(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("problems", "Write word problems with worked solutions, for training and testing");
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  command->add_option("--seed", a.seed, "The same seed gives the same problems")->capture_default_str();
  command->add_option("--count", a.count, "Problems, all different")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{1}, uint64_t{10'000'000}));
  command
      ->add_option("--split", a.split,
                   "train, or test: every test problem has two operations in succession that no training problem has")
      ->capture_default_str()
      ->check(CLI::IsMember({"train", "test"}));
  command->add_option("--level", a.level, "Operations: a number, or from one to another")->capture_default_str();
  command->add_option("--with", a.with, "Only problems that have one of these parts (docs/problems.md)")
      ->delimiter(',')
      ->check(CLI::IsMember(names_of_parts()).description("PART[,PART...]"));
  command->add_option("--out", a.out, "JSON lines; - for standard output")->capture_default_str();
  command->footer(
      "A row has `messages` (the question; the reasoning and the answer), `answer`, `structure` and `level`\n"
      "(docs/problems.md). Example:\n"
      "  stillwatch-lab problems --seed 1 --count 100000 --split train --out train.jsonl\n\n"
      "Exit status: 0 done, 2 usage, 3 not so many different problems, 4 the file cannot be written.");
  command->callback([arguments, &status] { status = run(*arguments); });
}

}  // namespace stillwatch::apps
