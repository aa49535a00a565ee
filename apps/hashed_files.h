// Everything that an attribution read, with its hash, so that the report can name it.
#pragma once

#include <fmt/format.h>
#include <sodium.h>

#include <string>
#include <vector>

#include "attribution/findings.h"
#include "base/encoding.h"
#include "files.h"
#include "marks.h"
#include "report/attribution.h"

namespace stillwatch::apps {

class HashedFiles {
 public:
  base::Result<std::string> read(const std::string& role, const std::string& path) {
    auto text = read_content(path);
    if (text) note(role, path, *text);
    return text;
  }
  void note(const std::string& role, const std::string& name, std::string_view bytes) {
    uint8_t hash[32];
    crypto_generichash(hash, sizeof hash, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), nullptr,
                       0);
    read_.push_back({role, name, bytes.size(), base::to_hex(hash)});
  }
  base::Result<std::vector<attribution::Sample>> samples(const std::string& role, const std::string& path) {
    const auto text = read(role, path);
    if (!text) return tl::unexpected(text.error());
    return attribution::read_samples(*text, path);
  }
  base::Result<attribution::Model> model(const std::string& role, const std::string& argument) {
    const size_t equals = argument.find('=');
    if (equals == argument.npos || equals == 0)
      return base::fail(base::ErrorCode::kUsage, fmt::format("--{} is NAME=FILE", role));
    auto read = samples(role, argument.substr(equals + 1));
    if (!read) return tl::unexpected(read.error());
    return attribution::Model{argument.substr(0, equals), std::move(*read)};
  }
  const std::vector<report::ReadFile>& all() const { return read_; }

 private:
  std::vector<report::ReadFile> read_;
};

}  // namespace stillwatch::apps
