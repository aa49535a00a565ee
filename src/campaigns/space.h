// Where an account stands away from the crowd: its coordinates less those of benign accounts, along the axes in which
// benign accounts differ, each in units of what a benign account of that volume varies by: by nature (b) and by the
// chance of few exchanges (w / n). A benign account is about a standard normal point; accounts that share a task lean
// the same way, however little of their traffic it is, so directions are compared and lengths are not.
//
// The two-covariance model of Sizov, Lee and Kinnunen 2014 (probabilistic linear discriminant analysis), fitted by
// principal components and, along each, least squares of squared positions on 1 / n. Far accounts are drawn in first,
// so that a few cannot turn the axes. Thread rule: const methods are reentrant.
#pragma once

#include <span>
#include <vector>

#include "campaigns/trace.h"

namespace stillwatch::campaigns {

using Point = std::vector<float>;  // axes() numbers

class Space {
 public:
  static Space fit(std::span<const Trace* const> benign);

  Point place(const Trace& trace) const;
  size_t axes() const { return axes_.size(); }

 private:
  friend class ReferenceText;
  struct Axis {
    Coordinates direction{};  // in scaled coordinates
    double nature = 1;        // variance between benign accounts
    double chance = 1;        // times 1 / exchanges
  };
  Coordinates mean_{};
  Coordinates scale_{};
  std::vector<Axis> axes_;
};

// Turns points so that benign ones vary alike in every direction, their clusters included: the mean of a group's turned
// points is then the direction that tells it best from benign accounts (Fisher's linear discriminant). A Cholesky
// factor of benign points' covariance.
class Whitening {
 public:
  static Whitening of(std::span<const Point> benign);
  Point turn(const Point& point) const;

 private:
  std::vector<double> factor_;  // lower triangle, row by row
};

double dot(const Point& x, const Point& y);
// Of length 1; the zero vector stays.
Point direction_of(Point x);

}  // namespace stillwatch::campaigns
