// Answers of several models to the same prompts, as drafts of each other.
#pragma once

#include <string>
#include <vector>

namespace stillwatch::bench {

struct Corpus {
  std::vector<std::string> models;
  std::vector<std::string> prompts;
  std::vector<std::vector<std::string>> answers;  // by model, by prompt
};

// Every *.jsonl.gz of a folder: {"messages": [{"content": PROMPT}], "response": ANSWER} a line, in the same order. Ends
// the program if there is nothing to read.
Corpus read_corpus(const std::string& folder);

}  // namespace stillwatch::bench
