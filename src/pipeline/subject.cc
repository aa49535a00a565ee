#include "pipeline/subject.h"

#include <bit>

#include "base/bytes.h"
#include "base/limits.h"

namespace stillwatch::pipeline {
namespace {

constexpr uint32_t kMagic = 0x31535753;  // "SWS1"
constexpr size_t kSeenMax = 1024;        // twelve looks in each of the epochs of six years
constexpr size_t kPartsMax = 2;

void write(float v, base::Writer& out) {
  out.u32(std::bit_cast<uint32_t>(v));
}
float read_float(base::Reader& in) {
  return std::bit_cast<float>(in.u32());
}

void write(const signals::Sighting::Part& part, base::Writer& out) {
  out.u8(static_cast<uint8_t>(part.look));
  for (const float v : part.measurement.values) write(v, out);
  for (const float v : part.measurement.meaning.mean) write(v, out);
  out.f64(part.measurement.meaning.self);
  out.f64(part.measurement.meaning.count);
}

signals::Sighting::Part read_part(base::Reader& in) {
  signals::Sighting::Part part;
  part.look = in.u8();
  if (part.look >= signals::kLooks) in.fail();
  for (float& v : part.measurement.values) v = read_float(in);
  for (float& v : part.measurement.meaning.mean) v = read_float(in);
  part.measurement.meaning.self = in.f64();
  part.measurement.meaning.count = in.f64();
  return part;
}

}  // namespace

std::string Subject::serialize() const {
  base::Writer out;
  out.u32(kMagic);
  out.text(organization);
  out.varint(static_cast<uint64_t>(watch->epoch()));
  out.u8(static_cast<uint8_t>(watch->next_look()));
  out.varint(seen.size());
  for (const Seen& s : seen) {
    out.zigzag(base::to_ms(s.time));
    out.varint(s.exchanges);
    out.u8(static_cast<uint8_t>(s.look));
    out.u8(static_cast<uint8_t>(s.sighting->parts.size()));
    for (const auto& part : s.sighting->parts) write(part, out);
  }
  out.text(watch->profile().serialize());
  return out.take();
}

base::Result<Subject> Subject::parse(std::string_view bytes) {
  const auto damaged = [] {
    return base::fail(base::ErrorCode::kInput, "what was saved of an account is damaged: rebuild it from the logs");
  };
  base::Reader in(bytes);
  if (in.u32() != kMagic) return damaged();
  Subject subject;
  subject.organization = in.text(base::kIdentityBytesMax);
  const auto epoch = static_cast<int64_t>(in.varint() & 0xffffffff);
  const int next_look = in.u8();
  const uint64_t seen = in.varint();
  if (seen > kSeenMax || next_look > signals::kLooks) return damaged();
  for (uint64_t i = 0; i < seen && !in.failed(); ++i) {
    Seen s;
    s.time = base::from_ms(in.zigzag());
    s.exchanges = in.varint();
    s.look = in.u8();
    const size_t parts = in.u8();
    if (parts == 0 || parts > kPartsMax || s.look >= signals::kLooks) return damaged();
    auto sighting = std::make_shared<signals::Sighting>();
    for (size_t p = 0; p < parts; ++p) sighting->parts.push_back(read_part(in));
    s.sighting = std::move(sighting);
    subject.seen.push_back(std::move(s));
  }
  const std::string_view profile_bytes = in.text(bytes.size());
  if (!in.done()) return damaged();
  auto profile = profile::Profile::parse(profile_bytes);
  if (!profile) return tl::unexpected(profile.error());
  subject.watch = std::make_unique<Watch>(std::move(*profile), epoch, next_look);
  return subject;
}

}  // namespace stillwatch::pipeline
