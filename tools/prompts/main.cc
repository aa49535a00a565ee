// Puts the shipped prompts together from fragments: stillwatch_make_prompts DIRECTORY. Deterministic.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/random.h"
#include "fragments.h"

namespace {

using stillwatch::base::Random;
using stillwatch::prompts::Language;
using stillwatch::prompts::Subject;
namespace parts = stillwatch::prompts;
using Json = nlohmann::ordered_json;

std::string fill(std::string_view text, const Subject& s, Random& random);

template <typename Items>
auto any(const Items& items, Random& random) {
  return items[random.below(items.size())];
}

std::string sentence(const Subject& s, Random& random) {
  static constexpr std::string_view kShapes[] = {"The {a} was delivered late and the {b} does not match the order.",
                                                 "After {n} days the {c} stopped working near the {a}.",
                                                 "Our team in hall {n} replaced the {b} on Tuesday.",
                                                 "Nobody answered when the {a} failed during {s}.",
                                                 "The new {c} works well, only the {b} is {m} mm too short.",
                                                 "Visitors praised the {a} but complained about the {c}.",
                                                 "A {b} from batch {n}{m} was found next to the {c}.",
                                                 "For {s} we will need {n} more of the {a} before May."};
  return fill(kShapes[random.below(std::size(kShapes))], s, random);
}

std::string fill(std::string_view text, const Subject& s, Random& random) {
  std::string out;
  while (!text.empty()) {
    const size_t open = text.find('{');
    if (open == std::string_view::npos) break;
    out += text.substr(0, open);
    const size_t close = text.find('}', open);
    const std::string_view slot = text.substr(open + 1, close - open - 1);
    if (slot == "s") out += s.name;
    if (slot == "a") out += s.a;
    if (slot == "b") out += s.b;
    if (slot == "c") out += s.c;
    if (slot == "n") out += std::to_string(2 + random.below(58));
    if (slot == "m") out += std::to_string(60 + random.below(900));
    if (slot == "sentence") out += sentence(s, random);
    text.remove_prefix(close + 1);
  }
  return out + std::string(text);
}

class File {
 public:
  File(const std::filesystem::path& directory, std::string name) : name_(std::move(name)) {
    std::filesystem::create_directories(directory);
    out_.open(directory / (name_ + ".jsonl"));
  }
  void add(const Json& object) {
    Json whole = {{"id", name_ + "-" + std::to_string(count_++)}};
    whole.update(object);
    out_ << whole.dump() << '\n';
  }

 private:
  std::string name_;
  std::ofstream out_;
  int count_ = 0;
};

Json user(std::string text) {
  return {{"role", "user"}, {"content", std::move(text)}};
}
Json assistant(std::string text) {
  return {{"role", "assistant"}, {"content", std::move(text)}};
}

// Persons with one or two subjects and a few conversations each.
void people(File& file, Random& random) {
  int person = 0;
  const auto talk = [&](const Subject& s, auto openers, auto more, std::string_view language) {
    Json messages = Json::array({user(fill(any(openers, random), s, random))});
    for (int turn = 0; turn < 4 && random.chance(0.4); ++turn) {
      messages.push_back(assistant(fill(any(parts::replies(), random), s, random)));
      messages.push_back(user(fill(any(more, random), s, random)));
    }
    file.add({{"user", "p" + std::to_string(person)}, {"language", language}, {"messages", messages}});
  };
  for (; person < 700; ++person) {
    const Subject mine[] = {any(parts::subjects(), random), any(parts::subjects(), random)};
    const uint64_t conversations = 1 + random.below(4);
    for (uint64_t i = 0; i < conversations; ++i)
      talk(mine[random.below(2)], parts::openers(), parts::follow_ups(), "en");
  }
  for (const Language& language : parts::languages()) {
    for (int i = 0; i < 40; ++i, ++person)
      talk(any(language.subjects, random), language.openers, language.follow_ups, language.code);
  }
}

void bots(File& file, Random& random) {
  int intent = 0;
  for (std::string_view phrasings : parts::intents()) {
    std::vector<std::string_view> all;
    for (size_t bar = phrasings.find('|'); bar != std::string_view::npos; bar = phrasings.find('|')) {
      all.push_back(phrasings.substr(0, bar));
      phrasings.remove_prefix(bar + 1);
    }
    all.push_back(phrasings);
    for (int i = 0; i < 40; ++i) {
      file.add({{"intent", "intent" + std::to_string(intent)},
                {"messages", Json::array({user(fill(any(all, random), any(parts::subjects(), random), random))})}});
    }
    ++intent;
  }
}

void distill(File& file, Random& random) {
  for (const Subject& s : parts::subjects()) {
    for (const std::string_view task : parts::tasks()) {
      if (!random.chance(0.85)) continue;
      std::string answer;
      const uint64_t parts = 1 + random.below(4);
      for (uint64_t i = 0; i < parts; ++i)
        answer += (i > 0 ? " " : "") + fill(any(parts::replies(), random), s, random);
      file.add({{"messages", Json::array({user(fill(task, s, random))})}, {"response", answer}});
    }
  }
}

void pipelines(File& file, Random& random) {
  int number = 0;
  for (const std::string_view frame : parts::templates()) {
    for (int i = 0; i < 150; ++i) {
      file.add({{"template", "template" + std::to_string(number)},
                {"messages", Json::array({user(fill(frame, any(parts::subjects(), random), random))})},
                {"response", "ok"}});
    }
    ++number;
  }
}

void items(File& file, Random& random) {
  for (int i = 0; i < 900; ++i) {
    std::string text;
    const Subject s = any(parts::subjects(), random);
    for (uint64_t k = 0; k < 1 + random.below(4); ++k) text += (text.empty() ? "" : " ") + sentence(s, random);
    file.add({{"messages", Json::array({user(text)})}});
  }
}

void arithmetic(File& file, Random& random) {
  for (int i = 0; i < 250; ++i) {
    const uint64_t a = 3 + random.below(90), b = 2 + random.below(40), c = 2 + random.below(9);
    const Subject s = any(parts::subjects(), random);
    file.add({{"messages", Json::array({user("A shop for " + std::string(s.name) + " has " + std::to_string(a) +
                                             " boxes with " + std::to_string(c) + " pieces each and sells " +
                                             std::to_string(b) + " pieces. How many pieces are left?")})},
              {"response", std::to_string(static_cast<int64_t>(a * c) - static_cast<int64_t>(b))}});
  }
}

void choices(File& file, Random& random) {
  for (int i = 0; i < 250; ++i) {
    const Subject s = any(parts::subjects(), random);
    const Subject other = any(parts::subjects(), random);
    file.add({{"messages", Json::array({user("Which of these belongs to " + std::string(s.name) + "?\nA. " +
                                             std::string(other.a) + "\nB. " + std::string(s.b) + "\nC. " +
                                             std::string(other.c) + "\nD. " + std::string(other.b) + "\nAnswer:")})},
              {"response", "B"}});
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: stillwatch_make_prompts DIRECTORY\n");
    return 2;
  }
  const std::filesystem::path root = argv[1];
  Random random(1609);
  const auto write = [&](const char* folder, const char* name, auto produce) {
    File file(root / folder, name);
    produce(file, random);
  };
  write("benign", "people", people);
  write("benign", "help_bot", bots);
  write("benign", "items", items);
  write("distill", "tasks", distill);
  write("pipeline", "frames", pipelines);
  write("bench", "arithmetic", arithmetic);
  write("bench", "choices", choices);
  return 0;
}
