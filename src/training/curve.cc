#include "training/curve.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace stillwatch::training {
namespace {

constexpr double kWidth = 720, kHeight = 360, kLeft = 56, kRight = 16, kTop = 36, kBottom = 40;
constexpr size_t kPointsMax = 800;
constexpr std::array kColours = {"#1f6feb", "#d1690e", "#2a7f3b", "#8a3ffc"};

std::vector<CurvePoint> thinned(const std::vector<CurvePoint>& points) {
  if (points.size() <= kPointsMax) return points;
  std::vector<CurvePoint> out;
  for (size_t i = 0; i < kPointsMax; ++i) {
    const size_t from = points.size() * i / kPointsMax, to = points.size() * (i + 1) / kPointsMax;
    CurvePoint mean{0, 0};
    for (size_t p = from; p < to; ++p) {
      mean.step += points[p].step / static_cast<double>(to - from);
      mean.loss += points[p].loss / static_cast<double>(to - from);
    }
    out.push_back(mean);
  }
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += c;
    }
  }
  return out;
}

// A distance between marks that is 1, 2 or 5 times a power of ten, of which about `marks` fit.
double spacing(double range, int marks) {
  const double raw = std::max(range, 1e-9) / marks;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw) return factor * power;
  }
  return 10 * power;
}

}  // namespace

std::string curves_svg(std::string_view title, const std::vector<Curve>& curves, Across across) {
  const auto scaled = [&](double step) { return across.logarithmic ? std::log10(step) : step; };
  double first = across.logarithmic ? 1e300 : 0, last = 1, top = 0;
  for (const Curve& c : curves) {
    for (const CurvePoint& p : thinned(c.points)) {
      if (across.logarithmic) first = std::min(first, p.step);
      last = std::max(last, p.step);
      top = std::max(top, p.loss);
    }
  }
  first = std::min(first, last);
  top = top > 0 ? top * 1.05 : 1;
  const auto x = [&](double step) {
    const double range = scaled(last) - scaled(first);
    return kLeft + (kWidth - kLeft - kRight) * (scaled(step) - scaled(first)) / std::max(range, 1e-9);
  };
  const auto y = [&](double loss) { return kHeight - kBottom - (kHeight - kTop - kBottom) * loss / top; };
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n<text x=\"{2}\" y=\"20\" font-size=\"14\">{3}</text>\n",
      kWidth, kHeight, kLeft, escaped(title));
  for (double v = 0; v <= top; v += spacing(top, 6)) {
    svg += fmt::format(
        "<path d=\"M{:.1f} {:.1f}H{}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{:.3g}"
        "</text>\n",
        kLeft, y(v), kWidth - kRight, kLeft - 6, y(v) + 4, v);
  }
  const auto mark = [&](double v) {
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:.0f}</text>\n", x(v),
                       kHeight - kBottom + 18, v);
  };
  if (across.logarithmic) {
    for (double v = std::pow(10, std::ceil(std::log10(first))); v <= last; v *= 10) mark(v);
  } else {
    for (double v = 0; v <= last; v += spacing(last, 6)) mark(v);
  }
  svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n", kWidth - kRight, kHeight - 6,
                     escaped(across.name));
  std::string names;
  for (size_t i = 0; i < curves.size(); ++i) {
    const char* colour = kColours[i % kColours.size()];
    std::string path;
    for (const CurvePoint& p : thinned(curves[i].points))
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x(p.step), y(p.loss));
    svg += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"/>\n", path, colour);
    names += fmt::format("{}<tspan fill=\"{}\">{}</tspan>", i == 0 ? "" : "&#160; ", colour, escaped(curves[i].name));
  }
  svg += fmt::format("<text x=\"{}\" y=\"20\" text-anchor=\"end\">{}</text>\n", kWidth - kRight, names);
  return svg + "</svg>\n";
}

}  // namespace stillwatch::training
