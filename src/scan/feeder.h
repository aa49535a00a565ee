// Reads logs, one or many, into batches on the belt: files that overlap in time side by side, so that the sequencer can
// merge them, files that follow one another one after another.
//
// Of the open files the one goes next whose next piece begins earliest. At most kOpenMax files are open at once; the
// others wait in the order given, so more files than that should be given in order of time.
//
// Bounds: a piece, and what a decompressor needs, for every open file. Thread rule: one thread.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "scan/belt.h"
#include "scan/scanner.h"

namespace stillwatch::scan {

constexpr size_t kOpenMax = 32;

// Puts everything on the belt, or what there is until the belt is stopped, and closes it. `consumed` counts compressed
// bytes.
void feed(const std::vector<std::string>& paths, const Options& options, Belt& belt, std::atomic<uint64_t>& consumed);

}  // namespace stillwatch::scan
