#include "watermark/mark.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <iterator>

namespace stillwatch::watermark {
namespace {

constexpr std::string_view kNames[] = {"green", "gumbel", "tournament"};

}  // namespace

std::string_view name_of(Scheme scheme) {
  return kNames[static_cast<size_t>(scheme)];
}

base::Result<Scheme> scheme_named(std::string_view name) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == name) return static_cast<Scheme>(i);
  }
  return base::fail(base::ErrorCode::kUsage, "a mark's scheme is green, gumbel or tournament");
}

double score_of(const Mark& mark, uint64_t bits) {
  switch (mark.scheme) {
    case Scheme::kGreen:
      return is_green(mark, bits) ? 1 : 0;
    case Scheme::kGumbel:
      return -std::log1p(-uniform_of(bits));
    case Scheme::kTournament:
      return std::popcount(bits >> (64 - mark.layers));
  }
  return 0;
}

double mean_of(const Mark& mark) {
  switch (mark.scheme) {
    case Scheme::kGreen:
      return mark.gamma;
    case Scheme::kGumbel:
      return 1;
    case Scheme::kTournament:
      return mark.layers / 2.0;
  }
  return 0;
}

double variance_of(const Mark& mark) {
  switch (mark.scheme) {
    case Scheme::kGreen:
      return mark.gamma * (1 - mark.gamma);
    case Scheme::kGumbel:
      return 1;
    case Scheme::kTournament:
      return mark.layers / 4.0;
  }
  return 0;
}

base::Result<void> Mark::check() const {
  const auto refuse = [](std::string what) { return base::fail(base::ErrorCode::kUsage, std::move(what)); };
  if (context < 1 || context > kContextMax)
    return refuse(fmt::format("a mark's context has 1 to {} units", kContextMax));
  if (!(gamma >= 0.01 && gamma <= 0.99)) return refuse("a mark's gamma lies between 0.01 and 0.99");
  if (!(delta >= 0 && delta <= 20)) return refuse("a mark's delta lies between 0 and 20");
  if (layers < 1 || layers > kLayersMax) return refuse(fmt::format("a tournament has 1 to {} layers", kLayersMax));
  return {};
}

}  // namespace stillwatch::watermark
