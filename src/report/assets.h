// The parts of the HTML report, from web/, embedded at build time.
#pragma once

#include <string_view>

namespace stillwatch::report::assets {

std::string_view report_html();
std::string_view report_css();
std::string_view report_js();

}  // namespace stillwatch::report::assets
