#include "distill/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "problems/answer.h"
#include "stats/normal.h"

namespace stillwatch::distill {
namespace {

using base::Result;

constexpr size_t kBatchTokens = 2048;
constexpr double kNumberMax = 1e30;  // in a record of training

// False for what is no such record.
bool add(const nlohmann::json& told, std::set<std::string>& datasets, Cost& cost) {
  bool whole = told.is_object();
  const auto number = [&](const char* key, bool wanted) {
    const auto it = whole ? told.find(key) : told.end();
    const bool there = whole && it != told.end();
    if (there ? !it->is_number() || it->get<double>() < 0 || it->get<double>() > kNumberMax : wanted) whole = false;
    return whole && there ? it->get<double>() : 0;
  };
  const double parameters = number("parameters", true), tokens = number("tokens", true);
  cost.operations +=
      whole && told.contains("operations")
          ? number("operations", true)
          : tokens * (parameters * (6 + 2 * number("on_policy", false)) + 2 * number("teacher_parameters", false));
  cost.tokens += tokens;
  cost.cpu_seconds += number("cpu_seconds", true);
  // What was trained on twice was bought once.
  const auto data = whole ? told.find("data") : told.end();
  if (whole && data != told.end() && data->is_string() && !datasets.insert(data->get<std::string>()).second)
    return true;
  cost.exchanges += number("exchanges", false);
  cost.prompt_tokens += number("prompt_tokens", false);
  cost.completion_tokens += number("completion_tokens", false);
  return whole;
}

}  // namespace

Result<Likeness> likeness(training::Network& network, std::span<const model::Example> written) {
  std::vector<uint64_t> all(written.size());
  std::iota(all.begin(), all.end(), uint64_t{0});
  Likeness out;
  std::vector<float> row;
  for (const training::Batch& batch : training::batches_of(written, all, network.config().context, kBatchTokens)) {
    const auto done = network.predict(batch, [&](size_t index, std::span<const float> logits) {
      const auto target = static_cast<size_t>(batch.scored[index].target);
      row.assign(logits.begin(), logits.end());
      out.foretold += static_cast<size_t>(std::max_element(row.begin(), row.end()) - row.begin()) == target ? 1 : 0;
      training::log_softmax(row);
      out.nats -= static_cast<double>(row[target]);
      ++out.tokens;
    });
    if (!done) return tl::unexpected(done.error());
  }
  return out;
}

std::vector<model::Conversation> conversations_of(const std::vector<Question>& questions, const Exam& exam) {
  std::vector<model::Conversation> out;
  for (size_t i = 0; i < questions.size(); ++i) {
    if (!exam.answers[i].ended) continue;
    out.push_back(questions[i].asked);
    out.back().push_back({model::Role::kAssistant, exam.answers[i].content, exam.answers[i].reasoning});
  }
  return out;
}

Tally agreement(const Exam& a, const Exam& b) {
  Tally tally;
  for (size_t i = 0; i < a.answers.size(); ++i) {
    ++tally.of;
    tally.right += problems::says(a.answers[i].content, b.answers[i].content) ? 1 : 0;
  }
  return tally;
}

Tally shared_errors(const Exam& student, const Exam& teacher) {
  Tally tally;
  for (size_t i = 0; i < student.answers.size(); ++i) {
    if (teacher.right[i]) continue;
    ++tally.of;
    tally.right += problems::says(student.answers[i].content, teacher.answers[i].content) ? 1 : 0;
  }
  return tally;
}

double Retention::share() const {
  const size_t teacher = both + teacher_alone;
  return teacher > 0 ? static_cast<double>(both + student_alone) / static_cast<double>(teacher) : 0;
}

stats::Interval Retention::interval() const {
  const auto student = static_cast<double>(both + student_alone), teacher = static_cast<double>(both + teacher_alone);
  if (student == 0 || teacher == 0) return {0, std::numeric_limits<double>::infinity()};
  const double deviation = std::sqrt(static_cast<double>(student_alone + teacher_alone) / (student * teacher));
  const double reach = std::exp(stats::normal_quantile(0.975) * deviation);
  return {share() / reach, share() * reach};
}

Retention retention(const Exam& student, const Exam& teacher) {
  Retention r;
  for (size_t i = 0; i < student.right.size(); ++i) {
    if (student.right[i]) ++(teacher.right[i] ? r.both : r.student_alone);
    if (!student.right[i] && teacher.right[i]) ++r.teacher_alone;
  }
  return r;
}

Result<Cost> read_cost(std::string_view json, std::string_view file) {
  struct Record {
    const nlohmann::json* told;
    bool inherited;
  };
  const auto root = nlohmann::json::parse(json, nullptr, false);
  Cost cost, inherited;
  std::set<std::string> datasets, inherited_datasets;
  bool whole = true;
  for (std::vector<Record> open{{&root, false}}; !open.empty() && whole;) {
    const Record at = open.back();
    open.pop_back();
    whole = at.inherited ? add(*at.told, inherited_datasets, inherited) : add(*at.told, datasets, cost);
    for (const char* key : {"before", "inherits"}) {
      const auto it = whole ? at.told->find(key) : at.told->end();
      if (whole && it != at.told->end()) open.push_back({&*it, at.inherited || key == std::string_view("inherits")});
    }
  }
  cost.inherited = inherited.operations;
  if (!whole)
    return base::fail(
        base::ErrorCode::kInput,
        fmt::format("{} does not tell what a training took: it is damaged, delete it to go without", file));
  return cost;
}

}  // namespace stillwatch::distill
