#include "gateway/decode.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <memory>

#include "wire/head.h"

namespace stillwatch::gateway {
namespace {

constexpr size_t kPieceBytes = 32u << 10;
constexpr int kZstdWindowLogMax = 23;  // 8 MiB, what RFC 9659 lets a server ask for

using Piece = std::array<char, kPieceBytes>;

bool append(std::string& out, const Piece& piece, size_t n, size_t size_max) {
  if (out.size() + n > size_max) return false;
  out.append(piece.data(), n);
  return true;
}

// gzip and deflate with or without its header, which servers have never agreed on.
bool inflate(std::string_view bytes, int window_bits, size_t size_max, std::string& out) {
  z_stream z{};
  if (::inflateInit2(&z, window_bits) != Z_OK) return false;
  const std::unique_ptr<z_stream, int (*)(z_stream*)> owner(&z, ::inflateEnd);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  Piece piece;
  while (true) {
    z.next_out = reinterpret_cast<Bytef*>(piece.data());
    z.avail_out = kPieceBytes;
    const int code = ::inflate(&z, Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) return false;
    const size_t n = kPieceBytes - z.avail_out;
    if (!append(out, piece, n, size_max)) return false;
    if (code == Z_STREAM_END || (n == 0 && z.avail_in == 0) || code == Z_BUF_ERROR) return true;
  }
}

bool unbrotli(std::string_view bytes, size_t size_max, std::string& out) {
  const std::unique_ptr<BrotliDecoderState, void (*)(BrotliDecoderState*)> state(
      ::BrotliDecoderCreateInstance(nullptr, nullptr, nullptr), ::BrotliDecoderDestroyInstance);
  if (!state) return false;
  auto* next = reinterpret_cast<const uint8_t*>(bytes.data());
  size_t left = bytes.size();
  Piece piece;
  while (true) {
    auto* to = reinterpret_cast<uint8_t*>(piece.data());
    size_t room = kPieceBytes;
    const auto result = ::BrotliDecoderDecompressStream(state.get(), &left, &next, &room, &to, nullptr);
    if (result == BROTLI_DECODER_RESULT_ERROR) return false;
    if (!append(out, piece, kPieceBytes - room, size_max)) return false;
    if (result != BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) return true;
  }
}

bool unzstd(std::string_view bytes, size_t size_max, std::string& out) {
  const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(::ZSTD_createDCtx(), ::ZSTD_freeDCtx);
  if (!context) return false;
  ::ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax);
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  Piece piece;
  while (true) {
    ZSTD_outBuffer to{piece.data(), kPieceBytes, 0};
    if (::ZSTD_isError(::ZSTD_decompressStream(context.get(), &to, &in)) != 0) return false;
    if (!append(out, piece, to.pos, size_max)) return false;
    if (in.pos == in.size && to.pos < kPieceBytes) return true;
  }
}

bool decode_once(std::string_view encoding, std::string_view bytes, size_t size_max, std::string& out) {
  constexpr int kGzip = 15 + 16, kZlib = 15, kRaw = -15;
  out.clear();
  if (wire::equal_names(encoding, "gzip") || wire::equal_names(encoding, "x-gzip"))
    return inflate(bytes, kGzip, size_max, out);
  if (wire::equal_names(encoding, "deflate")) {
    if (inflate(bytes, kZlib, size_max, out)) return true;
    out.clear();
    return inflate(bytes, kRaw, size_max, out);
  }
  if (wire::equal_names(encoding, "br")) return unbrotli(bytes, size_max, out);
  if (wire::equal_names(encoding, "zstd")) return unzstd(bytes, size_max, out);
  if (!encoding.empty() && !wire::equal_names(encoding, "identity")) return false;
  out = bytes;
  return bytes.size() <= size_max;
}

}  // namespace

bool decode(std::string_view encoding, std::string_view bytes, size_t size_max, std::string& out) {
  // The last one named was applied last.
  constexpr int kEncodingsMax = 3;
  std::string last(bytes);
  for (int i = 0; i < kEncodingsMax; ++i) {
    const size_t comma = encoding.rfind(',');
    std::string_view one = encoding.substr(comma == encoding.npos ? 0 : comma + 1);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (!decode_once(one, last, size_max, out)) return false;
    if (comma == encoding.npos) return true;
    encoding = encoding.substr(0, comma);
    last.swap(out);
  }
  return false;
}

}  // namespace stillwatch::gateway
