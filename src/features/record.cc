#include "features/record.h"

namespace stillwatch::features {
namespace {

using dialect::Part;

constexpr uint8_t kAnswered = 1, kRefused = 2, kMeaningful = 4, kRequest = 8, kAnswer = 16, kNamed = 32;

// The fields that are hashes and those that are counts, in the order of the format.
template <typename F, typename Hash, typename Count>
void for_each(F& f, Hash hash, Count count) {
  for (auto* h : {&f.prompt, &f.opening, &f.closing, &f.system, &f.network, &f.client, &f.user, &f.model}) hash(*h);
  for (auto* c : {&f.kinds, &f.traits, &f.prompt_words, &f.context_tokens, &f.output_tokens, &f.depth}) count(*c);
}

}  // namespace

void write(const Features& f, base::Writer& out) {
  out.zigzag(base::to_ms(f.time));
  for_each(
      f, [&](uint64_t h) { out.u64(h); }, [&](uint32_t c) { out.varint(c); });
  out.u8(static_cast<uint8_t>(f.script));
  out.u8(static_cast<uint8_t>((f.answered ? kAnswered : 0) | (f.refused ? kRefused : 0) |
                              (f.meaningful ? kMeaningful : 0) | (f.part == Part::kRequest ? kRequest : 0) |
                              (f.part == Part::kAnswer ? kAnswer : 0) | (f.answer != 0 ? kNamed : 0)));
  out.u8(static_cast<uint8_t>(f.shingle_count));
  for (uint32_t i = 0; i < f.shingle_count; ++i) out.u64(f.shingles[i]);
  if (f.answer != 0) out.u64(f.answer);
  if (!f.meaningful) return;
  out.varint(f.cell);
  out.raw(f.spectrum.data(), f.spectrum.size());
}

bool read(base::Reader& in, Features& f) {
  f = {};
  f.time = base::from_ms(in.zigzag());
  bool valid = true;
  for_each(
      f, [&](uint64_t& h) { h = in.u64(); },
      [&](uint32_t& c) {
        const uint64_t value = in.varint();
        valid = valid && value <= UINT32_MAX;
        c = static_cast<uint32_t>(value);
      });
  const uint8_t script = in.u8();
  const uint8_t flags = in.u8();
  f.shingle_count = in.u8();
  valid = valid && script < kScripts && flags < 2 * kNamed && (flags & (kRequest | kAnswer)) != (kRequest | kAnswer) &&
          f.shingle_count <= kShinglesMax;
  if (!valid) in.fail();
  if (in.failed()) return false;
  f.script = static_cast<Script>(script);
  f.answered = (flags & kAnswered) != 0;
  f.refused = (flags & kRefused) != 0;
  f.meaningful = (flags & kMeaningful) != 0;
  f.part = (flags & kRequest) != 0 ? Part::kRequest : (flags & kAnswer) != 0 ? Part::kAnswer : Part::kWhole;
  for (uint32_t i = 0; i < f.shingle_count; ++i) f.shingles[i] = in.u64();
  if ((flags & kNamed) != 0) f.answer = in.u64();
  if (f.meaningful) {
    const uint64_t cell = in.varint();
    if (cell >= kCells) in.fail();
    f.cell = static_cast<uint16_t>(cell);
    for (int8_t& v : f.spectrum) v = static_cast<int8_t>(in.u8());
  }
  return !in.failed();
}

}  // namespace stillwatch::features
