#include "watermark/windows.h"

namespace stillwatch::watermark {

void Windows::add(std::span<const Unit> text, std::span<const Unit> prompt) {
  if (filter_ != nullptr && filter_->quoted_in(prompt, context_)) {
    ++counts_.quoting;
    return;
  }
  ++counts_.texts;
  counts_.units += text.size();
  in_prompt_.clear();
  for (size_t i = 0; i + stride() <= prompt.size(); ++i) in_prompt_.insert(hash_of(prompt.subspan(i, stride())));
  for (size_t i = 0; i + stride() <= text.size(); ++i) {
    const auto window = text.subspan(i, stride());
    if (in_prompt_.contains(hash_of(window))) {
      ++counts_.prompted;
    } else {
      add_window(window);
    }
  }
}

void Windows::add_text(std::string_view text, std::string_view prompt) {
  add(words_of(text), words_of(prompt));
}

void Windows::add_window(std::span<const Unit> window) {
  if (filter_ != nullptr && !filter_->passes(window)) {
    ++counts_.filtered;
  } else if (size() >= base::kWatermarkWindowsMax) {
    ++counts_.beyond;
  } else if (!known_.insert(hash_of(window))) {
    ++counts_.repeated;
  } else {
    units_.insert(units_.end(), window.begin(), window.end());
  }
}

}  // namespace stillwatch::watermark
