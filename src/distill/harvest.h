// Asks a teacher every prompt, many at once, and keeps what it answers.
//
// Invariants: an answer is in the dataset before it counts; a prompt whose answer is in the dataset already is not
// asked again; before anything is asked, the sink has made room for its answer, so that a full disk is met before
// paying. What was paid for and is no answer (no JSON, no chat completion, nothing in it) goes to the rejects and is
// asked again by the next run. Budgets are kept: what is under way counts as the largest exchange so far. A teacher
// that refuses, or gives kFailuresMax failures in a row, ends the harvest: more would be paid for nothing.
//
// Thread rule: one thread, but for stop(). Bounds: HarvestOptions; memory: the prompts and what is under way.
#pragma once

#include <atomic>
#include <functional>
#include <unordered_set>

#include "distill/harvest_row.h"

namespace stillwatch::distill {

constexpr int kFailuresMax = 20;
constexpr size_t kRoomBytes = size_t{64} << 10;  // made for each answer before it is asked for

// Where answers are kept. The program's is a file that only grows.
class Sink {
 public:
  virtual ~Sink() = default;
  // That many bytes can be appended from here on, whatever else fills the disk.
  virtual base::Result<void> make_room(size_t bytes) = 0;
  virtual base::Result<void> append(std::string_view line) = 0;
  virtual base::Result<void> sync() = 0;  // what was appended outlives the machine
};

struct HarvestOptions {
  Terms terms{};
  int samples = 1;                     // answers for each prompt; rows `ID`, then `ID-1`, `ID-2`, ...
  size_t window = 8;                   // under way at once
  uint64_t exchanges_max = 0;          // budgets, of this run; 0: none
  uint64_t tokens_max = 0;             // in and out together
  double price_in = 0, price_out = 0;  // of a million tokens
};

struct HarvestCounts {
  uint64_t wanted = 0;     // rows, all told
  uint64_t had = 0;        // of those, in the dataset before
  uint64_t exchanges = 0;  // answers of any kind to this run
  uint64_t kept = 0;
  uint64_t cut_short = 0;          // of those kept: ended by the limit on tokens
  uint64_t without_usage = 0;      // tokens taken to be of four bytes
  uint64_t without_reasoning = 0;  // though it was asked for
  uint64_t without_logprobs = 0;
  uint64_t no_json = 0, no_completion = 0, empty = 0;  // rejected
  uint64_t busy = 0, refused = 0, silent = 0;          // not answered
  uint64_t extra_attempts = 0;
  int64_t prompt_tokens = 0, completion_tokens = 0;
  double cost = 0;

  uint64_t failed() const { return no_json + no_completion + empty + busy + refused + silent; }
};

struct HarvestReport {
  HarvestCounts counts;
  std::string ended_by;                            // "": everything was asked; else why not, a sentence
  base::ErrorCode code = base::ErrorCode::kInput;  // of that sentence
};

class Harvest {
 public:
  // `had`: ids of rows in the dataset.
  Harvest(std::vector<Prompt> prompts, std::unordered_set<std::string> had, HarvestOptions options);

  using Progress = std::function<void(const HarvestCounts&)>;
  // `now` dates the rows.
  HarvestReport run(net::HttpClient& http, const net::ChatEndpoint& endpoint, Sink& dataset, Sink& rejects,
                    const std::function<base::Time()>& now, const Progress& progress);

  // From any thread or signal: nothing more is asked, and what is under way is awaited, or given up.
  void stop() { stopped_ = true; }
  void give_up() { stopped_ = given_up_ = true; }

 private:
  struct Run;
  std::vector<Prompt> prompts_;
  std::unordered_set<std::string> had_;
  HarvestOptions options_;
  std::atomic<bool> stopped_{false}, given_up_{false};
};

}  // namespace stillwatch::distill
