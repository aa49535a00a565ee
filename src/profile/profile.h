// A profile: the bounded, mergeable summary of a subject's exchanges, its current epoch beside all that came before, so
// that a slow start does not dilute a harvest. Epochs are cut by the clock (base::kEpochMs since 1970), not by the
// subject, so that profile(A and B) = merge(profile(A), profile(B)): the current epoch is the latest one seen.
//
// Bytes (docs/formats/profile.md): "SWP2", u32 embedding version, varint epoch, current summary, flag, past summary;
// "SWP1", as older programs wrote it, lacks the joint spectrum's sums.
// Bounds: base::kProfileBytesMax in memory and serialised. Thread rule: a value.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "profile/summary.h"

namespace stillwatch::profile {

class Profile {
 public:
  Profile() = default;
  Profile(const Profile& other) { *this = other; }
  Profile& operator=(const Profile& other);
  Profile(Profile&&) = default;
  Profile& operator=(Profile&&) = default;

  void add(const features::Features& f);
  void merge(const Profile& other);

  const Summary& current() const { return current_; }
  // Everything before the current epoch; null if there is nothing.
  const Summary* past() const { return past_.get(); }
  Summary lifetime() const;
  uint64_t exchanges() const { return current_.exchanges + (past_ ? past_->exchanges : 0); }
  int64_t epoch() const { return epoch_; }

  bool operator==(const Profile& other) const;
  size_t bytes() const;

  std::string serialize() const;
  // Fails for bytes that are not a profile, and for one whose embedding is of another version: its spectrum and cells
  // mean something else, so it must be rebuilt from logs (docs/embedding.md).
  static base::Result<Profile> parse(std::string_view bytes);

 private:
  void advance(int64_t epoch);  // makes `epoch` the current one, if it is later
  Summary& summary_of(int64_t epoch);

  int64_t epoch_ = 0;
  Summary current_;
  std::unique_ptr<Summary> past_;
};

}  // namespace stillwatch::profile
