// Text on its way to a client, token by token: holds back what may yet turn out to be a stop text or is the beginning
// of a character, and ends at the first stop text, which is not part of the answer.
//
// Everything pushed comes out once, in order, but for the stop text and what is behind it. Thread rule: a value.
// Bounds: what is held back is shorter than the longest stop text plus three bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stillwatch::serving {

class TextGate {
 public:
  explicit TextGate(std::vector<std::string> stops) : stops_(std::move(stops)) {}
  // What may go out now.
  std::string push(std::string_view bytes);
  // What was held back, at the end.
  std::string finish();
  bool stopped() const { return stopped_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace stillwatch::serving
