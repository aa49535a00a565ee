#include "range/loop_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "range/page.h"
#include "report/json.h"
#include "report/text.h"

namespace stillwatch::range {
namespace {

Json exam_json(const distill::Exam& exam) {
  Json json = tally_json(exam.all);
  for (const auto& [level, tally] : exam.levels) json["levels"][std::to_string(level)] = tally_json(tally);
  return json;
}

Json student_json(const Loop& loop, const Student& s) {
  return {{"student", s.name},
          {"description", s.description},
          {"problems", s.problems},
          {"whole", s.whole},
          {"parameters", s.parameters},
          {"training_tokens", s.training_tokens},
          {"flop", s.flop},
          {"loss", s.losses.points.empty() ? Json() : Json(s.losses.points.back().loss)},
          {"exam", exam_json(s.exam)},
          {"share_of_gain", share_of_gain(loop, s)}};
}

Json detection_json(const Loop& loop) {
  const pipeline::AccountFinding& f = loop.seen.harvester;
  Json looks = Json::array();
  for (const pipeline::Look& look : f.looks)
    looks.push_back(
        {{"exchanges", look.exchanges}, {"time", base::format_rfc3339(look.time)}, {"p_value", look.p_value}});
  Json json{{"flagged", f.flagged}, {"p_value", f.evidence.p_value}, {"looks", looks}};
  if (f.flagged) {
    json["flagged_after"] = f.flagged_after;
    if (f.flagged_at) json["flagged_at"] = base::format_rfc3339(*f.flagged_at);
  }
  // All that the operator's own report says of the account, its reasons included.
  json["account"] = Json::parse(report::account_json(f, report::Depth::kReasons));
  json["honest"] = {{"accounts", loop.seen.honest_accounts},
                    {"judged", loop.seen.honest_judged},
                    {"flagged", loop.seen.honest_flagged},
                    {"exchanges", loop.seen.honest_exchanges}};
  return json;
}

// What the operator saw and when, in a sentence or two.
std::string detection_text(const Loop& loop) {
  const pipeline::AccountFinding& f = loop.seen.harvester;
  const std::string honest =
      fmt::format("Of {} honest accounts judged beside it {} {} flagged.", report::count_text(loop.seen.honest_judged),
                  loop.seen.honest_flagged, loop.seen.honest_flagged == 1 ? "was" : "were");
  if (!f.flagged) {
    return fmt::format("The harvester was not flagged in {} exchanges (p-value {}). {}",
                       report::count_text(loop.seen.harvester.exchanges), report::p_value_text(f.evidence), honest);
  }
  return fmt::format("The harvester was flagged after {} of its {} exchanges (p-value {}). {}",
                     report::count_text(f.flagged_after), report::count_text(loop.seen.harvester.exchanges),
                     report::p_value_text(f.evidence), honest);
}

std::string teacher_text(const Loop& loop) {
  return fmt::format(
      "The teacher ({} parameters) answers {} of {} problems. Of it {} answers were bought: {} tokens in, {} out.",
      report::amount_text(static_cast<double>(loop.teacher_parameters)), percent_text(loop.teacher.all),
      loop.teacher.all.of, report::count_text(loop.seen.bought_at.size()), report::count_text(loop.prompt_tokens),
      report::count_text(loop.output_tokens));
}

// A bar for each student and the teacher, with the interval as a line.
std::string bars_svg(const Loop& loop) {
  constexpr double kLeft = 170, kWidth = 480, kRow = 34;
  std::string bars;
  double y = 8;
  const auto bar = [&](const std::string& name, const distill::Tally& score, const char* kind) {
    const stats::Interval interval = score.interval();
    bars += fmt::format(
        "<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"end\">{}</text>"
        "<rect class=\"{}\" x=\"{:.0f}\" y=\"{:.0f}\" width=\"{:.1f}\" height=\"20\"/>"
        "<line x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.0f}\" y2=\"{:.0f}\"/>"
        "<text x=\"{:.1f}\" y=\"{:.0f}\">{:.1f} %</text>\n",
        kLeft - 10, y + 15, name, kind, kLeft, y, kWidth * score.share(), kLeft + kWidth * interval.low,
        kLeft + kWidth * interval.high, y + 10, y + 10, kLeft + kWidth * interval.high + 8, y + 15,
        100 * score.share());
    y += kRow;
  };
  bar("teacher", loop.teacher.all, "teacher");
  for (const Student& s : loop.students) bar(s.name, s.exam.all, "student");
  return fmt::format("<svg viewBox=\"0 0 760 {:.0f}\" role=\"img\" aria-label=\"problems answered\">\n{}</svg>\n", y,
                     bars);
}

std::string students_table(const Loop& loop) {
  std::string rows;
  for (const Student& s : loop.students) {
    rows +=
        fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.0f} %</td></tr>\n",
                    s.name, s.description, report::count_text(s.problems), report::count_text(s.whole),
                    report::amount_text(static_cast<double>(s.training_tokens)), percent_text(s.exam.all),
                    100 * share_of_gain(loop, s));
  }
  return "<table><thead><tr><th>Student</th><th>What it learnt from</th><th>Problems bought</th><th>Of them whole</th>"
         "<th>Training tokens</th><th>Problems answered (95 %)</th><th>Of the undefended one's gain</th></tr></thead>\n"
         "<tbody>\n" +
         rows + "</tbody></table>\n";
}

std::string looks_table(const Loop& loop) {
  std::string rows;
  for (const pipeline::Look& look : loop.seen.harvester.looks)
    rows += fmt::format("<tr><td>{}</td><td>{}</td><td>{:.2g}</td></tr>\n", report::count_text(look.exchanges),
                        base::format_rfc3339(look.time), look.p_value);
  return "<table><thead><tr><th>Exchanges</th><th>Time</th><th>p-value</th></tr></thead>\n<tbody>\n" + rows +
         "</tbody></table>\n";
}

constexpr std::string_view kStyle = R"(td:nth-child(n+3), th:nth-child(n+3) { text-align: right; }
svg { width: 100%; font: 14px system-ui, sans-serif; } .teacher { fill: #8a94a0; } .student { fill: #2f6f9f; } svg line { stroke: #1b1f24; stroke-width: 2; }
)";

}  // namespace

double share_of_gain(const Loop& loop, const Student& student) {
  if (loop.students.size() < 2) return 0;
  const double nothing = loop.students.back().exam.all.share();
  const double gain = loop.students.front().exam.all.share() - nothing;
  return gain > 0 ? std::clamp((student.exam.all.share() - nothing) / gain, 0.0, 1.0) : 0;
}

std::string to_json(const Loop& loop) {
  Json students = Json::array();
  for (const Student& s : loop.students) students.push_back(student_json(loop, s));
  const Json json{{"stillwatch_range", 1},
                  {"seed", loop.settings.seed},
                  {"threads", loop.settings.threads},
                  {"teacher", {{"parameters", loop.teacher_parameters}, {"exam", exam_json(loop.teacher)}}},
                  {"harvest",
                   {{"exchanges", loop.seen.harvester.exchanges},
                    {"problems", loop.seen.bought_at.size()},
                    {"prompt_tokens", loop.prompt_tokens},
                    {"output_tokens", loop.output_tokens}}},
                  {"detection", detection_json(loop)},
                  {"students", students}};
  return json.dump(1) + "\n";
}

std::string to_terminal(const Loop& loop) {
  std::string text = teacher_text(loop) + "\n" + detection_text(loop) + "\n\n";
  text += fmt::format("  {:<20} {:>9} {:>15} {:>24} {:>15}\n", "student", "bought", "of them whole",
                      "problems answered", "share of gain");
  for (const Student& s : loop.students)
    text += fmt::format("  {:<20} {:>9} {:>15} {:>24} {:>13.0f} %\n", s.name, report::count_text(s.problems),
                        report::count_text(s.whole), percent_text(s.exam.all), 100 * share_of_gain(loop, s));
  return text;
}

std::string to_html(const Loop& loop) {
  std::vector<training::Curve> curves;
  for (const Student& s : loop.students) {
    if (!s.losses.points.empty()) curves.push_back(s.losses);
  }
  const std::string body = fmt::format(
      "<p>{}</p>\n<p>{}</p>\n<h2>Students</h2>\n{}{}<h2>When the account was looked at</h2>\n{}<h2>Training</h2>\n{}\n"
      "<p>Seed {}, {} threads: the same command makes the same page.</p>\n",
      teacher_text(loop), detection_text(loop), bars_svg(loop), students_table(loop), looks_table(loop),
      training::curves_svg("Loss, nats a token", curves), loop.settings.seed, loop.settings.threads);
  return page("What a harvest yields, watched", "62rem", kStyle, body);
}

}  // namespace stillwatch::range
