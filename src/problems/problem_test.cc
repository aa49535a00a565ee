#include "problems/problem.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "problems/answer.h"

namespace stillwatch::problems {
namespace {

using Words = std::vector<std::string>;

Words words_of(std::string_view text) {
  Words words;
  std::istringstream in{std::string(text)};
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

int number(std::string_view text) {
  int value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Reads a question as a person would, by its words alone, and answers it: shares nothing with what wrote it.
class Reader {
 public:
  int answer(const std::string& question) {
    std::string text = question;
    for (size_t at = 0, end = 0; at < text.size(); at = end + 2) {
      end = text.find_first_of(".?", at);
      sentence(words_of(text.substr(at, end - at)));
    }
    return answer_;
  }

 private:
  void sentence(const Words& w) {
    const std::string all = " " + fmt::format("{}", fmt::join(w, " ")) + " ";
    const auto has = [&](const char* part) { return all.find(part) != std::string::npos; };
    const auto at = [&](size_t i) { return number(w[i]); };
    if (w[0] == "Prices:" || w[0] == "Table") {
      std::map<std::string, int>& table = w[0] == "Table" ? of_ : price_;
      for (size_t i = w[0] == "Table" ? 3 : 1; i + 1 < w.size(); i += 2) table[w[i]] = at(i + 1);
    } else if (w[0] == "How" || w[0] == "What") {
      const std::string last = w[w.size() - 1];
      if (has(" together ")) {
        answer_ = of_.at(w[4]) + of_.at(w[6]);
      } else if (has(" difference ")) {
        answer_ = std::abs(of_.at(w[w.size() - 3]) - of_.at(last));
      } else {
        answer_ = of_.at(w[4]);
      }
    } else if (w[0] == "In") {
      of_.at(w[3]) /= at(8);
    } else if (has(" times as ")) {
      of_[w[0]] = of_.at(w.back()) * at(2);
    } else if (has(" than ")) {
      of_[w[0]] = of_.at(w.back()) + (has(" more ") ? at(2) : -at(2));
    } else if (w.size() == 6 && has(" coins a day ")) {
      of_.at(w[0]) *= at(2);
    } else if (has(" a day ")) {
      of_.at(w[0]) += at(2) * 7 * at(7);
    } else if (has(" sells all ")) {
      of_.at(w[0]) *= at(5);
    } else if (has(" spends all ")) {
      of_.at(w[0]) /= at(7);
    } else if (has(" equal piles ")) {
      of_.at(w[0]) /= at(5);
    } else if (has(" gives ")) {
      of_.at(w[0]) -= at(3);
    } else if (has(" rests ")) {
      of_.at(w[0]) -= at(3);
    } else if (has(" spends ")) {
      of_.at(w[0]) -= at(2);
    } else if (has(" weeks and ")) {
      of_[w[0]] += at(2) * 7 + at(5);
    } else if (has(" an hour ")) {
      of_[w[0]] += at(2) * at(5);
    } else if (has(" of ")) {
      of_[w[0]] += at(2) * at(5);
    } else if (has(" dozen ")) {
      of_[w[0]] += at(2) * 12;
    } else if (w[1] == "buys") {
      of_.at(w[0]) -= at(2) * price_.at(w[3]);
    } else {
      of_[w[0]] += at(2);
    }
    for (auto& [name, value] : of_) EXPECT_GE(value, 1) << all;
  }

  std::map<std::string, int> of_, price_;
  int answer_ = 0;
};

TEST(Problems, AreAnsweredAsAReaderWouldAnswerThem) {
  for (const Split split : {Split::kTrain, Split::kTest}) {
    Generator generator(7, split);
    for (int i = 0; i < 5000; ++i) {
      const Problem p = generator.next();
      std::string question = p.question;
      question.erase(std::remove(question.begin(), question.end(), ','), question.end());
      ASSERT_EQ(std::to_string(Reader().answer(question)), p.answer) << p.question;
    }
  }
}

// Sums of products and quotients, without brackets.
int value_of(std::string_view expression) {
  int sum = 0, term = 0;
  char joins = '+', sign = '+';
  const auto settle = [&] { sum += sign == '+' ? term : -term; };
  while (!expression.empty()) {
    const int n = number(expression);
    expression.remove_prefix(std::min(expression.find_first_of("+-*/"), expression.size()));
    if (joins == '*') {
      term *= n;
    } else if (joins == '/') {
      term /= n;
    } else {
      settle();
      sign = joins;
      term = n;
    }
    if (!expression.empty()) {
      joins = expression[0];
      expression.remove_prefix(1);
    }
  }
  settle();
  return sum;
}

TEST(Problems, WorkInStepsThatAreAllTrue) {
  Generator generator(3, Split::kTrain);
  size_t steps = 0;
  for (int i = 0; i < 5000; ++i) {
    const Problem p = generator.next();
    ASSERT_TRUE(says(p.reasoning, p.answer)) << p.reasoning;
    for (size_t at = p.reasoning.find('='); at != std::string::npos; at = p.reasoning.find('=', at + 1)) {
      const size_t begin = p.reasoning.find_last_of(" =", at - 1) + 1;
      const size_t end = p.reasoning.find_first_of(",.=", at + 1);
      const int left = value_of(std::string_view(p.reasoning).substr(begin, at - begin));
      const int right = value_of(std::string_view(p.reasoning).substr(at + 1, end - at - 1));
      ASSERT_TRUE(left == right && left >= 1 && left <= kNumberMax) << p.reasoning;
      ++steps;
    }
  }
  EXPECT_GT(steps, 5000u);
}

std::set<std::pair<std::string, std::string>> pairs_of(const Problem& p) {
  std::set<std::pair<std::string, std::string>> pairs;
  const Words parts = words_of(p.structure);
  for (size_t i = 1; i < parts.size(); ++i) pairs.emplace(parts[i - 1], parts[i]);
  return pairs;
}

TEST(Splits, DifferInWhichOperationsFollowOneAnother) {
  Generator train(1, Split::kTrain), test(1, Split::kTest);
  std::set<std::pair<std::string, std::string>> seen;
  std::set<std::string> before, after, parts;
  for (int i = 0; i < 20'000; ++i) {
    for (const auto& pair : pairs_of(train.next())) {
      seen.insert(pair);
      before.insert(pair.first);
      after.insert(pair.second);
    }
  }
  for (int i = 0; i < 5000; ++i) {
    const Problem p = test.next();
    size_t unseen = 0;
    for (const auto& [first, second] : pairs_of(p)) {
      unseen += !seen.contains({first, second});
      // Known steps, though.
      EXPECT_TRUE(before.contains(first) && after.contains(second)) << p.structure;
    }
    ASSERT_GE(unseen, 1u) << p.structure;
    for (const std::string& part : words_of(p.structure)) parts.insert(part);
  }
  EXPECT_EQ(parts.size(), kParts);
}

TEST(Problems, AreOfTheLevelsAskedFor) {
  Generator generator(5, Split::kTrain, 2, 3);
  std::map<int, int> levels;
  for (int i = 0; i < 2000; ++i) {
    const Problem p = generator.next();
    ++levels[p.level];
    const auto parts = static_cast<int>(words_of(p.structure).size());
    EXPECT_EQ(p.level, parts - (p.structure.ends_with(" left") ? 2 : 1));
  }
  EXPECT_EQ(levels.size(), 2u);
  EXPECT_NEAR(levels[2], 1000, 150);
}

TEST(Problems, AreShortAndOfFewWords) {
  Generator generator(9, Split::kTrain);
  std::set<std::string> words;
  size_t total = 0;
  for (int i = 0; i < 5000; ++i) {
    const Problem p = generator.next();
    const std::string all = p.question + " " + p.reasoning;
    size_t tokens = p.answer.size();  // words, digits and signs one by one
    for (size_t at = 0; at < all.size(); ++tokens) {
      size_t end = at + (all[at] == ' ');
      while (end < all.size() && std::isalpha(static_cast<unsigned char>(all[end]))) ++end;
      if (end - at > 1) words.insert(all.substr(at, end - at));
      at = std::max(end, at + 1);
    }
    EXPECT_LE(tokens, 224u) << all;
    total += tokens;
  }
  EXPECT_LT(total / 5000, 100u);
  EXPECT_LT(words.size(), 200u);
}

TEST(Problems, ComeFromTheirSeed) {
  Generator a(1, Split::kTrain), b(1, Split::kTrain), c(2, Split::kTrain);
  int same = 0;
  for (int i = 0; i < 100; ++i) {
    const Problem p = a.next();
    EXPECT_EQ(p.question, b.next().question);
    same += p.question == c.next().question;
  }
  EXPECT_LT(same, 5);
}

// Compares with a file beside the test; UPDATE_GOLDEN=1 writes it anew.
TEST(Problems, LookAsTheyShould) {
  std::string actual;
  for (const Split split : {Split::kTrain, Split::kTest}) {
    Generator generator(1, split);
    for (int i = 0; i < 10; ++i) actual += to_row(generator.next());
  }
  const std::string path = STILLWATCH_SOURCE_DIR "/src/problems/golden/rows.jsonl";
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path) << actual;
  std::ifstream file(path);
  std::stringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(actual, expected.str()) << "UPDATE_GOLDEN=1 rewrites " << path;
  for (std::string line; std::getline(expected, line);) {
    const auto row = nlohmann::json::parse(line);
    EXPECT_EQ(row["messages"][1]["content"], row["answer"]);
  }
}

}  // namespace
}  // namespace stillwatch::problems
