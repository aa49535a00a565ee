// A loss curve as an SVG picture: steps across, nats a token up. Deterministic. Thread rule: pure function.
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

// At most 800 points of each curve are drawn: the means of equal stretches.
std::string curves_svg(std::string_view title, const std::vector<Curve>& curves);

}  // namespace stillwatch::training
