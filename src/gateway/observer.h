// What was relayed, read beside the relay: one thread takes observations from a bounded queue through dialect and
// features into the pipeline. A full queue sheds the observation and counts it; nobody ever waits for this thread.
//
// Thread rule: all methods may be called from any thread. Bounds: kQueueBytesMax of bodies waiting, kSpareBytesMax of
// memory kept for later ones.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/hash.h"
#include "gateway/archive.h"
#include "pipeline/pipeline.h"

namespace stillwatch::gateway {

// Room behind a body, never read as part of it: without it, bodies are copied once more.
constexpr size_t kParserPadding = 64;
constexpr size_t kObservedBodyBytesMax = 8u << 20;  // of either body; an exchange with a longer one is shed
constexpr size_t kUnderWayBytesMax = 256u << 20;    // of bodies larger than 256 KiB, all connections together
constexpr size_t kQueueBytesMax = 256u << 20;
constexpr size_t kSpareBytesMax = 32u << 20;
constexpr size_t kJournalBytesMax = 128u << 20;  // not taken yet

struct Observation {
  base::Time time{};
  base::Time submitted{};
  std::string account;
  std::string network;
  std::string client;  // User-Agent
  int status = 0;
  bool streamed = false;  // the response is text/event-stream
  std::string target;     // of the request
  std::string encoding;   // of the response, as in Content-Encoding
  std::string request;
  std::string response;
};

struct ObserverCounts {
  uint64_t observed = 0;  // taken from the queue, with or without a prompt
  uint64_t prompts = 0;   // of these, exchanges with a prompt of an accepted account
  uint64_t shed = 0;
  uint64_t waiting = 0;  // in the queue
  uint64_t accounts = 0;
  uint64_t profiles = 0;  // of these, in memory
  // From being handed in to being read, the longest of the last batch.
  int64_t lag_ms = 0;  // from the end of an answer to its being read, the longest of the last batch
};

class Observer {
 public:
  // Called by the reading thread with an account when its evidence may have changed and, while it returns true, when
  // its exposure has grown somewhat.
  using OnLook = std::function<bool(const pipeline::AccountFinding&)>;
  Observer(std::unique_ptr<pipeline::Pipeline> pipeline, OnLook on_look, std::function<base::Time()> now = {});
  ~Observer();
  void finish();  // reads what waits, then takes no more

  // Leaves an empty observation in its place, with memory that was used before.
  void submit(Observation& observation);
  void shed() { shed_.fetch_add(1, std::memory_order_relaxed); }

  ObserverCounts counts() const;
  // Calls what(pipeline) between two exchanges. Observation waits meanwhile: keep it short.
  template <typename What>
  void visit(What what) const {
    visitors_.fetch_add(1, std::memory_order_relaxed);
    const std::lock_guard lock(pipeline_mutex_);
    visitors_.fetch_sub(1, std::memory_order_relaxed);
    what(*pipeline_);
  }
  pipeline::Findings findings() const;  // of tests: observation waits for all of it
  void set_labels(verdict::Labels labels);
  bool forget(std::string_view account);
  // Tells of all accounts, or of one, as if they had been looked at.
  void refresh();
  void refresh(std::string_view account);

  // From now on what is observed is written down, numbered after `last`, until take() takes it away.
  void start_journal(uint64_t last);
  // From now on samples of flagged accounts are kept, besides those that there are.
  void keep_exemplars(size_t per_account, const std::vector<Exemplar>& kept);
  void forget_exemplars(std::string_view account);
  struct Taken {
    Journal journal;
    std::vector<Exemplar> exemplars;
    std::vector<pipeline::SavedSubject> subjects;
    bool gap = false;  // a part of the journal before this one was dropped, for it was not taken in time
  };
  Taken take(size_t subjects_max);
  size_t crowd() const;  // profiles that have to leave memory
  void cool();           // lets them go: all that take() returned is saved

 private:
  void run();
  void tell(std::string_view account);
  void observe(const dialect::Exchange& e, features::Features f);
  void write_down(const dialect::Exchange& e, const features::Features& f);
  void keep_memory(std::vector<Observation>& batch);

  std::unique_ptr<pipeline::Pipeline> pipeline_;
  OnLook on_look_;
  mutable std::mutex pipeline_mutex_;
  mutable std::atomic<int> visitors_{0};  // waiting for it
  std::optional<Journal> journal_;
  bool journal_gap_ = false;
  std::unordered_map<std::string, int, base::TextHash, std::equal_to<>>
      followed_;  // accounts, and exchanges until they are told of again
  std::unordered_set<std::string, base::TextHash, std::equal_to<>> flagged_;  // while samples are kept
  std::optional<ExemplarSampler> sampler_;

  mutable std::mutex queue_mutex_;
  std::condition_variable ready_;
  std::vector<Observation> queue_;
  size_t queue_bytes_ = 0;
  std::vector<Observation> spare_;  // read and emptied
  bool stopping_ = false;

  std::atomic<uint64_t> observed_{0};
  std::atomic<uint64_t> prompts_{0};
  std::atomic<uint64_t> shed_{0};
  std::atomic<int64_t> lag_ms_{0};
  std::function<base::Time()> now_;
  std::thread thread_;
};

}  // namespace stillwatch::gateway
