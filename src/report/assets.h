// The parts of the HTML reports, from web/, embedded at build time.
#pragma once

#include <string_view>

namespace stillwatch::report::assets {

std::string_view report_html();
std::string_view report_css();
std::string_view report_js();
std::string_view campaigns_js();
std::string_view attribution_html();
std::string_view attribution_js();

}  // namespace stillwatch::report::assets
