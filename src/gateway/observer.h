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
#include <vector>

#include "gateway/archive.h"
#include "pipeline/pipeline.h"

namespace stillwatch::gateway {

constexpr size_t kObservedBodyBytesMax = 8u << 20;  // of either body; an exchange with a longer one is shed
constexpr size_t kQueueBytesMax = 256u << 20;
constexpr size_t kSpareBytesMax = 32u << 20;
constexpr size_t kJournalBytesMax = 128u << 20;  // not taken yet

struct Observation {
  base::Time time{};
  std::string account;
  std::string network;
  std::string client;  // User-Agent
  int status = 0;
  bool streamed = false;  // the response is text/event-stream
  std::string request;
  std::string response;
};

struct ObserverCounts {
  uint64_t observed = 0;  // taken from the queue, with or without a prompt
  uint64_t prompts = 0;   // of these, exchanges with a prompt of an accepted account
  uint64_t shed = 0;
  uint64_t waiting = 0;  // in the queue
  uint64_t accounts = 0;
};

class Observer {
 public:
  // `on_look` is called, by the reading thread, with every account at the moment its evidence may have changed.
  using OnLook = std::function<void(const pipeline::AccountFinding&)>;
  Observer(std::unique_ptr<pipeline::Pipeline> pipeline, OnLook on_look);
  ~Observer();
  void finish();  // reads what waits, then takes no more

  // Leaves an empty observation in its place, with memory that was used before.
  void submit(Observation& observation);
  void shed() { shed_.fetch_add(1, std::memory_order_relaxed); }

  ObserverCounts counts() const;
  pipeline::Findings findings() const;
  std::optional<pipeline::AccountFinding> finding(std::string_view account) const;
  void set_labels(verdict::Labels labels);
  bool forget(std::string_view account);

  // From now on what is observed is written down, numbered after `last`, until take() takes it away.
  void start_journal(uint64_t last);
  struct Taken {
    Journal journal;
    std::vector<pipeline::SavedSubject> subjects;
    bool gap = false;  // a part of the journal before this one was dropped, for it was not taken in time
  };
  Taken take(size_t subjects_max);

 private:
  struct Reader;
  void run();
  void write_down(const dialect::Exchange& e, const features::Features& f);
  void keep_memory(std::vector<Observation>& batch);

  std::unique_ptr<pipeline::Pipeline> pipeline_;
  OnLook on_look_;
  mutable std::mutex pipeline_mutex_;
  std::optional<Journal> journal_;
  bool journal_gap_ = false;

  mutable std::mutex queue_mutex_;
  std::condition_variable ready_;
  std::vector<Observation> queue_;
  size_t queue_bytes_ = 0;
  std::vector<Observation> spare_;  // read and emptied
  bool stopping_ = false;

  std::atomic<uint64_t> observed_{0};
  std::atomic<uint64_t> prompts_{0};
  std::atomic<uint64_t> shed_{0};
  std::thread thread_;
};

}  // namespace stillwatch::gateway
