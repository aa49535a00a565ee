#include "report/json.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "report/known_sets.h"
#include "report/text.h"

namespace stillwatch::report {
namespace {

using Json = nlohmann::ordered_json;
using pipeline::AccountFinding;

constexpr size_t kFirstKinds = 4;  // of links: every program that knew campaigns knew these

// Six digits are more than any of these figures has.
double finite(double value, double otherwise = 0) {
  value = finite_or(value, otherwise);
  if (value == 0) return 0;
  const double scale = std::pow(10.0, 5 - std::floor(std::log10(std::abs(value))));
  return std::isfinite(scale) ? std::round(value * scale) / scale : value;
}

double hundredths(double value) {
  return std::round(finite_or(value, 0) * 100) / 100;
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <size_t N>
Json histogram(const sketch::SparseArray<uint32_t, N>& counts) {
  Json out = Json::array();
  counts.for_each([&](size_t bin, uint32_t n) { out.push_back({bin, n}); });
  return out;
}

Json details_of(const AccountFinding& a) {
  static const profile::Summary kNothing;
  const profile::Summary& summary = a.summary ? *a.summary : kNothing;
  Json days = Json::array();
  for (const auto& day : summary.active.days()) days.push_back({day.day, day.hours});
  Json hours = Json::array();
  for (size_t h = 0; h < profile::kHoursOfWeek; ++h) hours.push_back(summary.hours_of_week[h]);
  return {{"active_days", days},
          {"hours_of_week", hours},
          {"prompt_words", histogram(summary.prompt_words)},
          {"output_tokens", histogram(summary.output)},
          {"depth", histogram(summary.depth)}};
}

Json signals_of(const AccountFinding& a) {
  Json out = Json::array();
  for (const signals::Reading& r : a.evidence.readings) {
    out.push_back({{"name", signals::info_of(r.signal).name},
                   {"label", signals::info_of(r.signal).label},
                   {"unit", signals::info_of(r.signal).unit},
                   {"value", finite(r.value)},
                   {"baseline", finite(r.baseline)},
                   {"deviation", finite(r.deviation)},
                   {"share", finite(r.share)},
                   {"explanation", r.explanation}});
  }
  return out;
}

Json looks_of(const AccountFinding& a) {
  Json out = Json::array();
  for (const pipeline::Look& look : a.looks) {
    out.push_back({{"time", base::format_rfc3339(look.time)},
                   {"exchanges", look.exchanges},
                   {"score", finite(look.score)},
                   {"p_value", finite(look.p_value, 1)}});
  }
  return out;
}

Json label_of(const AccountFinding& a) {
  if (!a.label) return nullptr;
  return {{"label", a.label->kind == verdict::LabelKind::kBenign ? "benign" : "hostile"},
          {"until", base::format_rfc3339(a.label->until)},
          {"why", a.label->why}};
}

Json exposure_of(const verdict::Exposure& e) {
  return {{"novel_exchanges", std::round(finite_or(e.novel_exchanges, 0))},
          {"output_tokens", e.output_tokens},
          {"coverage", finite(e.coverage)}};
}

Json exposure_of(const pipeline::CampaignFinding& c) {
  Json json = exposure_of(c.exposure);
  const KnownSet& set = nearest_known_set(c.exposure.novel_exchanges);
  json["beside"] = {{"set", set.name},
                    {"examples", set.examples},
                    {"source", set.source},
                    {"words", beside_known_set(c.exposure.novel_exchanges)}};
  return json;
}

}  // namespace

std::string campaign_json(const pipeline::CampaignFinding& c, size_t members_max) {
  Json why = Json::array();
  for (const pipeline::CampaignReason& r : c.why)
    why.push_back({{"kind", r.kind},
                   {"strength", finite(r.strength)},
                   {"explanation", r.explanation},
                   {"example", r.example.empty() ? Json() : Json(r.example)}});
  Json json = {{"campaign", c.campaign},
               {"flagged", c.flagged},
               {"flagged_at", c.flagged_at ? Json(base::format_rfc3339(*c.flagged_at)) : Json()},
               {"verdict", verdict::name_of(c.verdict)},
               {"members", c.accounts.size()},
               {"exchanges", c.exchanges},
               {"first_seen", base::format_rfc3339(c.first_seen)},
               {"last_seen", base::format_rfc3339(c.last_seen)},
               {"p_value", finite(c.p_value, 1)},
               {"resolution", finite(c.resolution, 1)},
               {"extrapolated", c.extrapolated},
               {"calibrated", c.calibrated},
               {"q_value", finite(c.q_value, 1)},
               {"exposure", exposure_of(c)},
               {"why", why}};
  if (members_max == 0) return dump(json);
  const size_t members = std::min(members_max, c.accounts.size());
  Json links = Json::array();
  for (const pipeline::CampaignLink& link : c.links) {
    if (std::max(link.a, link.b) >= members) continue;
    Json row{link.a, link.b};
    for (const float e : link.evidence) row.push_back(hundredths(static_cast<double>(e)));
    links.push_back(std::move(row));
  }
  json["accounts"] = std::vector(c.accounts.begin(), c.accounts.begin() + static_cast<std::ptrdiff_t>(members));
  json["links"] = std::move(links);
  json["areas"] = c.areas;
  return dump(json);
}

base::Result<pipeline::CampaignFinding> parse_campaign(std::string_view json) {
  const auto fail = [] { return base::fail(base::ErrorCode::kInput, "a campaign is damaged"); };
  const Json in = Json::parse(json, nullptr, false);
  if (!in.is_object()) return fail();
  try {
    const auto time = [&](const char* key) {
      return base::parse_rfc3339(in.at(key).get<std::string>()).value_or(base::Time{});
    };
    pipeline::CampaignFinding c;
    in.at("campaign").get_to(c.campaign);
    in.at("flagged").get_to(c.flagged);
    c.verdict = c.flagged ? verdict::Verdict::kHarvest : verdict::Verdict::kWatch;
    if (!in.at("flagged_at").is_null()) c.flagged_at = time("flagged_at");
    in.at("exchanges").get_to(c.exchanges);
    c.first_seen = time("first_seen");
    c.last_seen = time("last_seen");
    in.at("p_value").get_to(c.p_value);
    in.at("resolution").get_to(c.resolution);
    in.at("extrapolated").get_to(c.extrapolated);
    in.at("calibrated").get_to(c.calibrated);
    in.at("q_value").get_to(c.q_value);
    const Json& exposure = in.at("exposure");
    exposure.at("novel_exchanges").get_to(c.exposure.novel_exchanges);
    exposure.at("output_tokens").get_to(c.exposure.output_tokens);
    exposure.at("coverage").get_to(c.exposure.coverage);
    for (const Json& r : in.at("why")) {
      const Json& example = r.at("example");
      c.why.push_back({r.at("kind").get<std::string>(), r.at("strength").get<double>(),
                       r.at("explanation").get<std::string>(),
                       example.is_null() ? std::string() : example.get<std::string>()});
    }
    in.at("accounts").get_to(c.accounts);
    if (in.contains("areas")) in.at("areas").get_to(c.areas);
    for (const Json& row : in.at("links")) {
      pipeline::CampaignLink link;
      row.at(0).get_to(link.a);
      row.at(1).get_to(link.b);
      // What was written before a kind was known says nothing of it.
      for (size_t k = 0; k < link.evidence.size(); ++k) {
        if (k < kFirstKinds || k + 2 < row.size()) row.at(k + 2).get_to(link.evidence[k]);
      }
      if (std::max(link.a, link.b) >= c.accounts.size()) return fail();
      c.links.push_back(link);
    }
    return c;
  } catch (const Json::exception&) {
    return fail();
  }
}

std::string summary_json(const pipeline::Overview& overview, const ReadStats& stats) {
  const Json json = {{"from", base::format_rfc3339(overview.first)},
                     {"to", base::format_rfc3339(overview.last)},
                     {"exchanges", overview.exchanges},
                     {"failed", overview.failed},
                     {"output_tokens", overview.output_tokens},
                     {"accounts", overview.accounts},
                     {"accounts_judged", overview.accounts_judged},
                     {"accounts_flagged", overview.accounts_flagged},
                     {"false_alarms_per_10000", finite(overview.false_alarms_per_10000)},
                     {"threshold", finite(overview.threshold)},
                     {"looks", signals::kLooks},
                     {"first_look", signals::kFirstLook},
                     {"p_value_histogram", overview.p_values},
                     {"baseline",
                      {{"name", overview.baseline.name},
                       {"calibrated", overview.baseline.calibrated},
                       {"subjects", overview.baseline.subjects},
                       {"made", base::format_rfc3339(overview.baseline.made)},
                       {"drifted", overview.baseline.drifted},
                       {"drift_p_value", finite(overview.baseline.drift_p_value, 1)},
                       {"drift_index", finite(overview.baseline.drift_index)}}},
                     {"read",
                      {{"files", stats.files},
                       {"bytes", stats.bytes},
                       {"lines", stats.lines},
                       {"exchanges", stats.exchanges},
                       {"broken", stats.broken},
                       {"unidentified", stats.unidentified},
                       {"late", stats.late},
                       {"located", stats.located},
                       {"file_errors", stats.file_errors}}}};
  return dump(json);
}

std::string account_json(const AccountFinding& a, Depth depth) {
  Json json = {{"account", a.account},
               {"organization", a.organization.empty() ? Json() : Json(a.organization)},
               {"exchanges", a.exchanges},
               {"failed", a.failed},
               {"first_seen", base::format_rfc3339(a.first_seen)},
               {"last_seen", base::format_rfc3339(a.last_seen)},
               {"judged", !a.looks.empty()},
               {"flagged", a.flagged},
               {"flagged_at", a.flagged_at ? Json(base::format_rfc3339(*a.flagged_at)) : Json()},
               {"flagged_after", a.flagged_at ? Json(a.flagged_after) : Json()},
               {"p_value", finite(a.evidence.p_value, 1)},
               {"resolution", finite(a.evidence.resolution, 1)},
               {"extrapolated", a.evidence.extrapolated},
               {"calibrated", a.evidence.calibrated},
               {"q_value", finite(a.q_value, 1)},
               {"score", finite(a.evidence.score)},
               {"exposure", exposure_of(a.exposure)},
               {"verdict", verdict::name_of(a.verdict)},
               {"campaign", a.campaign.empty() ? Json() : Json(a.campaign)},
               {"label", label_of(a)}};
  if (depth != Depth::kRow) {
    json["signals"] = signals_of(a);
    json["looks"] = looks_of(a);
  }
  if (depth == Depth::kDetails) json["details"] = details_of(a);
  return dump(json);
}

void write_campaigns(const pipeline::Findings& findings, size_t campaigns_max, size_t members_max, const Write& write) {
  if (!findings.campaigns_sought) return write("null");
  const size_t count = std::min(campaigns_max, findings.campaigns.size());
  for (size_t i = 0; i < count; ++i) {
    write(i == 0 ? "[\n" : ",\n");
    write(campaign_json(findings.campaigns[i], members_max));
  }
  write(count == 0 ? "[]" : "\n]");
}

void write_json(const pipeline::Findings& findings, const ReadStats& stats, const Write& write) {
  write("{\"stillwatch_report\":1,\"summary\":");
  write(summary_json(findings, stats));
  write(",\"campaigns\":");
  write_campaigns(findings, SIZE_MAX, SIZE_MAX, write);
  write(",\"accounts\":[");
  bool first = true;
  for (const AccountFinding& a : findings.ranked) {
    write(first ? "\n" : ",\n");
    write(account_json(a, Depth::kReasons));
    first = false;
  }
  write("\n]}\n");
}

}  // namespace stillwatch::report
