#include "signals/score.h"

namespace stillwatch::signals {

const Weights& shipped_weights() {
  static const Weights weights = [] {
    Weights w;
    w.up.fill(0.1);
    w.down.fill(-0.1);
    return w;
  }();
  return weights;
}

}  // namespace stillwatch::signals
