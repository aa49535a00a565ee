#include "distill/exam.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "problems/answer.h"

namespace stillwatch::distill {

using base::ErrorCode;

Question question_of(const problems::Problem& problem) {
  return {{{model::Role::kUser, problem.question, ""}}, problem.answer, problem.structure, problem.level};
}

base::Result<std::vector<Question>> read_questions(std::string_view text, std::string_view file, size_t count) {
  std::vector<Question> out;
  for (size_t number = 1; !text.empty() && out.size() < count; ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = fmt::format("{}:{}", file, number);
    auto conversation = model::read_conversation(line, where);
    if (!conversation) return tl::unexpected(conversation.error());
    while (!conversation->empty() && conversation->back().role == model::Role::kAssistant) conversation->pop_back();
    if (conversation->empty()) return base::fail(ErrorCode::kInput, where + ": nothing is asked");
    const auto row = nlohmann::json::parse(line, nullptr, false);
    const auto answer = row.find("answer");
    if (answer == row.end() || !answer->is_string())
      return base::fail(ErrorCode::kInput, where + ": `answer` is missing");
    Question q{std::move(*conversation), answer->get<std::string>()};
    if (const auto it = row.find("structure"); it != row.end() && it->is_string()) q.structure = it->get<std::string>();
    if (const auto it = row.find("level"); it != row.end() && it->is_number_integer()) q.level = it->get<int>();
    out.push_back(std::move(q));
  }
  if (out.empty()) return base::fail(ErrorCode::kInput, fmt::format("{} holds no questions", file));
  return out;
}

base::Result<Exam> examine(const model::Transformer& transformer, const model::ChatTemplate& marks,
                           const model::Tokenizer& tokenizer, const std::vector<Question>& questions,
                           const AnswerOptions& options) {
  std::vector<std::vector<int32_t>> prompts;
  prompts.reserve(questions.size());
  for (const Question& q : questions) prompts.push_back(model::prompt_of(q.asked, marks, tokenizer));
  auto answers = answer_all(transformer, marks, tokenizer, prompts, options);
  if (!answers) return tl::unexpected(answers.error());
  Exam exam;
  exam.answers = std::move(*answers);
  for (size_t i = 0; i < questions.size(); ++i) {
    const bool right = problems::says(exam.answers[i].content, questions[i].answer);
    exam.right.push_back(right);
    for (Tally* tally : {&exam.all, &exam.levels[questions[i].level]}) {
      ++tally->of;
      tally->right += right ? 1 : 0;
    }
    exam.tokens += exam.answers[i].tokens.size();
  }
  return exam;
}

}  // namespace stillwatch::distill
