#include "range/page.h"

#include <fmt/format.h>

namespace stillwatch::range {

Json tally_json(const distill::Tally& tally) {
  const stats::Interval interval = tally.interval();
  return {{"right", tally.right},
          {"asked", tally.of},
          {"share", tally.share()},
          {"low", interval.low},
          {"high", interval.high}};
}

std::string percent_text(double share, const stats::Interval& interval) {
  return fmt::format("{:.1f} % ({:.1f} to {:.1f})", 100 * share, 100 * interval.low, 100 * interval.high);
}

std::string percent_text(const distill::Tally& tally) {
  return percent_text(tally.share(), tally.interval());
}

std::string page(std::string_view heading, std::string_view width, std::string_view style, std::string_view body) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Stillwatch range</title>\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
      "<style>\n"
      "body {{ font: 16px/1.5 system-ui, sans-serif; max-width: {}; margin: 2rem auto; padding: 0 1rem; color: "
      "#1b1f24; "
      "}}\n"
      "table {{ border-collapse: collapse; width: 100%; }} th, td {{ text-align: left; padding: .3rem .6rem; "
      "border-bottom: 1px solid #d5d9de; }}\n"
      "{}</style></head><body>\n<h1>{}</h1>\n{}</body></html>\n",
      width, style, heading, body);
}

}  // namespace stillwatch::range
