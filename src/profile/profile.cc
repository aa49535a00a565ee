#include "profile/profile.h"

#include <fmt/format.h>

#include "base/limits.h"

namespace stillwatch::profile {
namespace {

constexpr uint32_t kMagic = 0x32505753;              // "SWP2"
constexpr uint32_t kMagicWithoutJoint = 0x31505753;  // "SWP1"

}  // namespace

Profile& Profile::operator=(const Profile& other) {
  epoch_ = other.epoch_;
  current_ = other.current_;
  past_ = other.past_ ? std::make_unique<Summary>(*other.past_) : nullptr;
  return *this;
}

void Profile::advance(int64_t epoch) {
  if (epoch <= epoch_) return;
  if (current_.exchanges > 0 || current_.failed > 0) {
    if (!past_) past_ = std::make_unique<Summary>();
    past_->merge(current_);
    current_ = {};
  }
  epoch_ = epoch;
}

Summary& Profile::summary_of(int64_t epoch) {
  advance(epoch);
  if (epoch == epoch_) return current_;
  if (!past_) past_ = std::make_unique<Summary>();
  return *past_;
}

void Profile::add(const features::Features& f) {
  summary_of(base::to_ms(f.time) / base::kEpochMs).add(f);
}

void Profile::merge(const Profile& other) {
  if (other.past_) {
    if (!past_) past_ = std::make_unique<Summary>();
    past_->merge(*other.past_);
  }
  if (other.current_.exchanges > 0 || other.current_.failed > 0) summary_of(other.epoch_).merge(other.current_);
}

Summary Profile::lifetime() const {
  Summary all = current_;
  if (past_) all.merge(*past_);
  return all;
}

bool Profile::operator==(const Profile& other) const {
  if (epoch_ != other.epoch_ || current_ != other.current_ || !past_ != !other.past_) return false;
  return !past_ || *past_ == *other.past_;
}

size_t Profile::bytes() const {
  return sizeof *this - sizeof current_ + current_.bytes() + (past_ ? past_->bytes() : 0);
}

std::string Profile::serialize() const {
  base::Writer out;
  out.u32(kMagic);
  out.u32(features::kEmbeddingVersion);
  out.varint(static_cast<uint64_t>(epoch_));
  current_.write(out);
  out.u8(past_ ? 1 : 0);
  if (past_) past_->write(out);
  return out.take();
}

base::Result<Profile> Profile::parse(std::string_view bytes) {
  using base::ErrorCode;
  base::Reader in(bytes);
  const uint32_t magic = in.u32();
  if (magic != kMagic && magic != kMagicWithoutJoint)
    return base::fail(ErrorCode::kInput, "not a profile: it does not start with SWP2 or SWP1");
  const uint32_t version = in.u32();
  if (version != features::kEmbeddingVersion) {
    return base::fail(
        ErrorCode::kInput,
        fmt::format("the profile was made with embedding version {}, this program has version {}: they do not "
                    "compare or merge; rebuild the profile from the logs with this program",
                    version, features::kEmbeddingVersion));
  }
  const bool with_joint = magic == kMagic;
  Profile p;
  p.epoch_ = static_cast<int64_t>(in.varint() & 0xffffffff);
  bool valid = p.current_.read(in, with_joint);
  const uint8_t has_past = in.u8();
  if (has_past == 1) {
    p.past_ = std::make_unique<Summary>();
    valid = valid && p.past_->read(in, with_joint);
  }
  if (!valid || has_past > 1 || !in.done())
    return base::fail(ErrorCode::kInput, "the profile is damaged: rebuild it from the logs");
  return p;
}

}  // namespace stillwatch::profile
