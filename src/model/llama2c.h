// llama2.c's files: a checkpoint (version 0: seven 32-bit numbers, then 32-bit floats) and tokenizer.bin.
//
// Bytes may be anything: sizes are checked against the file before anything is made of them. Rows of queries and keys
// are put from llama2.c's order (neighbours turn together) into that of Weights. Thread rule: pure functions. Source:
// the layout that llama2.c's export.py and run.c describe.
#pragma once

#include <string_view>

#include "model/weights.h"

namespace stillwatch::model {

struct Checkpoint {
  Config config;
  Weights weights;
};
base::Result<Checkpoint> read_llama2c(std::string_view bytes, std::string_view file);

}  // namespace stillwatch::model
