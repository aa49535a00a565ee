#include <fmt/format.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "files.h"
#include "lab.h"
#include "model/folder.h"
#include "model/generator.h"
#include "problems/answer.h"

namespace stillwatch::apps {
namespace {

using base::ErrorCode;
using base::Result;

struct Arguments {
  std::string model;
  std::string data;
  std::string out;
  uint64_t count = 1000;
  uint32_t tokens_max = 256;
  uint32_t concurrency = 64;
  bool no_reasoning = false;
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
};

struct Question {
  model::Conversation asked;
  std::string answer, structure;
  int level = 0;
  std::string reasoning, said;
  size_t tokens = 0;
  bool right = false;
};

// The rows that have an `answer`, without their assistant's turn.
Result<std::vector<Question>> read_questions(const std::string& path, uint64_t count) {
  const auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  std::vector<Question> out;
  size_t number = 0;
  for (std::string_view rest = *text; !rest.empty() && out.size() < count;) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++number;
    if (line.empty()) continue;
    const auto row = nlohmann::json::parse(line, nullptr, false);
    auto conversation = model::read_conversation(line, fmt::format("{}:{}", path, number));
    if (!conversation) return tl::unexpected(conversation.error());
    if (!row.contains("answer") || !row["answer"].is_string())
      return base::fail(ErrorCode::kInput, fmt::format("{}:{}: `answer` is missing", path, number));
    Question q;
    q.answer = row["answer"].get<std::string>();
    if (row.contains("structure") && row["structure"].is_string()) q.structure = row["structure"].get<std::string>();
    if (row.contains("level") && row["level"].is_number_integer()) q.level = row["level"].get<int>();
    while (!conversation->empty() && conversation->back().role == model::Role::kAssistant) conversation->pop_back();
    q.asked = std::move(*conversation);
    out.push_back(std::move(q));
  }
  if (out.empty()) return base::fail(ErrorCode::kInput, path + " holds no questions");
  return out;
}

Result<void> answer_all(const model::Model& m, const model::Transformer& transformer, const Arguments& a,
                        std::vector<Question>& questions) {
  model::Generator generator(transformer, a.threads);
  std::map<uint64_t, std::pair<size_t, model::AnswerParser>> open;
  size_t next = 0;
  while (next < questions.size() || !generator.idle()) {
    for (; next < questions.size() && open.size() < a.concurrency; ++next) {
      model::GenerationRequest request;
      request.prompt = model::prompt_of(questions[next].asked, *m.marks, m.tokenizer);
      if (a.no_reasoning) request.sampling.bias[m.tokenizer.find_special(m.marks->think)] = -1e9F;
      request.tokens_max = a.tokens_max;
      request.stop = m.config.eos;
      // One mark closes reasoning and answers alike: the parser tells when the answer is over.
      if (m.marks->think_end == m.marks->end) request.stop.clear();
      request.sampling.temperature = 0;
      const auto id = generator.add(std::move(request));
      if (!id) return tl::unexpected(id.error());
      open.emplace(*id, std::pair(next, model::AnswerParser(*m.marks, m.tokenizer)));
    }
    for (const model::GenerationEvent& e : generator.step()) {
      auto& [index, parser] = open.at(e.id);
      Question& q = questions[index];
      ++q.tokens;
      const auto part = parser.next(e.choice.token);
      const std::string_view piece = m.tokenizer.piece(e.choice.token);
      if (part == model::AnswerParser::Part::kReasoning) q.reasoning += piece;
      if (part == model::AnswerParser::Part::kContent) q.said += piece;
      if (part == model::AnswerParser::Part::kEnd) generator.cancel(e.id);
      if (part == model::AnswerParser::Part::kEnd || e.finish) open.erase(e.id);
    }
  }
  return {};
}

Result<void> exam(const Arguments& a) {
  auto loaded = model::load_model(a.model);
  if (!loaded) return tl::unexpected(loaded.error());
  if (!loaded->marks) return base::fail(ErrorCode::kInput, a.model + " knows no conversations");
  auto questions = read_questions(a.data, a.count);
  if (!questions) return tl::unexpected(questions.error());
  const model::Transformer transformer(loaded->config, std::move(loaded->weights));
  if (auto ok = answer_all(*loaded, transformer, a, *questions); !ok) return ok;
  std::map<int, std::pair<size_t, size_t>> levels;
  size_t right = 0, tokens = 0;
  std::string rows;
  for (Question& q : *questions) {
    q.right = problems::says(q.said, q.answer);
    right += q.right;
    tokens += q.tokens;
    ++levels[q.level].second;
    levels[q.level].first += q.right;
    rows +=
        nlohmann::ordered_json{
            {"question", q.asked.back().content}, {"reasoning", q.reasoning}, {"said", q.said},  {"answer", q.answer},
            {"structure", q.structure},           {"level", q.level},         {"right", q.right}}
            .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
        "\n";
  }
  fmt::print("right {} of {} ({:.1f} %), {} tokens\n", right, questions->size(),
             100.0 * static_cast<double>(right) / static_cast<double>(questions->size()), tokens);
  for (const auto& [level, count] : levels) fmt::print("  level {}: {} of {}\n", level, count.first, count.second);
  if (a.out.empty()) return {};
  return write_file(a.out, [&](const Write& write) { write(rows); });
}

}  // namespace

void add_exam(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("exam", "Let a model answer problems and count what is right");
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  command->add_option("--model", a.model, "Folder of the model")->required();
  command->add_option("--data", a.data, "Problems with an `answer`, as `problems` writes them")->required();
  command->add_option("--count", a.count, "Of these, the first")->capture_default_str();
  command->add_option("--out", a.out, "What it said to each, JSON lines");
  command->add_option("--tokens-max", a.tokens_max, "Tokens an answer may have")->capture_default_str();
  command->add_flag("--no-reasoning", a.no_reasoning, "Forbid the mark that begins reasoning");
  command->add_option("--concurrency", a.concurrency, "Answers at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096));
  command->add_option("--threads", a.threads, "Cores to use")->capture_default_str()->check(CLI::Range(1, 1024));
  command->footer(
      "Greedy answers: the same model gives the same. Example:\n"
      "  stillwatch-lab exam --model data/teacher --data test.jsonl\n\n"
      "Exit status: 0 done, 2 usage, 3 model or data missing or broken, 4 the file cannot be written.");
  command->callback([arguments, &status] {
    const auto done = exam(*arguments);
    status = done ? kClean : complain(done.error());
  });
}

}  // namespace stillwatch::apps
