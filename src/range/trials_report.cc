#include "range/trials_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "range/page.h"
#include "stats/mean.h"

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

// An arm, or a point of a curve, in every seed that has it.
struct OverSeeds {
  Json first;
  distill::Tally all;
  std::vector<double> shares;  // right of those asked, by seed
  std::string each;            // right, by seed

  void add(const Json& result) {
    const distill::Tally right{result["exam"]["right"], result["exam"]["asked"]};
    if (shares.empty()) first = result;
    all.right += right.right;
    all.of += right.of;
    shares.push_back(right.share());
    each += fmt::format("{}{}", each.empty() ? "" : ", ", right.right);
  }
  // With the scatter between seeds in the interval; of one seed, that of the problems alone.
  std::string share_text() const {
    if (shares.size() < 2) return percent_text(all);
    const stats::Mean m = stats::mean_of(shares);
    return fmt::format("{:.1f} % ({:.1f} to {:.1f})", 100 * m.mean, 100 * std::max(0.0, m.interval.low),
                       100 * std::min(1.0, m.interval.high));
  }
};

// Results that are alike, in the order in which they first come.
class Grouped {
 public:
  explicit Grouped(std::vector<const char*> keys) : keys_(std::move(keys)) {}
  void add(const Json& result) {
    const auto alike = [&](const OverSeeds& g) {
      return std::ranges::all_of(keys_, [&](const char* key) { return g.first[key] == result[key]; });
    };
    auto it = std::ranges::find_if(groups_, alike);
    if (it == groups_.end()) it = groups_.insert(it, OverSeeds{});
    it->add(result);
  }
  const std::vector<OverSeeds>& groups() const { return groups_; }

 private:
  std::vector<const char*> keys_;
  std::vector<OverSeeds> groups_;
};

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

Table arms_table(const TrialResults& results) {
  Table table{"What students keep",
              "All go on from one base and take as many steps. Right: the mean over seeds, Student's interval; of one "
              "seed, Wilson's. Attribution: the least p-value of three tests of the first seed, uncorrected.",
              {"arm", "learns from", "problems", "whole", "right (95 %)", "by seed", "of the gain", "attribution"},
              {}};
  Grouped arms({"arm"});
  for (const Json& ladder : results.ladders) {
    for (const Json& arm : ladder["arms"]) arms.add(arm);
  }
  for (const OverSeeds& a : arms.groups()) {
    const auto name = a.first["arm"].get<std::string>();
    table.rows.push_back({name, a.first["description"], fmt::format("{}", a.first["problems"].get<size_t>()),
                          fmt::format("{}", a.first["whole"].get<size_t>()), a.share_text(), a.each,
                          gain_text(results, name), attribution_text(a.first)});
  }
  return table;
}

Table curves_table(const TrialResults& results) {
  Table table{"Accuracy against exchanges",
              "As many steps for each. Solutions: the generator's own to the same problems, no teacher.",
              {"interface", "exchanges", "right (95 %)", "by seed"},
              {}};
  Grouped points({"interface", "exchanges"});
  for (const Json& curve : results.curves) {
    for (const Json& point : curve["points"]) points.add(point);
  }
  for (const OverSeeds& p : points.groups()) {
    table.rows.push_back(
        {p.first["interface"], fmt::format("{}", p.first["exchanges"].get<size_t>()), p.share_text(), p.each});
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
  return {arms_table(results), curves_table(results), servings_table(results), honest_table(results),
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
  return page("The ladder against students", "76rem", "", body);
}

}  // namespace stillwatch::range
