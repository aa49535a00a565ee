#include "scan/reorder.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/random.h"

namespace stillwatch::scan {
namespace {

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kStartMs = 1'772'445'600'000;

// Records are the minutes they were pushed with.
class ReorderTest : public testing::Test {
 protected:
  void push(int64_t minute, size_t file = 0) {
    reorder_.push(file, base::from_ms(kStartMs + minute * kMinuteMs), int64_t{minute}, release());
  }
  void end(size_t file) { reorder_.end(file, release()); }
  void finish() {
    reorder_.finish(release(), [this](int64_t&& minute) { rejected_.push_back(minute); });
  }
  std::function<void(int64_t&&)> release() {
    return [this](int64_t&& minute) { out_.push_back(minute); };
  }

  using Minutes = std::vector<int64_t>;
  Reorder<int64_t> reorder_;
  Minutes out_;
  Minutes rejected_;
};

TEST_F(ReorderTest, SortsInsideItsWindow) {
  for (const int minute : {5, 3, 4, 20, 18, 40}) push(minute);
  EXPECT_EQ(out_, (Minutes{3, 4, 5, 18, 20}));
  push(1);  // hopelessly late: goes at once
  EXPECT_EQ(out_.back(), 1);
  EXPECT_EQ(reorder_.late(), 1u);
  finish();
  EXPECT_EQ(out_.back(), 40);
  EXPECT_TRUE(rejected_.empty());
}

TEST_F(ReorderTest, NeverHoldsMoreThanItsLimit) {
  for (size_t i = 0; i < base::kReorderWindowMax + 10; ++i) push(0);
  EXPECT_EQ(out_.size(), 10u);
}

TEST_F(ReorderTest, MergesFilesWhoseRecordsComeInTurns) {
  reorder_.set_floor(kStartMs);
  for (int block = 0; block < 6; ++block) {
    for (const size_t file : {0, 1}) {
      for (int i = 0; i < 60; ++i) push(60 * block + i, file);
      if (file == 1) reorder_.set_floor(INT64_MAX);
    }
  }
  EXPECT_GE(out_.size(), 2u * 5 * 60);
  end(0);
  end(1);
  finish();
  EXPECT_EQ(out_.size(), 720u);
  EXPECT_TRUE(std::is_sorted(out_.begin(), out_.end()));
  EXPECT_EQ(reorder_.late(), 0u);
}

TEST_F(ReorderTest, WaitsForFilesNotYetBegunAndNotForThoseThatEnded) {
  reorder_.set_floor(kStartMs + 30 * kMinuteMs);
  for (int i = 0; i < 60; ++i) push(i, 0);
  EXPECT_EQ(out_.size(), 21u) << "the second file may begin at minute 30, ten minutes out of order";
  reorder_.set_floor(INT64_MAX);
  for (int i = 30; i < 90; ++i) push(i, 1);
  EXPECT_EQ(out_.back(), 49) << "the first may still bring minute 49";
  end(0);
  EXPECT_EQ(out_.back(), 79);
  end(1);
  finish();
  EXPECT_TRUE(std::is_sorted(out_.begin(), out_.end()));
}

TEST_F(ReorderTest, GoesOnAfterAPauseOfDays) {
  const int64_t pause = 5 * 24 * 60;
  for (int i = 0; i < 100; ++i) push(i);
  for (int i = 0; i < 100; ++i) push(pause + i);
  finish();
  EXPECT_EQ(out_.size(), 200u);
  EXPECT_TRUE(std::is_sorted(out_.begin(), out_.end()));
  EXPECT_TRUE(rejected_.empty());
}

TEST_F(ReorderTest, RejectsTheFewClocksThatRunYearsAhead) {
  const int64_t years = 12 * 366 * 24 * 60;
  for (const int when : {0, 50, 99}) {  // first, amid and last
    out_.clear();
    rejected_.clear();
    reorder_ = {};
    for (int i = 0; i < 100; ++i) push(i == when ? years : i);
    EXPECT_GE(out_.size(), 85u) << "the window goes on";
    finish();
    EXPECT_EQ(out_.size(), 99u);
    EXPECT_TRUE(std::is_sorted(out_.begin(), out_.end()));
    EXPECT_EQ(rejected_, Minutes{years});
    EXPECT_EQ(reorder_.late(), 0u);
  }
}

TEST_F(ReorderTest, DoesNotDependOnHowFilesAreInterleaved) {
  base::Random random(4);
  Minutes by_file[3];
  for (Minutes& minutes : by_file) {
    for (int64_t at = 0; at < 500; at += static_cast<int64_t>(random.below(5))) minutes.push_back(at);
  }
  Minutes first;
  for (int trial = 0; trial < 5; ++trial) {
    reorder_ = {};
    out_.clear();
    size_t at[3] = {};
    reorder_.set_floor(0);
    while (at[0] + at[1] + at[2] < by_file[0].size() + by_file[1].size() + by_file[2].size()) {
      const size_t file = random.below(3);
      for (size_t n = random.below(9); n > 0 && at[file] < by_file[file].size(); --n) {
        push(by_file[file][at[file]++] * 10 + static_cast<int64_t>(file) / 2, file);
      }
      if (at[0] > 0 && at[1] > 0 && at[2] > 0) reorder_.set_floor(INT64_MAX);
    }
    finish();
    if (trial == 0) first = out_;
    EXPECT_EQ(out_, first);
    EXPECT_TRUE(std::is_sorted(out_.begin(), out_.end()));
  }
}

}  // namespace
}  // namespace stillwatch::scan
