// Where the body of an HTTP/1.1 message ends, byte by byte as it passes (RFC 9112, sections 6 and 7.1). Holds nothing
// of the body: bytes are relayed as they are, chunk framing and trailers included, and the payload inside them is
// pointed at.
//
// Chunk sizes are plain hexadecimal; lines of the framing end with CR LF and hold no control character. Trailers are
// fields and say nothing of framing or of the connection (RFC 9110, section 6.5.1): a server behind might believe them.
// Bounds: 15 digits a chunk size, kFramingLineBytesMax a line (with its extension) and kTrailerBytesMax all trailers.
// Thread rule: a value.
#pragma once

#include <array>
#include <string_view>

#include "wire/head.h"

namespace stillwatch::wire {

constexpr size_t kFramingLineBytesMax = 1024;
constexpr size_t kTrailerBytesMax = 8192;

class BodyReader {
 public:
  BodyReader() = default;  // of a message without a body
  explicit BodyReader(const Head& head);

  struct Step {
    size_t consumed = 0;       // of the bytes given, from the first: they belong to this message
    std::string_view payload;  // the part of these that is content, at their end
  };
  // Reads up to the end of the next piece of payload; call again with what is left until done() or nothing is consumed.
  tl::expected<Step, Refusal> next(std::string_view bytes);

  // Bytes still to come where the head told the length, else 0.
  uint64_t left() const { return framing_ == Framing::kLength ? left_ : 0; }
  bool done() const { return state_ == State::kDone; }
  // The message ends with its connection; then close() is how it ends well.
  bool until_close() const { return framing_ == Framing::kUntilClose; }

 private:
  enum class State : uint8_t { kData, kSize, kExtension, kSizeLf, kDataCr, kDataLf, kTrailer, kTrailerLf, kDone };
  Verdict chunk_byte(char c);
  Verdict trailer_byte(char c);

  Framing framing_ = Framing::kNone;
  State state_ = State::kDone;
  uint64_t left_ = 0;  // of the body or the chunk
  uint32_t digits_ = 0;
  uint32_t line_ = 0;  // bytes of the line of framing
  uint32_t trailers_ = 0;
  bool in_name_ = false;  // of a trailer
  uint8_t name_size_ = 0;
  std::array<char, 18> name_{};  // as much of it as can matter
};

}  // namespace stillwatch::wire
