// A model as a folder of files that Hugging Face's programs read too: config.json, model.safetensors (or several, named
// by model.safetensors.index.json), tokenizer.json, tokenizer_config.json (which holds the marks of conversations).
// llama2.c's NAME.bin beside its NAME_tokenizer.bin is read as well.
//
// Thread rule: a value. Bounds: those of the formats; a small file is 64 MiB at most.
#pragma once

#include <optional>

#include "base/output.h"
#include "model/chat.h"
#include "model/safetensors.h"

namespace stillwatch::model {

struct Model {
  Config config;
  Weights weights;
  Tokenizer tokenizer;
  std::optional<ChatTemplate> marks;  // nothing: it goes on from text, and knows no conversations
};

base::Result<Model> load_model(const std::string& path);
base::Result<Tokenizer> load_tokenizer(const std::string& folder);
base::Result<Config> load_config(const std::string& folder);

// The files of the folder, weights last: a folder with weights is whole.
base::Result<void> save_model(const Model& model, Precision precision, const base::WriteFile& write_file);

}  // namespace stillwatch::model
