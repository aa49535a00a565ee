// What to simulate: an operator's traffic as groups of accounts. YAML form with every key, unit and default:
// docs/population.md. Errors name line and column.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace stillwatch::population {

enum class Class : uint8_t {
  kPeople,       // topic-persistent persons with day and week rhythms
  kProductBot,   // one product, many end users, popular questions come again
  kPipeline,     // templated batches
  kLabelling,    // a constant instruction around items
  kEvaluator,    // reruns benchmarks
  kCodingAgent,  // long contexts, tool results, one repository's words
  kReseller,     // many people behind one account
  kOffice,       // a few persons share an account
  kHarvest,      // distils
};
std::string_view name_of(Class c);

enum class Rhythm : uint8_t { kFlat, kDiurnal, kOfficeHours, kJittered, kBursts };
enum class Identity : uint8_t { kUnshared, kShared, kMixed };  // within a campaign
enum class Template : uint8_t { kNone, kShared, kParaphrased };
enum class AnswerLength : uint8_t { kSource, kPeople };

struct Group {
  std::string name;
  Class kind = Class::kPeople;
  uint32_t accounts = 1;
  // Exchanges an account: lognormal with this median and sigma of the natural logarithm, cut to [1, exchanges_max].
  double exchanges_median = 100;
  double exchanges_sigma = 0;
  uint32_t exchanges_max = 1'000'000;
  std::vector<std::string> sources;  // globs on folder/name; empty: the class's usual folders
  // Only conversations whose first turn hashes to `part` modulo `part_of`: disjoint sets for calibration and test.
  uint32_t part = 0;
  uint32_t part_of = 1;
  AnswerLength answer_length = AnswerLength::kSource;
  Rhythm rhythm = Rhythm::kDiurnal;
  uint32_t persons = 1;    // office, reseller: behind one account
  uint32_t templates = 2;  // pipeline: templates an account runs

  // kHarvest only. One campaign a group unless campaign_size cuts it into several.
  uint32_t campaign_size = 0;  // accounts in a campaign; 0: all of the group
  double cover = 0;            // share of exchanges drawn the way a person draws
  std::vector<std::string> cover_sources;
  uint32_t cover_part = 0;  // as `part`, for the cover
  uint32_t cover_part_of = 1;
  Identity network = Identity::kUnshared;
  Identity client = Identity::kUnshared;
  Template wrapping = Template::kNone;
  uint32_t replaced_after = 0;  // exchanges after which an account is refused and another takes over; 0: never
  double slow_start_days = 0;   // days over which the first tenth of its exchanges is spread, all cover
  double pivot_day = 0;         // day within which the campaign turns to another model; 0: never
};

struct Config {
  base::Time start = base::from_ms(1'772'409'600'000);  // 2026-03-02, a Monday
  double duration_days = 14;
  uint64_t seed = 1;
  uint64_t split = 0;  // another number divides sources into other parts
  std::vector<Group> groups;

  static base::Result<Config> parse(std::string_view yaml, std::string_view name);
};

}  // namespace stillwatch::population
