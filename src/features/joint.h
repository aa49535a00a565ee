// What a prompt is about together with how it is written. Each frequency's wave of the spectrum is moved on by a random
// phase for every kind and trait of writing that the prompt has, for its script, and for each doubling of its length:
// random Fourier features of the product of two Gaussian kernels, the embedding's and the manner's (Rahimi and Recht
// 2007, section 3). Means of them tell apart accounts whose topics and manners are each usual, but not together:
// instructions of one sentence about what others chat about.
//
// Of a record's fields alone, so it is not kept in records. Integers; the same on every machine. Thread rule: pure.
#pragma once

#include "features/features.h"

namespace stillwatch::features {

constexpr int kJointScale = 16;  // of a wave: sums of 128 million fit in 31 bits

// In the order of a spectrum: cosines, then sines.
Spectrum joint_spectrum(const Features& f);

}  // namespace stillwatch::features
