#include "range/trials_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "range/over_seeds.h"
#include "range/page.h"
#include "training/curve.h"

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

size_t right_of(const Json& ladder, std::string_view arm) {
  for (const Json& a : ladder["arms"]) {
    if (a["arm"] == arm) return a["exam"]["right"];
  }
  return 0;
}

// Of what an undefended student gains over the base, in the seeds that have the arm.
std::string gain_text(const TrialResults& results, std::string_view arm) {
  double gained = 0, undefended = 0;
  for (const Json& ladder : results.ladders) {
    if (std::ranges::none_of(ladder["arms"], [&](const Json& a) { return a["arm"] == arm; })) continue;
    const auto base = static_cast<double>(right_of(ladder, "untaught"));
    gained += static_cast<double>(right_of(ladder, arm)) - base;
    undefended += static_cast<double>(right_of(ladder, "none")) - base;
  }
  return undefended > 0 ? fmt::format("{:.0f} %", 100 * gained / undefended) : "";
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

std::string seconds_text(const Json& seconds) {
  return fmt::format("{:.3g}", seconds.get<double>());
}

// Of an arm: until the first of it, and until all.
std::string wait_text(const Json& arm) {
  if (!arm.contains("wait")) return "";
  const Json& wait = arm["wait"];
  return wait.is_null() ? "no answer" : fmt::format("{}, {}", seconds_text(wait["first"]), seconds_text(wait["whole"]));
}

Table arms_table(const TrialResults& results) {
  Table table{
      "What students keep",
      "All go on from one base and take as many steps. Right: the mean over seeds, Student's interval; of one "
      "seed, Wilson's. Attribution: the least p-value of three tests of the first seed, uncorrected. Wait: the "
      "seconds of an honest user so treated, until the first token of the answer and until the last.",
      {"arm", "learns from", "problems", "whole", "right (95 %)", "by seed", "of the gain", "attribution", "wait"},
      {}};
  for (const OverSeeds& a : over_seeds(results.ladders, "arms", {"arm"})) {
    const auto name = a.first["arm"].get<std::string>();
    table.rows.push_back({name, a.first["description"], fmt::format("{}", a.first["problems"].get<size_t>()),
                          fmt::format("{}", a.first["whole"].get<size_t>()), a.share_text(), a.each,
                          gain_text(results, name), attribution_text(a.first), wait_text(a.first)});
  }
  return table;
}

// Where the mean curve first comes to `share`, between two points by the logarithm of the exchanges.
std::string exchanges_text(const std::vector<OverSeeds>& points, std::string_view interface, double share) {
  double before = 0, before_share = 0;
  for (const OverSeeds& p : points) {
    if (p.first["interface"] != interface) continue;
    const auto exchanges = p.first["exchanges"].get<double>();
    const double here = p.all.share();
    if (here >= share && before == 0) return fmt::format("at most {:.0f}", exchanges);
    if (here >= share)
      return fmt::format("{:.0f}",
                         before * std::pow(exchanges / before, (share - before_share) / (here - before_share)));
    before = exchanges;
    before_share = here;
  }
  return fmt::format("not by {:.0f}", before);
}

Table curves_table(const TrialResults& results) {
  Table table{"Accuracy against exchanges",
              "As many steps for each. Solutions: the generator's own to the same problems, no teacher.",
              {"interface", "exchanges", "right (95 %)", "by seed"},
              {}};
  for (const OverSeeds& p : over_seeds(results.curves, "points", {"interface", "exchanges"}))
    table.rows.push_back(
        {p.first["interface"], fmt::format("{}", p.first["exchanges"].get<size_t>()), p.share_text(), p.each});
  return table;
}

Table reach_table(const TrialResults& results) {
  Table table{"Exchanges to reach the undefended student",
              "90 % of what the arm `none` is right on, read off the curves' means.",
              {"interface", "exchanges"},
              {}};
  double undefended = 0;
  for (const OverSeeds& a : over_seeds(results.ladders, "arms", {"arm"})) {
    if (a.first["arm"] == "none") undefended = a.all.share();
  }
  const std::vector<OverSeeds> points = over_seeds(results.curves, "points", {"interface", "exchanges"});
  for (const OverSeeds& p : points) {
    const auto interface = p.first["interface"].get<std::string>();
    if (undefended == 0 || (!table.rows.empty() && table.rows.back().front() == interface)) continue;
    table.rows.push_back({interface, exchanges_text(points, interface, 0.9 * undefended)});
  }
  return table;
}

Table servings_table(const TrialResults& results) {
  Table table{"What honest users get",
              "The teacher's own answers to the same problems, drawn at temperature 1.",
              {"serving", "strength", "right (95 %)", "tokens drawn", "one after another", "operations for an answer"},
              {}};
  for (const Json& s : results.ladders.empty() ? Json::array() : results.ladders.front()["servings"]) {
    const auto strength = s["strength"].get<double>();
    table.rows.push_back({s["serving"], strength > 0 ? fmt::format("{}", strength) : "",
                          percent_text({s["exam"]["right"].get<size_t>(), s["exam"]["asked"].get<size_t>()}),
                          fmt::format("{}", s["tokens"].get<size_t>()),
                          fmt::format("{}", s["tokens_in_turn"].get<size_t>()),
                          fmt::format("{:.2f} times", s["compute"].get<double>())});
  }
  return table;
}

Table waits_table(const TrialResults& results) {
  Table table{
      "What honest users wait",
      "Seconds by the clock for one answer to a problem, alone on this machine: medians. The first of the answer "
      "proper is the first of all where reasoning is withheld.",
      {"serving", "first token", "first of the answer", "whole"},
      {}};
  if (results.ladders.empty() || !results.ladders.front().contains("waits")) return table;
  for (const Json& w : results.ladders.front()["waits"]) {
    table.rows.push_back({w["serving"], seconds_text(w["first"]), seconds_text(w["answer"]), seconds_text(w["whole"])});
  }
  return table;
}

Table honest_table(const TrialResults& results) {
  Table table{
      "Honest accounts flagged", "Beside the harvest, by class.", {"class", "flagged, of accounts, by seed"}, {}};
  std::map<std::string, std::string> classes;
  for (const Json& ladder : results.ladders) {
    for (const auto& [name, c] : ladder["watched"]["honest"]["classes"].items()) {
      std::string& text = classes[name];
      text +=
          fmt::format("{}{} of {}", text.empty() ? "" : ", ", c["flagged"].get<size_t>(), c["accounts"].get<size_t>());
    }
  }
  for (const auto& [name, text] : classes) table.rows.push_back({name, text});
  return table;
}

Table inheritance_table(const Json& inheritance) {
  Table table{
      "Marks that students of stories inherit",
      "p-values of what the student writes by itself and, of marks over tokens, of what it expects in texts that it "
      "reads; of clean students, how many are at most 0.05.",
      {"mark", "context", "share marked", "each window once", "filtered", "contrast", "filtered", "reading",
       "reading, contrast", "beside the base"},
      {}};
  constexpr const char* kTests[] = {
      "radioactivity",    "radioactivity-filtered", "contrast", "contrast-filtered", "reading",
      "reading-contrast", "reading-contrast-base"};
  if (inheritance.is_null()) return table;
  for (const Json& m : inheritance["marked"]) {
    Row row{m["scheme"], fmt::format("{}", m["context"].get<int>()), fmt::format("{}", m["share"].get<double>())};
    for (const char* test : kTests) {
      row.push_back(m.contains(test)
                        ? fmt::format("{} (z {:.1f})", power_text(m[test]["log10_p"]), m[test]["z"].get<double>())
                        : "");
    }
    table.rows.push_back(std::move(row));
  }
  Row clean{"clean students", "", "0"};
  for (const char* test : kTests) {
    size_t below = 0, of = 0;
    for (const Json& student : inheritance["clean"]) {
      for (const auto& [mark, tests] : student["log10_p"].items()) {
        if (!tests.contains(test)) continue;
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
  return {arms_table(results),
          curves_table(results),
          reach_table(results),
          servings_table(results),
          waits_table(results),
          honest_table(results),
          inheritance_table(results.inheritance)};
}

}  // namespace

std::string to_json(const TrialResults& results) {
  const Json json{{"stillwatch_range_trials", 1},
                  {"inheritance", results.inheritance},
                  {"ladders", results.ladders},
                  {"curves", results.curves}};
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
  if (!results.curves.empty()) body += to_svg(results);
  return page("The ladder against students", "76rem", "", body);
}

std::string to_svg(const TrialResults& results) {
  std::vector<training::Curve> curves;
  for (const OverSeeds& p : over_seeds(results.curves, "points", {"interface", "exchanges"})) {
    const auto interface = p.first["interface"].get<std::string>();
    if (curves.empty() || curves.back().name != interface) curves.push_back({interface, {}});
    curves.back().points.push_back({p.first["exchanges"].get<double>(), 100 * p.all.share()});
  }
  return training::curves_svg("Problems answered, per cent", curves, {.name = "exchanges", .logarithmic = true});
}

}  // namespace stillwatch::range
