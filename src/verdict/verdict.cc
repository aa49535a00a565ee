#include "verdict/verdict.h"

namespace stillwatch::verdict {

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kInsufficient:
      return "insufficient";
    case Verdict::kClear:
      return "clear";
    case Verdict::kWatch:
      return "watch";
    case Verdict::kHarvest:
      return "harvest";
    case Verdict::kLabelledBenign:
      return "labelled-benign";
    case Verdict::kLabelledHostile:
      return "labelled-hostile";
  }
  return "clear";
}

}  // namespace stillwatch::verdict
