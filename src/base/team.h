// A few threads that do one thing at a time together, for work too short to start threads for.
//
// run(work) calls work(i) once for every i below size(), each on a thread of its own (0 on the caller's), and returns
// when all are done; threads wait briefly in a loop before they sleep. Thread rule: run() by one thread at a time, not
// from within work.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace stillwatch::base {

class Team {
 public:
  explicit Team(unsigned threads);  // 0 counts as 1
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  unsigned size() const { return static_cast<unsigned>(threads_.size()) + 1; }
  void run(const std::function<void(unsigned)>& work);
  // Calls work(begin, end) for equal parts of [0, count), each of at least `least` (but for one).
  void parts(size_t count, size_t least, const std::function<void(size_t, size_t)>& work);
  // Calls work(i) for every i below count, each by the thread that is free first.
  void each(size_t count, const std::function<void(size_t)>& work);

 private:
  void serve(unsigned index);

  std::vector<std::thread> threads_;
  const std::function<void(unsigned)>* work_ = nullptr;
  std::atomic<uint32_t> round_{0};
  std::atomic<uint32_t> working_{0};
  std::atomic<bool> ending_{false};
};

}  // namespace stillwatch::base
