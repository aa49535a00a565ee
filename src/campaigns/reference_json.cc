#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "campaigns/reference.h"
#include "signals/json_figures.h"

namespace stillwatch::campaigns {

using Json = nlohmann::ordered_json;

namespace {

constexpr int kVersion = 5;
constexpr long kByteMost = 127;  // points and leans are written as bytes in units of 1 / these
constexpr float kPointUnit = 32;
constexpr float kLeanUnit = kByteMost;
constexpr double kNatureMin = 1e-6;
constexpr double kActiveMin = 1e-4;  // share of accounts active in an hour, and of those not active
constexpr size_t kScoresMax = 100'000;
constexpr size_t kSizesMax = 24;

constexpr int kDigits = 5;

double rounded(double value) {
  return signals::rounded(value, kDigits);
}

template <typename Numbers>
Json array_of(const Numbers& numbers) {
  return signals::array_of(numbers, kDigits);
}

const Json& at(const Json& object, const char* key) {
  static const Json kNothing;
  if (!object.is_object()) return kNothing;
  const auto it = object.find(key);
  return it == object.end() ? kNothing : *it;
}

bool read(const Json& value, double& out) {
  if (!value.is_number()) return false;
  out = value.get<double>();
  return std::isfinite(out) && std::abs(out) <= 1e9;
}

// Of the size that `out` has.
template <typename Numbers>
bool read(const Json& value, Numbers& out) {
  if (!value.is_array() || value.size() != out.size()) return false;
  for (size_t i = 0; i < out.size(); ++i) {
    double number = 0;
    if (!read(value[i], number)) return false;
    out[i] = static_cast<typename Numbers::value_type>(number);
  }
  return true;
}

std::string text_of(const std::vector<Point>& points, float unit) {
  std::string bytes;
  for (const Point& p : points) {
    for (const float x : p) bytes += static_cast<char>(std::clamp(std::lround(x * unit), -kByteMost, kByteMost));
  }
  return base::to_base64(bytes);
}

bool read_points(const Json& text, size_t axes, float unit, size_t max, std::vector<Point>& out) {
  const auto bytes = text.is_string() ? base::from_base64(text.get_ref<const std::string&>()) : std::nullopt;
  if (!bytes || bytes->size() % axes != 0 || bytes->size() / axes > max) return false;
  for (size_t i = 0; i < bytes->size(); i += axes) {
    Point& p = out.emplace_back(axes);
    for (size_t k = 0; k < axes; ++k) p[k] = static_cast<float>(static_cast<int8_t>((*bytes)[i + k])) / unit;
  }
  return true;
}

template <typename Numbers>
bool read_up_to(const Json& value, size_t max, Numbers& out) {
  if (!value.is_array() || value.empty() || value.size() > max) return false;
  out.resize(value.size());
  return read(value, out);
}

}  // namespace

// Reads and writes what the others keep to themselves.
class ReferenceText {
 public:
  static Json of(const Space& space) {
    Json axes = Json::array();
    for (const Space::Axis& a : space.axes_)
      axes.push_back({rounded(a.nature), rounded(a.chance), array_of(a.direction)});
    return {{"embedding_version", features::kEmbeddingVersion},
            {"mean", array_of(space.mean_)},
            {"scale", array_of(space.scale_)},
            {"axes", axes}};
  }

  static bool parse(const Json& json, Space& space) {
    double version = 0;
    if (!read(at(json, "embedding_version"), version) || version != features::kEmbeddingVersion) return false;
    if (!read(at(json, "mean"), space.mean_) || !read(at(json, "scale"), space.scale_)) return false;
    const Json& axes = at(json, "axes");
    if (!axes.is_array() || axes.empty() || axes.size() > kCoordinates) return false;
    for (const Json& a : axes) {
      Space::Axis& axis = space.axes_.emplace_back();
      if (!a.is_array() || a.size() != 3 || !read(a[0], axis.nature) || !read(a[1], axis.chance) ||
          !read(a[2], axis.direction) || axis.nature < kNatureMin || axis.chance < 0)
        return false;
    }
    return true;
  }

  static Json of(const Reference& r) {
    Json groups = Json::array();
    for (const auto& [size, of] : r.groups_.sizes_)
      groups.push_back({size, rounded(of.unit), array_of(of.scores), array_of(of.excesses)});
    return {{"stillwatch_campaign_reference", kVersion},
            {"space", of(r.space_)},
            {"active", array_of(r.pairs_.active_)},
            {"agreements", array_of(r.pairs_.agreements_)},
            {"points", text_of(r.points_, kPointUnit)},
            {"leans", text_of(r.groups_.leans_, kLeanUnit)},
            {"groups", groups}};
  }

  static bool parse(const Json& json, Reference& r) {
    double version = 0;
    if (!read(at(json, "stillwatch_campaign_reference"), version) || version != kVersion) return false;
    if (!parse(at(json, "space"), r.space_)) return false;
    const size_t axes = r.space_.axes();
    if (!read_points(at(json, "points"), axes, kPointUnit, Reference::kPointsMax, r.points_)) return false;
    if (!read_points(at(json, "leans"), axes, kLeanUnit, Reference::kSeedsMax, r.groups_.leans_)) return false;
    if (r.points_.size() < Reference::kAccountsMin || r.groups_.leans_.empty()) return false;
    std::vector<Point> directions;
    for (const Point& p : r.points_) directions.push_back(direction_of(p));
    std::vector<double> active(profile::kHoursOfWeek);
    std::vector<float> agreements;
    if (!read(at(json, "active"), active) || !read_up_to(at(json, "agreements"), kScoresMax, agreements)) return false;
    for (double& a : active) a = std::clamp(a, kActiveMin, 1 - kActiveMin);
    r.turn();
    r.pairs_ = PairLaw(std::move(active), std::move(agreements), directions);
    const Json& groups = at(json, "groups");
    if (!groups.is_array() || groups.empty() || groups.size() > kSizesMax) return false;
    for (const Json& group : groups) {
      double size = 0;
      if (!group.is_array() || group.size() != 4 || !read(group[0], size) || size < kGroupMin) return false;
      GroupLaw::OfSize& of = r.groups_.sizes_[static_cast<size_t>(size)];
      of.scores.resize(r.groups_.leans_.size());
      if (!read(group[1], of.unit) || of.unit < GroupLaw::OfSize::kUnitMin || !read(group[2], of.scores) ||
          !read_up_to(group[3], kScoresMax, of.excesses))
        return false;
    }
    r.groups_.index();
    return true;
  }
};

std::string Reference::to_json() const {
  return ReferenceText::of(*this).dump() + "\n";
}

base::Result<Reference> Reference::parse(std::string_view text) {
  Reference r;
  const Json json = Json::parse(text, nullptr, false);
  if (!ReferenceText::parse(json, r)) {
    return base::fail(base::ErrorCode::kInput,
                      "what the baseline says of honest groups is damaged or of another version: calibrate again");
  }
  return r;
}

}  // namespace stillwatch::campaigns
