// What was relayed, read beside the relay: one thread takes observations from a bounded queue through dialect and
// features into the pipeline. A full queue sheds the observation and counts it; nobody ever waits for this thread.
//
// Thread rule: all methods may be called from any thread. Bounds: kQueueBytesMax of bodies waiting, kSpareBytesMax of
// memory kept for later ones.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/pipeline.h"

namespace stillwatch::gateway {

constexpr size_t kObservedBodyBytesMax = 8u << 20;  // of either body; an exchange with a longer one is shed
constexpr size_t kQueueBytesMax = 256u << 20;
constexpr size_t kSpareBytesMax = 32u << 20;

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
  explicit Observer(std::unique_ptr<pipeline::Pipeline> pipeline);
  ~Observer();  // reads what waits, then ends

  // Leaves an empty observation in its place, with memory that was used before.
  void submit(Observation& observation);
  void shed() { shed_.fetch_add(1, std::memory_order_relaxed); }

  ObserverCounts counts() const;
  pipeline::Findings findings() const;

 private:
  struct Reader;
  void run();
  void keep_memory(std::vector<Observation>& batch);

  std::unique_ptr<pipeline::Pipeline> pipeline_;
  mutable std::mutex pipeline_mutex_;

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
