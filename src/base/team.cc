#include "base/team.h"

#include <algorithm>

namespace stillwatch::base {
namespace {

constexpr int kSpins = 2000;  // about 20 us

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

Team::Team(unsigned threads) {
  for (unsigned i = 1; i < threads; ++i) threads_.emplace_back([this, i] { serve(i); });
}

Team::~Team() {
  ending_ = true;
  ++round_;
  round_.notify_all();
  for (std::thread& t : threads_) t.join();
}

void Team::run(const std::function<void(unsigned)>& work) {
  if (threads_.empty()) return work(0);
  work_ = &work;
  working_ = static_cast<uint32_t>(threads_.size());
  ++round_;
  round_.notify_all();
  work(0);
  for (int spins = 0; working_ != 0 && spins < kSpins; ++spins) pause();
  for (uint32_t left = working_; left != 0; left = working_) working_.wait(left);
}

void Team::serve(unsigned index) {
  for (uint32_t seen = 0;; ++seen) {  // rounds are one at a time
    for (int spins = 0; round_ == seen && spins < kSpins; ++spins) pause();
    round_.wait(seen);
    if (ending_) return;
    (*work_)(index);
    if (--working_ == 0) working_.notify_one();
  }
}

void Team::parts(size_t count, size_t least, const std::function<void(size_t, size_t)>& work) {
  const size_t wanted = std::clamp<size_t>(count / std::max<size_t>(1, least), 1, size());
  if (wanted == 1) return work(0, count);
  run([&](unsigned i) {
    if (i < wanted) work(count * i / wanted, count * (i + 1) / wanted);
  });
}

void Team::each(size_t count, const std::function<void(size_t)>& work) {
  std::atomic<size_t> next{0};
  run([&](unsigned) {
    for (size_t i = next++; i < count; i = next++) work(i);
  });
}

}  // namespace stillwatch::base
