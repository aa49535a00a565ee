// The safetensors format: eight bytes with the size of a JSON header, the header with the type, shape and place of each
// tensor, then the numbers, little-endian. F32, F16 and BF16 are read, into 32 bits; F32 and BF16 are written.
//
// Bytes may be anything: the header is bounded (kHeaderBytesMax, kTensorsMax), every place must lie within the file, be
// as long as its shape says, and overlap no other; a NaN or infinity is refused with the name of its tensor.
// Thread rule: pure functions. Source: the format's description in the safetensors project.
#pragma once

#include <string_view>

#include "base/output.h"
#include "model/weights.h"

namespace stillwatch::model {

constexpr size_t kHeaderBytesMax = 32u << 20;
constexpr size_t kTensorsMax = 65'536;

enum class Precision : uint8_t { kF32, kBf16 };

// Adds the tensors of one file to `into`; a name that is there already is refused.
base::Result<void> read_safetensors(std::string_view bytes, std::string_view file, Weights& into);

// In the order of their names. What is written depends on nothing but the arguments.
void write_safetensors(const Weights& weights, Precision precision, const base::Write& write);

float from_bf16(uint16_t bits);
uint16_t to_bf16(float value);  // to the nearest, ties to even
float from_f16(uint16_t bits);

}  // namespace stillwatch::model
