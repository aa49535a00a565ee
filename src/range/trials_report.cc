#include "range/trials_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "range/page.h"

namespace stillwatch::range {
namespace {

using Row = std::vector<std::string>;
struct Table {
  std::string title, note;
  Row head;
  std::vector<Row> rows;
};

std::string power_text(double log10_p) {
  return log10_p > -3 ? fmt::format("{:.2g}", std::pow(10, log10_p)) : fmt::format("1e{:.1f}", log10_p);
}

// An arm in every seed that has it.
struct OverSeeds {
  Json first;
  distill::Tally right;
  size_t right_undefended = 0;  // in the same seeds
  std::string each;             // right, by seed
};

// What a student makes of answers that nothing was done to: it may leave log-probabilities aside.
size_t undefended(const Json& ladder) {
  size_t right = 0;
  for (const Json& arm : ladder["arms"]) {
    if (arm["arm"] == "none" || arm["arm"] == "logprobs-stripped")
      right = std::max(right, arm["exam"]["right"].get<size_t>());
  }
  return right;
}

std::vector<OverSeeds> arms_of(const TrialResults& results) {
  std::vector<OverSeeds> arms;
  for (const Json& ladder : results.ladders) {
    for (const Json& arm : ladder["arms"]) {
      auto it =
          std::find_if(arms.begin(), arms.end(), [&](const OverSeeds& a) { return a.first["arm"] == arm["arm"]; });
      if (it == arms.end()) it = arms.insert(arms.end(), {arm, {}, 0, {}});
      const auto right = arm["exam"]["right"].get<size_t>();
      it->right.right += right;
      it->right.of += arm["exam"]["asked"].get<size_t>();
      it->right_undefended += undefended(ladder);
      it->each += fmt::format("{}{}", it->each.empty() ? "" : ", ", right);
    }
  }
  return arms;
}

// The test that says most, of those for the mark of the arm's own serving.
std::string attribution_text(const Json& arm) {
  const Json* least = nullptr;
  for (const Json& t : arm["attribution"]) {
    if (t["mark"] == arm["serving"] && (least == nullptr || t["log10_p"] < (*least)["log10_p"])) least = &t;
  }
  if (least == nullptr) return "no mark";
  return fmt::format("{} ({})", power_text((*least)["log10_p"]), (*least)["test"].get<std::string>());
}

Table arms_table(const TrialResults& results) {
  Table table{
      "What students keep",
      "As many training steps for each. Undefended: the better of the first two arms. Attribution: the least p-value "
      "of "
      "three tests, uncorrected.",
      {"arm", "learns from", "problems", "whole", "right (95 %)", "by seed", "of the undefended", "attribution"},
      {}};
  for (const OverSeeds& a : arms_of(results)) {
    const double share =
        a.right_undefended > 0 ? static_cast<double>(a.right.right) / static_cast<double>(a.right_undefended) : 0;
    table.rows.push_back({a.first["arm"], a.first["description"], fmt::format("{}", a.first["problems"].get<size_t>()),
                          fmt::format("{}", a.first["whole"].get<size_t>()), percent_text(a.right), a.each,
                          fmt::format("{:.0f} %", 100 * share), attribution_text(a.first)});
  }
  return table;
}

Table servings_table(const TrialResults& results) {
  Table table{"What honest users get",
              "The teacher's own answers to the same problems, drawn at temperature 1.",
              {"serving", "strength", "right (95 %)", "tokens drawn", "operations for an answer"},
              {}};
  for (const Json& s : results.ladders.empty() ? Json::array() : results.ladders.front()["servings"]) {
    const auto strength = s["strength"].get<double>();
    table.rows.push_back({s["serving"], strength > 0 ? fmt::format("{}", strength) : "",
                          percent_text({s["exam"]["right"].get<size_t>(), s["exam"]["asked"].get<size_t>()}),
                          fmt::format("{}", s["tokens"].get<size_t>()),
                          fmt::format("{:.2f} times", s["compute"].get<double>())});
  }
  return table;
}

Table inheritance_table(const Json& inheritance) {
  Table table{"Marks that students of stories inherit",
              "p-values of what the student writes by itself; of what clean students write, how many are at most 0.05.",
              {"mark", "context", "share marked", "each window once", "filtered", "contrast", "filtered"},
              {}};
  constexpr const char* kTests[] = {"radioactivity", "radioactivity-filtered", "contrast", "contrast-filtered"};
  if (inheritance.is_null()) return table;
  for (const Json& m : inheritance["marked"]) {
    Row row{m["scheme"], fmt::format("{}", m["context"].get<int>()), fmt::format("{}", m["share"].get<double>())};
    for (const char* test : kTests)
      row.push_back(fmt::format("{} (z {:.1f})", power_text(m[test]["log10_p"]), m[test]["z"].get<double>()));
    table.rows.push_back(std::move(row));
  }
  Row clean{"clean students", "", "0"};
  for (const char* test : kTests) {
    size_t below = 0, of = 0;
    for (const Json& student : inheritance["clean"]) {
      for (const auto& [mark, tests] : student["log10_p"].items()) {
        ++of;
        below += tests[test].get<double>() <= std::log10(0.05);
      }
    }
    clean.push_back(fmt::format("{} of {}", below, of));
  }
  table.rows.push_back(std::move(clean));
  return table;
}

std::vector<Table> tables_of(const TrialResults& results) {
  return {arms_table(results), servings_table(results), inheritance_table(results.inheritance)};
}

}  // namespace

std::string to_json(const TrialResults& results) {
  const Json json{{"stillwatch_range_trials", 1}, {"inheritance", results.inheritance}, {"ladders", results.ladders}};
  return json.dump(1) + "\n";
}

std::string to_terminal(const TrialResults& results) {
  std::string text;
  for (const Table& table : tables_of(results)) {
    if (table.rows.empty()) continue;
    std::vector<size_t> widths(table.head.size());
    const auto measure = [&](const Row& row) {
      for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    };
    const auto write = [&](const Row& row) {
      for (size_t i = 0; i < row.size(); ++i) text += fmt::format("  {:<{}}", row[i], widths[i]);
      text += "\n";
    };
    measure(table.head);
    for (const Row& row : table.rows) measure(row);
    text += fmt::format("{}. {}\n", table.title, table.note);
    write(table.head);
    for (const Row& row : table.rows) write(row);
    text += "\n";
  }
  return text;
}

std::string to_html(const TrialResults& results) {
  std::string body;
  for (const Table& table : tables_of(results)) {
    if (table.rows.empty()) continue;
    body += fmt::format("<h2>{}</h2>\n<p>{}</p>\n<table><thead><tr>", table.title, table.note);
    for (const std::string& cell : table.head) body += fmt::format("<th>{}</th>", cell);
    body += "</tr></thead>\n<tbody>\n";
    for (const Row& row : table.rows) {
      body += "<tr>";
      for (const std::string& cell : row) body += fmt::format("<td>{}</td>", cell);
      body += "</tr>\n";
    }
    body += "</tbody></table>\n";
  }
  return page("The ladder against students", "76rem", "", body);
}

}  // namespace stillwatch::range
