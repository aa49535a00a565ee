// tokens TOKENIZER.json: reads a JSON string a line; writes the tokens that the lab makes of it, as a JSON array, and
// `lost` before it where they do not give back the same bytes.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "model/tokenizer.h"

int main(int argc, char** argv) {
  using stillwatch::model::Tokenizer;
  if (argc != 2) {
    fmt::print(stderr, "usage: tokens TOKENIZER.json\n");
    return 2;
  }
  std::ifstream file(argv[1]);
  const std::string json(std::istreambuf_iterator<char>(file), {});
  const auto tokenizer = Tokenizer::from_json(json, argv[1]);
  if (!tokenizer) {
    fmt::print(stderr, "{}\n", tokenizer.error().message);
    return 3;
  }
  std::vector<int32_t> tokens;
  for (std::string line; std::getline(std::cin, line);) {
    const auto text = nlohmann::json::parse(line).get<std::string>();
    tokens.clear();
    tokenizer->encode(text, stillwatch::model::Marks::kText, tokens);
    fmt::print("{}[{}]\n", tokenizer->decode(tokens) == text ? "" : "lost ", fmt::join(tokens, ","));
  }
}
