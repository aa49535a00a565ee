// A suspect behind an OpenAI-compatible endpoint, asked what a test needs. Answers are kept as lines that
// read_samples() and read_readings() take back, so that a report can be made again without asking.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "watermark/canary.h"
#include "watermark/evidence.h"

namespace stillwatch::apps {

struct Endpoint {
  std::string url;  // up to and with /v1
  std::string model;
  std::string api_key_env;
  double temperature = 1;
  int max_tokens = 512;
  int concurrency = 4;
  int tops = 5;  // likeliest tokens of a place of a text that it reads
};

bool is_url(const std::string& suspect);

// {"prompt": ..., "answer": ...} for each prompt, `samples` times; those that fail are counted and left out.
base::Result<std::string> ask(const Endpoint& endpoint, const std::vector<std::string>& prompts, int samples);

// What is asked for a canary.
std::string canary_prompt(const watermark::Canary& canary);

// The bodies of POST /v1/completions with `echo` and `logprobs` for each text, a line each; `by` says whose they are
// (attribution/reading.h). `units`: what tokens are named by.
base::Result<std::string> make_read(const Endpoint& endpoint, const std::vector<std::string>& texts,
                                    watermark::Units units, const std::string& by);

}  // namespace stillwatch::apps
