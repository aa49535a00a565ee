#include "population/prompts.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "base/limits.h"
#include "population/topics.h"

namespace stillwatch::population {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using Json = nlohmann::json;

// Calls visit(line) for each line of a file, gzip or not; a line beyond the limit is passed over. False if the file
// cannot be read to its end.
template <typename Visit>
bool for_each_line(const fs::path& path, Visit visit) {
  const gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return false;
  std::string line;
  bool too_long = false;
  const auto append = [&](std::string_view part) {
    too_long = too_long || line.size() + part.size() > base::kLineBytesMax;
    if (!too_long) line.append(part);
  };
  const auto finish = [&] {
    if (!too_long && !line.empty()) visit(line);
    line.clear();
    too_long = false;
  };
  std::vector<char> buffer(1 << 16);
  int n = 0;
  while ((n = gzread(file, buffer.data(), static_cast<unsigned>(buffer.size()))) > 0) {
    std::string_view rest(buffer.data(), static_cast<size_t>(n));
    for (size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      append(rest.substr(0, end));
      finish();
      rest.remove_prefix(end + 1);
    }
    append(rest);
  }
  finish();
  // A gzip file that was cut off reads like a short one, only closing it tells.
  return gzclose(file) == Z_OK && n == 0;
}

std::string text_of(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

struct Loader {
  Source& source;
  std::map<std::string, uint32_t> groups{};
  std::map<std::string, uint32_t> users{};

  void add(const std::string& line) {
    const Json object = Json::parse(line, nullptr, false);
    if (!object.is_object()) return;
    const auto messages = object.find("messages");
    if (messages == object.end() || !messages->is_array()) return;
    const std::string label = text_of(object, "label");
    if (!label.empty() && label != "benign" && source.folder != "distill") return;
    Conversation c;
    for (const Json& message : *messages) {
      const std::string role = text_of(message, "role");
      const std::string text = text_of(message, "content");
      if (role == "system" || text.empty()) continue;
      c.turns.push_back({role == "assistant", escape(text)});
    }
    c.response = escape(text_of(object, "response"));
    while (!c.turns.empty() && c.turns.back().assistant) {
      if (c.response.empty()) c.response = std::move(c.turns.back().text);
      c.turns.pop_back();
    }
    if (c.turns.empty()) return;
    c.part_hash = base::hash64(c.turns.front().text);
    std::string group;
    for (const char* key : {"template", "task", "intent"}) {
      if (group.empty()) group = text_of(object, key);
    }
    c.group = groups.emplace(group, static_cast<uint32_t>(groups.size())).first->second;
    if (const std::string user = text_of(object, "user"); !user.empty()) {
      c.user = users.emplace(user, static_cast<uint32_t>(users.size() + 1)).first->second;
    }
    source.conversations.push_back(std::move(c));
  }
};

bool has_suffix(std::string_view name, std::string_view suffix) {
  return name.size() > suffix.size() && name.substr(name.size() - suffix.size()) == suffix;
}

// How alike the conversations of one user are, see the header.
double measure_persistence(const std::vector<Source>& sources) {
  double same = 0, pairs = 0, agree = 0, others = 0;
  for (const Source& source : sources) {
    std::map<uint32_t, std::vector<uint16_t>> topics;
    for (const Conversation& c : source.conversations) {
      if (c.user != 0) topics[c.user].push_back(c.topic);
    }
    std::vector<double> counts(kTopics, 0.0);
    double users = 0;
    for (const auto& [user, own] : topics) {
      for (size_t i = 0; i < own.size(); ++i) {
        for (size_t j = 0; j < i; ++j) {
          // Every user weighs the same.
          const double weight = 1.0 / static_cast<double>(own.size());
          same += weight * (own[i] == own[j]);
          pairs += weight;
        }
      }
      counts[own.front()] += 1;
      users += 1;
    }
    if (users < 2) continue;
    for (const double c : counts) agree += c * (c - 1);
    others += users * (users - 1);
  }
  if (pairs < 30 || others == 0) return 0.6;
  const double p0 = agree / others;
  return std::sqrt(std::clamp((same / pairs - p0) / (1 - p0), 0.05, 0.9));
}

}  // namespace

uint32_t Conversation::user_turns() const {
  return static_cast<uint32_t>(std::count_if(turns.begin(), turns.end(), [](const Spoken& s) { return !s.assistant; }));
}

std::string escape(std::string_view text) {
  std::string quoted = Json(text).dump(-1, ' ', false, Json::error_handler_t::ignore);
  return quoted.substr(1, quoted.size() - 2);
}

// When the text after a star does not fit, only the last star has to take in more: never worse than |glob| * |text|.
bool glob_matches(std::string_view glob, std::string_view text) {
  size_t g = 0, t = 0;
  size_t after_star = std::string_view::npos;  // place in the glob behind the last star
  size_t taken_to = 0;                         // place in the text up to which that star reaches
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      after_star = ++g;
      taken_to = t;
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
      ++g;
      ++t;
    } else if (after_star != std::string_view::npos) {
      g = after_star;
      t = ++taken_to;
    } else {
      return false;
    }
  }
  return glob.find_first_not_of('*', g) == std::string_view::npos;
}

base::Result<Prompts> Prompts::load(const std::vector<std::string>& directories) {
  std::vector<fs::path> files;
  for (const std::string& directory : directories) {
    std::error_code error;
    for (fs::recursive_directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
      const std::string name = it->path().filename().string();
      if (has_suffix(name, ".jsonl") || has_suffix(name, ".jsonl.gz")) files.push_back(it->path());
    }
    if (error)
      return base::fail(ErrorCode::kInput,
                        fmt::format("cannot read the prompts in {}: {}", directory, error.message()));
  }
  std::sort(files.begin(), files.end());
  Prompts prompts;
  size_t total = 0;
  for (const fs::path& path : files) {
    Source source;
    source.folder = path.parent_path().filename().string();
    source.name = path.filename().string();
    source.name = source.name.substr(0, source.name.find(".jsonl"));
    Loader loader{source};
    const bool whole = for_each_line(path, [&](const std::string& line) {
      if (total + source.conversations.size() < kConversationsMax) loader.add(line);
    });
    if (!whole) return base::fail(ErrorCode::kInput, fmt::format("{} cannot be read or is cut off", path.string()));
    total += source.conversations.size();
    source.groups = static_cast<uint32_t>(loader.groups.size());
    if (!source.conversations.empty()) prompts.sources.push_back(std::move(source));
  }
  if (prompts.sources.empty()) {
    return base::fail(ErrorCode::kInput,
                      fmt::format("{} holds no prompts: *.jsonl or *.jsonl.gz with `messages` are looked for",
                                  fmt::join(directories, ", ")));
  }
  assign_topics(prompts.sources);
  prompts.persistence = measure_persistence(prompts.sources);
  return prompts;
}

std::vector<const Source*> Prompts::matching(const std::vector<std::string>& globs) const {
  std::vector<const Source*> found;
  for (const Source& source : sources) {
    const std::string name = source.folder + "/" + source.name;
    if (std::any_of(globs.begin(), globs.end(), [&](const std::string& g) { return glob_matches(g, name); })) {
      found.push_back(&source);
    }
  }
  return found;
}

}  // namespace stillwatch::population
