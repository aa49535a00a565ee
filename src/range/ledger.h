// Results of trials, kept by name as they come: a run that was stopped goes on with the first trial that has none.
//
// A file of JSON lines. The first says on what terms the trials were made, each other holds the result of one; a file
// of other terms is refused, for its results would be of another experiment. Thread rule: one thread.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.h"

namespace stillwatch::range {

using Json = nlohmann::ordered_json;

class Ledger {
 public:
  using Append = std::function<base::Result<void>(std::string_view line)>;  // a line with its end, safe on the disk

  // `text`: what the file holds so far. Errors name its line as `file:line`, and what a result lacks (trial_shape.h).
  static base::Result<Ledger> open(std::string_view text, std::string_view file, const Json& terms, Append append);

  // What is known of the trial, else what `make` gives, which is kept first.
  base::Result<Json> result_of(const std::string& trial, const std::function<base::Result<Json>()>& make);

 private:
  explicit Ledger(Append append) : append_(std::move(append)) {}

  Append append_;
  std::map<std::string, Json> results_;
};

}  // namespace stillwatch::range
