// The weights of a model as one row of numbers, tensor behind tensor in the order of model::slots_of: so that queries,
// keys and values are one matrix, gate and up another, and the optimiser walks once. Private to the module.
#pragma once

#include <string>
#include <vector>

#include "model/weights.h"

namespace stillwatch::training {

struct Segment {
  std::string name;
  std::vector<int64_t> shape;
  size_t begin, size;
  bool matrix;  // decays
};

class FlatLayout {
 public:
  explicit FlatLayout(const model::Config& config);
  size_t size() const { return size_; }
  const std::vector<Segment>& segments() const { return segments_; }
  // REQUIRES: there is one of that name.
  size_t begin_of(std::string_view name) const { return places_.find(name)->second; }

  model::Weights unpack(const std::vector<float>& flat) const;
  base::Result<void> pack(const model::Weights& weights, std::vector<float>& flat) const;

 private:
  std::vector<Segment> segments_;
  std::map<std::string, size_t, std::less<>> places_;
  size_t size_ = 0;
};

}  // namespace stillwatch::training
