#include "model/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

namespace stillwatch::model {
namespace {

using base::ErrorCode;
using base::Result;
using Json = nlohmann::json;

static_assert(std::endian::native == std::endian::little, "numbers of a file are read as they lie");

enum class Dtype : uint8_t { kF32, kF16, kBf16 };

// Where a tensor lies and what it is.
struct Place {
  std::string name;
  Dtype type;
  std::vector<int64_t> shape;
  size_t begin, end;  // bytes behind the header
};

constexpr size_t bytes_of(Dtype type) {
  return type == Dtype::kF32 ? 4 : 2;
}

std::string shown(const std::string& name) {
  return name.size() <= 200 ? name : name.substr(0, 200) + "...";
}

Result<Place> place_of(const std::string& name, const Json& entry, std::string_view file, size_t size) {
  const auto wrong = [&](std::string_view what) {
    return base::fail(ErrorCode::kInput, fmt::format("{}: tensor {}: {}", file, shown(name), what));
  };
  if (!entry.is_object()) return wrong("is described by no object");
  Place p{name, Dtype::kF32, {}, 0, 0};
  const std::string type =
      entry.contains("dtype") && entry["dtype"].is_string() ? entry["dtype"].get<std::string>() : "";
  if (type == "F16") {
    p.type = Dtype::kF16;
  } else if (type == "BF16") {
    p.type = Dtype::kBf16;
  } else if (type != "F32") {
    return wrong("`dtype` is none of F32, F16, BF16: convert the model to one of them");
  }
  const auto shape = entry.find("shape");
  if (shape == entry.end() || !shape->is_array() || shape->size() > 8) return wrong("`shape` is no list");
  uint64_t count = 1;
  for (const Json& side : *shape) {
    if (!side.is_number_unsigned()) return wrong("`shape` holds something that is no size");
    const auto n = side.get<uint64_t>();
    if (n > uint64_t{1} << 40 || (n != 0 && count > (uint64_t{1} << 40) / n)) return wrong("`shape` is too large");
    count *= n;
    p.shape.push_back(static_cast<int64_t>(n));
  }
  const auto offsets = entry.find("data_offsets");
  if (offsets == entry.end() || !offsets->is_array() || offsets->size() != 2 || !(*offsets)[0].is_number_unsigned() ||
      !(*offsets)[1].is_number_unsigned())
    return wrong("`data_offsets` is no pair of places");
  const auto begin = (*offsets)[0].get<uint64_t>();
  const auto end = (*offsets)[1].get<uint64_t>();
  if (begin > end || end > size) return wrong("lies beyond the end of the file: is it cut off? fetch it again");
  if (end - begin != count * bytes_of(p.type)) return wrong("takes another number of bytes than its shape says");
  p.begin = begin;
  p.end = end;
  return p;
}

Result<Tensor> numbers_of(const Place& p, std::string_view data, std::string_view file) {
  Tensor tensor{p.shape, std::vector<float>((p.end - p.begin) / bytes_of(p.type))};
  const char* at = data.data() + p.begin;
  if (p.type == Dtype::kF32) {
    if (!tensor.values.empty()) std::memcpy(tensor.values.data(), at, p.end - p.begin);
  } else {
    for (float& value : tensor.values) {
      uint16_t bits = 0;
      std::memcpy(&bits, at, 2);
      at += 2;
      value = p.type == Dtype::kBf16 ? from_bf16(bits) : from_f16(bits);
    }
  }
  if (!std::all_of(tensor.values.begin(), tensor.values.end(), [](float v) { return std::isfinite(v); })) {
    return base::fail(ErrorCode::kInput,
                      fmt::format("{}: tensor {} holds a NaN or an infinity: the model is damaged or "
                                  "its training diverged; take an earlier checkpoint",
                                  file, shown(p.name)));
  }
  return tensor;
}

}  // namespace

float from_bf16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>((bits >> 16) | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

float from_f16(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1f;
  const uint32_t fraction = bits & 0x3ff;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000 | (fraction << 13));
  if (exponent == 0) {
    const float value = static_cast<float>(fraction) * 0x1p-24F;
    return sign != 0 ? -value : value;
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
}

Result<void> read_safetensors(std::string_view bytes, std::string_view file, Weights& into) {
  const auto wrong = [&](std::string_view what) {
    return base::fail(ErrorCode::kInput, fmt::format("{}: {}", file, what));
  };
  uint64_t header_size = 0;
  if (bytes.size() < sizeof header_size) return wrong("is too short to be safetensors");
  std::memcpy(&header_size, bytes.data(), sizeof header_size);
  if (header_size > kHeaderBytesMax) return wrong("has a header above 32 MiB: this is no safetensors file");
  if (header_size > bytes.size() - sizeof header_size) return wrong("is cut off within its header: fetch it again");
  const Json header = Json::parse(bytes.substr(sizeof header_size, header_size), nullptr, false);
  if (!header.is_object()) return wrong("has a header that is no JSON object: this is no safetensors file");
  if (header.size() > kTensorsMax) return wrong("holds more tensors than 65,536");
  const std::string_view data = bytes.substr(sizeof header_size + header_size);
  std::vector<Place> places;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    auto place = place_of(name, entry, file, data.size());
    if (!place) return tl::unexpected(place.error());
    places.push_back(std::move(*place));
  }
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.begin < b.begin; });
  for (size_t i = 1; i < places.size(); ++i) {
    if (places[i].begin < places[i - 1].end)
      return wrong(fmt::format("tensors {} and {} overlap", shown(places[i - 1].name), shown(places[i].name)));
  }
  for (const Place& place : places) {
    auto tensor = numbers_of(place, data, file);
    if (!tensor) return tl::unexpected(tensor.error());
    if (!into.emplace(place.name, std::move(*tensor)).second)
      return wrong(fmt::format("tensor {} is in another file of the model too", shown(place.name)));
  }
  return {};
}

void write_safetensors(const Weights& weights, Precision precision, const base::Write& write) {
  const size_t width = precision == Precision::kF32 ? 4 : 2;
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  header["__metadata__"] = {{"format", "pt"}};
  size_t at = 0;
  for (const auto& [name, tensor] : weights) {
    const size_t size = tensor.values.size() * width;
    header[name] = {{"dtype", precision == Precision::kF32 ? "F32" : "BF16"},
                    {"shape", tensor.shape},
                    {"data_offsets", {at, at + size}}};
    at += size;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');  // numbers begin at a multiple of eight
  const uint64_t header_size = text.size();
  write({reinterpret_cast<const char*>(&header_size), sizeof header_size});
  write(text);
  std::vector<uint16_t> half;
  for (const auto& [name, tensor] : weights) {
    if (precision == Precision::kF32) {
      write({reinterpret_cast<const char*>(tensor.values.data()), tensor.values.size() * width});
      continue;
    }
    half.resize(tensor.values.size());
    std::transform(tensor.values.begin(), tensor.values.end(), half.begin(), to_bf16);
    write({reinterpret_cast<const char*>(half.data()), half.size() * width});
  }
}

}  // namespace stillwatch::model
