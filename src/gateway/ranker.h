// The ranking of all accounts, made beside the observer, a slice of accounts at a time, so that however many there are
// neither traffic nor its observation waits for who asks. Where no baseline was given it is also what calibrates on the
// traffic itself, about once a minute and when somebody asks.
//
// A ranking is made when one is asked for and something has changed, and takes a tenth of a core's time at most: with
// many accounts some seconds may lie between two of them. Thread rule: all methods from any thread. Bounds: some
// hundred bytes an account and ranking.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "gateway/observer.h"

namespace stillwatch::gateway {

struct Ranking {
  pipeline::Overview overview;
  std::vector<pipeline::Place> places;
  std::vector<uint32_t> by_name;  // indices into places

  const pipeline::Place* find(std::string_view account) const;
};

class Ranker {
 public:
  Ranker(Observer& observer, std::function<base::Time()> now);
  ~Ranker();

  // Of everything observed so far, if that can be had at once; else the last one.
  std::shared_ptr<const Ranking> latest();

 private:
  void run();
  std::shared_ptr<const Ranking> make();
  void calibrate();

  Observer& observer_;
  std::function<base::Time()> now_;
  uint64_t calibrated_version_ = 0;  // these two are the thread's
  uint64_t made_version_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_, made_;
  uint64_t asked_ = 0;
  uint64_t served_ = 0;
  std::shared_ptr<const Ranking> ranking_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace stillwatch::gateway
