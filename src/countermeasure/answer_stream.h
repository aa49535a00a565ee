// An answer on its way to a client, event by event: Server-Sent Events, or one JSON document, which is a single event,
// or JSON lines (the answers of a batch), each of them one. Whole events are handed to an editor; what it does not
// touch passes byte for byte.
//
// Lines must be announced, and begin with `{`: what does not is some other file, and passes. Of the other two the first
// byte that is no white space tells: `{` and `[` begin a document. Bytes may come cut anywhere. Thread rule: a value,
// one thread. Bounds: kAnswerEventBytesMax held; an answer with a larger event is broken(): nothing more of it is
// passed on, because what cannot be read cannot be vouched for.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace stillwatch::countermeasure {

constexpr size_t kAnswerEventBytesMax = 8u << 20;  // a whole answer, where it does not stream

struct AnswerEvent {
  std::string_view name;  // of the `event` field; "" if it has none
  std::string_view data;  // all `data` fields joined; the document
  std::string_view raw;   // the bytes that it came as

  // What the editor may say: other data, nothing at all, or something in front of it (events as bytes, or nothing for a
  // document).
  bool changed = false;
  std::string new_data;
  bool drop = false;
  std::string before;

  void set_data(std::string data_now) {
    changed = true;
    new_data = std::move(data_now);
  }
};

class AnswerStream {
 public:
  using Editor = std::function<void(AnswerEvent&)>;

  explicit AnswerStream(bool lines = false) : lines_(lines) {}

  // Appends to `out` what may go on.
  void pass(std::string_view bytes, const Editor& editor, std::string& out);
  // At the end of the answer: what is left, a document or an event that was not closed.
  void finish(const Editor& editor, std::string& out);
  bool broken() const { return broken_; }
  // Whether an event is a document of its own, not a piece of an answer.
  bool of_documents() const { return kind_ == Kind::kDocument || kind_ == Kind::kLines; }

 private:
  enum class Kind { kUnknown, kEvents, kDocument, kLines, kOther };
  void take_event(std::string_view event, const Editor& editor, std::string& out);
  static void take_document(std::string_view document, const Editor& editor, std::string& out);

  bool lines_;
  Kind kind_ = Kind::kUnknown;
  std::string held_;
  size_t searched_ = 0;  // of held_, for the end of an event
  bool broken_ = false;
};

}  // namespace stillwatch::countermeasure
