// What a trial's result must hold for the reports to tell it and for later trials to go by it: a file of trials is
// edited by hand now and then. Private to the module. Thread rule: pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace stillwatch::range {

// What is wrong with the result, the field first: "exam.right: a count is wanted". "" if nothing is. Results of trials
// that have no such name are nobody's, and may be anything.
std::string misfit_of(std::string_view trial, const nlohmann::ordered_json& result);

}  // namespace stillwatch::range
