#include "wire/body.h"

#include <algorithm>

namespace stillwatch::wire {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

BodyReader::BodyReader(const Head& head) : framing_(head.framing), left_(head.length) {
  switch (framing_) {
    case Framing::kNone:
      break;
    case Framing::kLength:
      state_ = left_ > 0 ? State::kData : State::kDone;
      break;
    case Framing::kChunked:
      state_ = State::kSize;
      left_ = 0;
      break;
    case Framing::kUntilClose:
      state_ = State::kData;
      break;
  }
}

// One byte of the framing between payloads.
Verdict BodyReader::chunk_byte(char c) {
  if (++line_ > kFramingLineBytesMax) return refuse("a line of chunked framing is too long");
  if (state_ >= State::kTrailer && ++trailers_ > kTrailerBytesMax) return refuse("the trailers are too long");
  switch (state_) {
    case State::kSize:
      if (const int digit = hex_digit(c); digit >= 0) {
        if (++digits_ > 15) return refuse("a chunk size is too large");
        left_ = left_ * 16 + static_cast<uint64_t>(digit);
        return {};
      }
      if (digits_ == 0) return refuse("a chunk size is not a plain hexadecimal number");
      if (c == '\r') {
        state_ = State::kSizeLf;
      } else if (c == ';') {
        state_ = State::kExtension;
      } else {
        return refuse("a chunk size is not a plain hexadecimal number");
      }
      return {};
    case State::kExtension:
      if (c == '\r') {
        state_ = State::kSizeLf;
      } else if (is_control(c)) {
        return refuse("a chunk extension holds a control character");
      }
      return {};
    case State::kSizeLf:
      if (c != '\n') return refuse("a chunk size does not end with CR LF");
      line_ = digits_ = 0;
      state_ = left_ > 0 ? State::kData : State::kTrailer;
      return {};
    case State::kDataCr:
      if (c != '\r') return refuse("a chunk is longer than its size");
      state_ = State::kDataLf;
      return {};
    case State::kDataLf:
      if (c != '\n') return refuse("a chunk does not end with CR LF");
      line_ = 0;
      state_ = State::kSize;
      return {};
    case State::kTrailer:
      return trailer_byte(c);
    case State::kTrailerLf:
      if (c != '\n') return refuse("a trailer does not end with CR LF");
      state_ = line_ == 2 ? State::kDone : State::kTrailer;  // an empty line is the end
      line_ = 0;
      return {};
    case State::kData:
    case State::kDone:
      break;
  }
  return {};
}

Verdict BodyReader::trailer_byte(char c) {
  if (line_ == 1) {
    in_name_ = c != '\r';
    name_size_ = 0;
  }
  if (in_name_) {
    if (c == ':' && name_size_ > 0) {
      const std::string_view name(name_.data(), name_size_);
      for (const std::string_view forbidden : {"connection", "content-length", "host", "keep-alive", "proxy-connection",
                                               "te", "trailer", "transfer-encoding", "upgrade"}) {
        if (equal_names(name, forbidden)) return refuse("a trailer is about framing or the connection");
      }
      in_name_ = false;
    } else if (!is_token_char(c)) {
      return refuse("a trailer is not a field");
    } else if (name_size_ < name_.size()) {
      name_[name_size_++] = c;
    }
  } else if (c == '\r') {
    state_ = State::kTrailerLf;
  } else if (is_control(c)) {
    return refuse("a trailer holds a control character");
  }
  return {};
}

tl::expected<BodyReader::Step, Refusal> BodyReader::next(std::string_view bytes) {
  Step step;
  while (step.consumed < bytes.size() && state_ != State::kDone) {
    if (state_ != State::kData) {
      if (auto ok = chunk_byte(bytes[step.consumed]); !ok) return tl::unexpected(ok.error());
      ++step.consumed;
      continue;
    }
    size_t n = bytes.size() - step.consumed;
    if (framing_ != Framing::kUntilClose) {
      n = static_cast<size_t>(std::min<uint64_t>(left_, n));
      left_ -= n;
      if (left_ == 0) state_ = framing_ == Framing::kChunked ? State::kDataCr : State::kDone;
    }
    step.payload = bytes.substr(step.consumed, n);
    step.consumed += n;
    break;
  }
  return step;
}

}  // namespace stillwatch::wire
