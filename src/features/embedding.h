// What a prompt is about, as a point on the sphere in 64 dimensions: the sum of its words' vectors, each weighted by
// smooth inverse frequency, normalised (Arora, Liang and Ma 2017; features/vocabulary.h). A word that the vocabulary
// lacks, of whatever language, has a random vector that its hash spells: it means nothing but is the same each time.
// All arithmetic is on integers, so the same text gives the same embedding on every machine.
//
// Two readings of the embedding are mergeable and go into a profile:
//   - Spectrum: random Fourier features (Rahimi and Recht 2007, section 3), cos and sin of 64 random projections, whose
//     inner product approximates a Gaussian kernel; the mean of spectra is a kernel mean embedding, so distances of
//     means are MMD (Gretton et al. 2012). Each cos/sin pair has norm 1, here scaled by kSpectrumScale.
//   - Cell: which of kCells fixed regions it falls in, cut by planes through the mean of ordinary prompts; the regions
//     are the capability map.
//
// Embeddings of different kEmbeddingVersion do not compare. Thread rule: pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "features/tokens.h"

namespace stillwatch::features {

constexpr uint32_t kEmbeddingVersion = 2;
constexpr int kEmbeddingSize = 64;
constexpr int kEmbeddingScale = 4096;  // a unit vector has this length
constexpr int kFrequencies = 64;
constexpr int kSpectrumSize = 2 * kFrequencies;
constexpr int kSpectrumScale = 127;
constexpr int kCells = 256;

using Embedding = std::array<int16_t, kEmbeddingSize>;
using Spectrum = std::array<int8_t, kSpectrumSize>;  // cos of all frequencies, then sin of all

// The zero vector for text without a word.
Embedding embed(std::span<const Token> tokens);
Spectrum spectrum_of(const Embedding& embedding);
uint16_t cell_of(const Embedding& embedding);

}  // namespace stillwatch::features
