// Random weights among which a few heads can look up what stands elsewhere in the text, before any training.
//
// Induction heads (Olsson et al. 2022, "In-context learning and induction heads") need two layers: in the first, heads
// bring to each token what the one, two and three tokens before it are; in later ones, heads look for places that come
// after the same tokens as the next one will, and make likelier what stands there. Neither is of use without the other,
// so that small models stay for millions of tokens where neither is found. Here both are laid out at the start, as
// mimetic initialization does with what trained models have in common (Trockman and Kolter 2023); training keeps, bends
// or drops them as it does all weights. At high rates it drops them before they are of use: data/teacher/README.md has
// figures.
//
// Thread rule: pure function of its arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/config.h"
#include "model/weights.h"

namespace stillwatch::training {

// Why a model of this shape has no room for them; none if it has.
std::optional<std::string> no_room_for_induction(const model::Config& config);

// `weights` are initial_weights() of that deviation, some of which are written over. REQUIRES: there is room.
void lay_out_induction(const model::Config& config, uint64_t seed, double deviation, model::Weights& weights);

}  // namespace stillwatch::training
