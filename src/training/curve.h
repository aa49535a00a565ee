// Curves as an SVG picture: steps across and nats a token up, or what the caller says. Deterministic. Thread rule: pure
// function.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stillwatch::training {

struct CurvePoint {
  double step;
  double loss;
};
struct Curve {
  std::string name;
  std::vector<CurvePoint> points;
};

struct Across {
  std::string_view name = "step";
  bool logarithmic = false;  // REQUIRES: all are above 0
};

// At most 800 points of each curve are drawn: the means of equal stretches.
std::string curves_svg(std::string_view title, const std::vector<Curve>& curves, Across across = {});

}  // namespace stillwatch::training
