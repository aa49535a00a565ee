// The mergeable summary of any set of exchanges: every member is a sketch with an exactly associative and commutative
// merge, so summary(A and B) = merge(summary(A), summary(B)) however the exchanges were cut and ordered.
//
// Counts are of answered exchanges (the model did the work) except `refused` and `failed`. Meaning and coverage count
// only prompts with words (`meaningful`). Units: tokens, words; hours and days are UTC.
//
// Bounds: at most about 8 KiB with everything dense; a new subject takes a few hundred bytes. Thread rule: a value.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "features/features.h"
#include "sketch/bottom_k.h"
#include "sketch/count_min.h"
#include "sketch/hyperloglog.h"
#include "sketch/sparse_array.h"

namespace stillwatch::profile {

constexpr size_t kSizeBins = 40;  // two a doubling: bin b holds sizes in [2^(b/2), 2^((b+1)/2))
constexpr size_t kDepthBins = 8;  // answers before this one: 0, 1, 2, 3-4, 5-8, 9-16, 17-32, more
constexpr size_t kHoursOfWeek = 168;
constexpr size_t kDaysKept = 28;                     // the latest; a day is a bitmap of active hours
constexpr uint64_t kJointlyMax = uint64_t{1} << 26;  // prompts whose joint spectra add up in 31 bits

size_t size_bin(uint32_t size);
double size_of_bin(size_t bin);  // geometric middle
size_t depth_bin(uint32_t depth);

// Which hours of the latest kDaysKept days were active. Older days are dropped relative to the newest day seen, which
// keeps the merge associative.
class ActiveHours {
 public:
  void add(base::Time time);
  void merge(const ActiveHours& other);
  struct Day {
    int32_t day;     // since 1970
    uint32_t hours;  // 24 bits
    bool operator==(const Day&) const = default;
  };
  const std::vector<Day>& days() const { return days_; }  // in order
  bool operator==(const ActiveHours&) const = default;
  size_t bytes() const { return sizeof *this + days_.capacity() * sizeof(Day); }
  void write(base::Writer& out) const;
  bool read(base::Reader& in);

 private:
  void add(Day day);
  std::vector<Day> days_;
};

struct Summary {
  uint64_t exchanges = 0;
  uint64_t failed = 0;  // not answered by the model; counted nowhere else
  uint64_t refused = 0;
  uint64_t meaningful = 0;
  uint64_t output_tokens = 0;
  uint64_t context_tokens = 0;
  int64_t first_ms = 0;  // valid if exchanges > 0
  int64_t last_ms = 0;

  std::array<int64_t, features::kSpectrumSize> spectrum{};
  std::array<int32_t, features::kSpectrumSize> joint{};  // features/joint.h; void beyond kJointlyMax prompts
  uint64_t jointly = 0;                                  // meaningful ones in it: summaries of older programs lack it
  sketch::SparseArray<uint32_t, features::kCells> cells;
  sketch::HyperLogLog<9> prompts;
  sketch::BottomK<16> prompt_sample;
  sketch::HyperLogLog<9> shingles;
  uint64_t shingle_count = 0;
  sketch::CountMin<64, 1> edges;  // openings and closings, two keys a prompt
  sketch::BottomK<32> opening_sample;
  sketch::BottomK<8> systems;
  sketch::SparseArray<uint32_t, features::kKinds> kinds;
  sketch::SparseArray<uint32_t, features::kTraits> traits;
  sketch::SparseArray<uint32_t, features::kScripts> scripts;
  sketch::SparseArray<uint32_t, kSizeBins> prompt_words;
  sketch::SparseArray<uint32_t, kSizeBins> context;
  sketch::SparseArray<uint32_t, kSizeBins> output;
  sketch::SparseArray<uint32_t, kDepthBins> depth;
  sketch::SparseArray<uint32_t, kHoursOfWeek> hours_of_week;
  ActiveHours active;
  sketch::HyperLogLog<6> networks;
  sketch::BottomK<8> network_sample;
  sketch::HyperLogLog<6> clients;
  sketch::BottomK<8> client_sample;
  sketch::HyperLogLog<6> users;

  void add(const features::Features& f);
  void merge(const Summary& other);
  bool operator==(const Summary&) const = default;
  size_t bytes() const;
  void write(base::Writer& out) const;
  // `with_joint`: written by a program that kept it.
  bool read(base::Reader& in, bool with_joint);

  // Every sketch with its name, for merge, size and bytes: one list, so that none is forgotten.
  template <typename Self, typename Visit>
  static void for_each_sketch(Self& s, Visit visit) {
    visit(s.prompts, &Summary::prompts);
    visit(s.prompt_sample, &Summary::prompt_sample);
    visit(s.shingles, &Summary::shingles);
    visit(s.edges, &Summary::edges);
    visit(s.opening_sample, &Summary::opening_sample);
    visit(s.systems, &Summary::systems);
    visit(s.active, &Summary::active);
    visit(s.networks, &Summary::networks);
    visit(s.network_sample, &Summary::network_sample);
    visit(s.clients, &Summary::clients);
    visit(s.client_sample, &Summary::client_sample);
    visit(s.users, &Summary::users);
  }
  template <typename Self, typename Visit>
  static void for_each_count(Self& s, Visit visit) {
    visit(s.cells, &Summary::cells);
    visit(s.kinds, &Summary::kinds);
    visit(s.traits, &Summary::traits);
    visit(s.scripts, &Summary::scripts);
    visit(s.prompt_words, &Summary::prompt_words);
    visit(s.context, &Summary::context);
    visit(s.output, &Summary::output);
    visit(s.depth, &Summary::depth);
    visit(s.hours_of_week, &Summary::hours_of_week);
  }

  double share(features::Kind kind) const;
  double share(features::Trait trait) const;
};

}  // namespace stillwatch::profile
