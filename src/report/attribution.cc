#include "report/attribution.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "attribution/planner.h"
#include "report/assets.h"
#include "report/text.h"

namespace stillwatch::report {
namespace {

using Json = nlohmann::ordered_json;
using attribution::Findings;
using attribution::TestResult;

Json test_json(const TestResult& t) {
  Json figures = Json::object();
  for (const attribution::Figure& f : t.figures) figures[f.name] = finite_or(f.value, 0);
  Json json = {{"test", t.test},
               {"subject", t.subject},
               {"null", t.null},
               {"supporting", t.supporting},
               {"p_value", finite_or(t.p(), 1)},
               {"log10_p", std::max(-1e9, finite_or(t.log10_p, -1e9))},
               {"holm", finite_or(t.holm, 1)},
               {"figures", figures},
               {"note", t.note}};
  if (t.wrong_keys) {
    json["wrong_keys"] = {{"count", t.wrong_keys->count},
                          {"below_0.05", t.wrong_keys->below_05},
                          {"below_0.01", t.wrong_keys->below_01},
                          {"below_0.001", t.wrong_keys->below_001},
                          {"as_small", t.wrong_keys->as_small}};
  }
  Json clean = Json::array();
  for (const attribution::CleanModel& m : t.clean)
    clean.push_back({{"name", m.name}, {"log10_p", std::max(-1e9, finite_or(m.log10_p, -1e9))}});
  json["clean_models"] = clean;
  return json;
}

Json evidence_json(const watermark::Evidence& evidence) {
  Json marks = Json::array();
  for (const watermark::MarkEvidence& m : evidence.marks) {
    marks.push_back({{"label", m.label},
                     {"key", watermark::id_text(m.key_id)},
                     {"units", m.units == watermark::Units::kWords ? "words" : "tokens"},
                     {"scheme", watermark::name_of(m.mark.scheme)},
                     {"context", m.mark.context},
                     {"gamma", m.mark.gamma},
                     {"layers", m.mark.layers},
                     {"answers", m.answers},
                     {"unmarked", m.unmarked},
                     {"accounts", m.accounts.size()},
                     {"first", base::format_rfc3339(m.first)},
                     {"last", base::format_rfc3339(m.last)},
                     {"filter", m.filter.size()}});
  }
  Json pools = Json::array();
  for (const watermark::PoolEvidence& p : evidence.pools) {
    pools.push_back({{"label", p.label},
                     {"size", p.size},
                     {"hash", p.hash},
                     {"committed", base::format_rfc3339(p.committed)},
                     {"issued", p.issued.size()}});
  }
  return {{"marks", marks}, {"pools", pools}};
}

std::string document(const Findings& f, const watermark::Evidence& evidence, const AttributionFacts& facts,
                     int indent) {
  Json tests = Json::array();
  Json plans = Json::array();
  for (const TestResult& t : f.tests) {
    tests.push_back(test_json(t));
    if (std::string plan = attribution::plan_of(t, f.level); !plan.empty()) plans.push_back(std::move(plan));
  }
  Json files = Json::array();
  for (const ReadFile& file : facts.files)
    files.push_back({{"role", file.role}, {"name", file.name}, {"bytes", file.bytes}, {"blake2b", file.hash}});
  const Json json = {{"stillwatch_attribution", 1},
                     {"made", base::format_rfc3339(facts.made)},
                     {"program", facts.program},
                     {"command", facts.command},
                     {"suspect", facts.suspect},
                     {"verdict", attribution::name_of(f.verdict)},
                     {"sentence", f.sentence},
                     {"caveats", f.caveats},
                     {"level", f.level},
                     {"wrong_keys", facts.wrong_keys},
                     {"tests", tests},
                     {"plans", plans},
                     {"evidence", evidence_json(evidence)},
                     {"files", files}};
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

void write_attribution_json(const Findings& findings, const watermark::Evidence& evidence,
                            const AttributionFacts& facts, const Write& write) {
  write(document(findings, evidence, facts, 1));
  write("\n");
}

void write_attribution_html(const Findings& findings, const watermark::Evidence& evidence,
                            const AttributionFacts& facts, const Write& write) {
  std::string_view page = assets::attribution_html();
  const auto until = [&](std::string_view mark) {
    const size_t at = page.find(mark);
    write(page.substr(0, at));
    page.remove_prefix(at + mark.size());
  };
  until("/*STYLE*/");
  write(assets::report_css());
  until("/*DATA*/");
  write(harmless(document(findings, evidence, facts, -1)));
  until("/*SCRIPT*/");
  write(assets::attribution_js());
  write(page);
}

std::string attribution_to_terminal(const Findings& f) {
  std::string out = f.sentence + "\n\n";
  for (const TestResult& t : f.tests) {
    out += fmt::format("{} ({}): p = {}{}\n", t.test, printable(t.subject, 60),
                       t.log10_p < -300 ? fmt::format("10^{:.0f}", t.log10_p) : fmt::format("{:.2g}", t.p()),
                       t.supporting ? ", supporting only" : fmt::format(", {:.2g} corrected", t.holm));
    std::string figures;
    for (const attribution::Figure& figure : t.figures)
      figures += fmt::format("{}{} {:.6g}", figures.empty() ? "" : ", ", figure.name, figure.value);
    out += fmt::format("  {}\n", figures);
    if (t.wrong_keys) {
      out += fmt::format("  of {} keys that marked nothing {} have p <= 0.05, {} one as small\n", t.wrong_keys->count,
                         t.wrong_keys->below_05, t.wrong_keys->as_small);
    }
    for (const attribution::CleanModel& m : t.clean)
      out += fmt::format("  clean model {}: p = {:.2g}\n", printable(m.name, 60), std::pow(10, m.log10_p));
    if (!t.note.empty()) out += fmt::format("  {}\n", printable(t.note, 300));
  }
  for (const std::string& caveat : f.caveats) out += fmt::format("\n{}\n", caveat);
  return out;
}

}  // namespace stillwatch::report
