// What `watermark` and `attribute` share: the master key, how a mark is laid, suspects' texts and evidence out of
// files.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "attribution/samples.h"
#include "watermark/evidence.h"

namespace stillwatch::apps {

// The whole content of a file or standard input (-), unpacked if it is gzip or Zstandard.
base::Result<std::string> read_content(const std::string& path);

// Lines of evidence: of a file as read_content() gives it, or of a gateway's store, named by its folder or by itself.
base::Result<std::string> read_evidence_text(const std::string& path);
base::Result<watermark::MasterKey> read_master(const std::string& path);
// All samples of some files.
base::Result<std::vector<attribution::Sample>> read_suspect(const std::vector<std::string>& paths);
base::Result<watermark::Evidence> read_evidence(const std::vector<std::string>& paths);
// Makes the file, readable by its owner alone, if it is not there.
base::Result<void> append_lines(const std::string& path, std::string_view lines);
base::Time now();

struct MarkArguments {
  std::string key_file;
  std::vector<std::string> labels;
  std::string scheme = "green";
  watermark::Mark mark;

  void add_to(CLI::App& command);
  base::Result<watermark::Mark> read() const;
};

}  // namespace stillwatch::apps
