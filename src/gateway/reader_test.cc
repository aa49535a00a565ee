#include "gateway/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/json.h"

namespace stillwatch::gateway {
namespace {

base::Time the_time() {
  return base::from_ms(1'772'409'600'000);
}

// Observations of one account, read to their end.
class Watched {
 public:
  void see(std::string target, std::string request, std::string response, bool streamed = false) {
    Observation o;
    o.time = the_time();
    o.account = "acct_1";
    o.status = 200;
    o.streamed = streamed;
    o.target = std::move(target);
    o.request = std::move(request);
    o.response = std::move(response);
    observer_.submit(o);
  }
  pipeline::AccountFinding account() {
    observer_.finish();
    return observer_.findings().ranked.at(0);
  }
  Observer& observer() { return observer_; }

 private:
  Observer observer_{std::make_unique<pipeline::Pipeline>(nullptr, verdict::Labels(), pipeline::Options{}), nullptr};
};

std::string question(int i, std::string_view more = "") {
  return R"({"model":"m")" + std::string(more) + R"(,"input":"Question )" + std::to_string(i) + R"( about rivers"})";
}
std::string reply(std::string_view id) {
  return R"({"id":")" + std::string(id) +
         R"(","object":"response","output":[{"type":"message","content":[{"type":"output_text","text":"It is."}]}],"usage":{"output_tokens":10}})";
}

std::vector<std::pair<size_t, uint32_t>> depths(const pipeline::AccountFinding& a) {
  std::vector<std::pair<size_t, uint32_t>> out;
  a.summary->depth.for_each([&](size_t bin, uint32_t n) { out.emplace_back(bin, n); });
  return out;
}

TEST(Reader, FollowsConversationsThatTheServerHolds) {
  Watched w;
  w.see("/v1/responses", question(1), reply("resp_a"));
  w.see("/v1/responses", question(2, R"(,"previous_response_id":"resp_a")"), reply("resp_b"));
  w.see("/v1/responses", question(3, R"(,"previous_response_id":"resp_b","stream":true)"),
        "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":" + reply("resp_c") + "}\n\n",
        true);
  w.see("/v1/responses", question(4, R"(,"previous_response_id":"resp_c")"), reply("resp_d"));
  w.see("/v1/responses", question(5, R"(,"previous_response_id":"resp_before_us")"), reply("resp_e"));
  const auto a = w.account();
  EXPECT_EQ(a.exposure.output_tokens, 50u);
  // One at the beginning, two with one answer before (of one of them no more is known), one with two, one with three.
  EXPECT_THAT(depths(a), testing::ElementsAre(std::pair(0, 1), std::pair(1, 2), std::pair(2, 1), std::pair(3, 1)));
}

TEST(Reader, CountsAnswersOfABatchOnceAndWithTheirRequests) {
  Watched w;
  w.see("/v1/files",
        "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n"
        R"({"custom_id":"1","body":{"messages":[{"role":"user","content":"One river"}]}})"
        "\n"
        R"({"custom_id":"2","body":{"messages":[{"role":"user","content":"Two rivers"}]}})"
        "\n--b--\r\n",
        R"({"id":"file-1"})");
  const std::string answers =
      R"({"id":"batch_req_1","custom_id":"1","response":{"status_code":200,"body":{"id":"c1","choices":[{"message":{"content":"Rhine"}}],"usage":{"completion_tokens":100}}},"error":null})"
      "\n"
      R"({"id":"batch_req_2","custom_id":"2","response":{"status_code":200,"body":{"id":"c2","choices":[{"message":{"content":"Rhine, Elbe"}}],"usage":{"completion_tokens":200}}},"error":null})"
      "\n"
      R"({"id":"batch_req_3","custom_id":"3","response":{"status_code":500,"body":{"error":{"message":"no"}}}})"
      "\n";
  w.see("/v1/files/file-2/content", "", answers);
  w.see("/v1/files/file-2/content?again", "", answers);
  w.see("/v1/files/file-2", "", answers);  // speaks of a file, is none
  const auto a = w.account();
  EXPECT_EQ(w.observer().counts().prompts, 2u);
  EXPECT_EQ(a.exchanges, 2u);
  EXPECT_EQ(a.exposure.output_tokens, 300u);
  EXPECT_EQ(a.summary->output.sum(), 2u);
  EXPECT_EQ(a.summary->output[profile::size_bin(200)], 1u);
}

TEST(Reader, CountsResultsOfMessageBatches) {
  Watched w;
  w.see("/v1/messages/batches",
        R"({"requests":[{"custom_id":"a","params":{"messages":[{"role":"user","content":"One river"}]}}]})", "{}");
  w.see(
      "/v1/messages/batches/msgbatch_1/results", "",
      R"({"custom_id":"a","result":{"type":"succeeded","message":{"id":"msg_1","type":"message","content":[{"type":"text","text":"Rhine"}],"usage":{"output_tokens":7}}}})"
      "\n"
      R"({"custom_id":"b","result":{"type":"errored","error":{}}})"
      "\n");
  const auto a = w.account();
  EXPECT_EQ(a.exchanges, 1u);
  EXPECT_EQ(a.exposure.output_tokens, 7u);
}

}  // namespace
}  // namespace stillwatch::gateway
