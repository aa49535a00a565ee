// Marking, detecting, attributing and trying policies, as people run them.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "net/test_server.h"
#include "program.h"
#include "watermark/canary.h"
#include "watermark/evidence.h"
#include "watermark/test_text.h"

namespace {

namespace wm = stillwatch::watermark;
using Json = nlohmann::json;
using stillwatch::net::TestServer;

class Proof : public ProgramTest {
 protected:
  // Drafts of a teacher, marked for an account, with evidence; and a model that never saw them.
  void mark(int answers) {
    ASSERT_EQ(run("watermark key --out master.key").status, 0);
    write("master.key", std::string(62, '0') + "07\n");  // what follows must not depend on chance
    const wm::TestLanguage language(3);
    stillwatch::base::Random random(4);
    std::string drafts, clean, reference;
    for (int i = 0; i < answers; ++i) {
      Json line = {{"account", "acct_1"}, {"prompt", fmt::format("question {}", i)}, {"drafts", Json::array()}};
      for (int d = 0; d < 4; ++d) line["drafts"].push_back(language.text(80, random, i));
      drafts += line.dump() + "\n";
      clean += Json{{"prompt", line["prompt"]}, {"answer", language.text(80, random, i)}}.dump() + "\n";
    }
    write("drafts.jsonl", drafts);
    for (int i = 0; i < answers; ++i) reference += Json{{"text", language.text(80, random, i)}}.dump() + "\n";
    write("clean.jsonl", clean);
    write("reference.jsonl", reference);
    const ProgramResult r =
        run("watermark select drafts.jsonl --key-file master.key --label campaign:1 --evidence evidence.jsonl --out "
            "marked.jsonl");
    ASSERT_EQ(r.status, 0) << r.output;
  }
};

TEST_F(Proof, MarksAreDetectedAndAttributed) {
  mark(60);
  EXPECT_EQ(run("watermark key --out master.key").status, 3);  // never written over
  const ProgramResult found = run("watermark detect marked.jsonl --key-file master.key --label campaign:1 --json -");
  ASSERT_EQ(found.status, 0) << found.output;
  EXPECT_LT(Json::parse(found.output)["labels"][0]["p_value"], 1e-6);
  const ProgramResult none =
      run("watermark detect clean.jsonl --key-file master.key --label campaign:1 --evidence evidence.jsonl --json -");
  ASSERT_EQ(none.status, 0) << none.output;
  EXPECT_GT(Json::parse(none.output)["labels"][0]["p_value"], 1e-3);

  const ProgramResult guilty =
      run("attribute --suspect marked.jsonl --evidence evidence.jsonl --key-file master.key --clean honest=clean.jsonl "
          "--out r.json --out r.html --fail-on inconsistent");
  EXPECT_EQ(guilty.status, 1) << guilty.output;
  const Json report = Json::parse(read("r.json"));
  EXPECT_EQ(report["verdict"], "inconsistent-with-chance");
  ASSERT_EQ(report["tests"].size(), 2u);
  EXPECT_EQ(report["tests"][1]["test"], "radioactivity-filtered");
  EXPECT_EQ(report["tests"][0]["clean_models"][0]["name"], "honest");
  EXPECT_EQ(report["evidence"]["marks"][0]["answers"], 60);
  EXPECT_EQ(report["files"].size(), 3u);
  EXPECT_NE(read("r.html").find("inconsistent with chance"), std::string::npos);
  const ProgramResult innocent = run(
      "attribute --suspect clean.jsonl --evidence evidence.jsonl --key-file master.key --out - --fail-on inconsistent");
  EXPECT_EQ(innocent.status, 0) << innocent.output;
  EXPECT_EQ(Json::parse(innocent.output)["verdict"], "consistent-with-chance");

  ASSERT_EQ(run("watermark key --out other.key").status, 0);
  const ProgramResult wrong = run("attribute --suspect clean.jsonl --evidence evidence.jsonl --key-file other.key");
  EXPECT_EQ(wrong.status, 3);
  EXPECT_NE(wrong.output.find("another master key"), std::string::npos);
}

TEST_F(Proof, FrequenciesAreHeldAgainstAReference) {
  mark(300);
  const auto tested = [&](const std::string& suspect) {
    const ProgramResult r = run("attribute --suspect " + suspect +
                                " --evidence evidence.jsonl --key-file master.key --reference reference.jsonl "
                                "--wrong-keys 20 --out -");
    EXPECT_EQ(r.status, 0) << r.output;
    Json report = Json::parse(r.output);
    EXPECT_EQ(report["tests"].size(), 4u);
    EXPECT_EQ(report["tests"][2]["test"], "contrast");
    EXPECT_EQ(report["tests"][3]["test"], "contrast-filtered");
    return report;
  };
  EXPECT_LT(tested("marked.jsonl")["tests"][2]["p_value"], 1e-2);
  EXPECT_GT(tested("clean.jsonl")["tests"][2]["p_value"], 1e-3);
}

// An endpoint that recalls every canary it was given, and expects what was marked when it is made to read.
TEST_F(Proof, AnEndpointIsAskedForCanariesAndMadeToRead) {
  mark(10);
  const ProgramResult committed =
      run("watermark canaries --key-file master.key --label canaries:1 --size 400 --evidence evidence.jsonl");
  ASSERT_EQ(committed.status, 0) << committed.output;
  const auto master = wm::MasterKey::parse(read("master.key"));
  ASSERT_TRUE(master);
  const wm::CanaryPool pool(master->derive("canaries:1"), 400);
  EXPECT_EQ(committed.output, pool.hash() + "\n");
  const auto now = stillwatch::base::from_ms(4'000'000'000'000);
  std::string lines;
  std::vector<uint32_t> given;
  for (const char* account : {"acct_1", "acct_2", "acct_3"}) {
    for (const uint32_t i : pool.of_account(account, 8)) {
      lines += wm::canary_line(now, account, pool.hash(), i);
      if (std::string_view(account) == "acct_2") given.push_back(i);
    }
  }
  std::ofstream(folder_ / "evidence.jsonl", std::ios::app) << lines;

  const TestServer suspect([&](const TestServer::Request& r) {
    const Json body = Json::parse(r.body);
    if (body.contains("prompt")) {  // /completions: echo with one alternative a token
      return TestServer::answer(
          Json{{"choices",
                {{{"logprobs",
                   {{"tokens", {"It", " rained", " all", " day"}},
                    {"top_logprobs", {nullptr, {{" was", -0.2}}, {{" all", -0.1}}, {{" night", -0.3}}}}}}}}}}
              .dump());
    }
    const std::string question = body["messages"][0]["content"];
    std::string said = "I do not know.";
    for (const uint32_t i : given) {
      if (question.ends_with(pool[i].question)) said = pool[i].secret;
    }
    return TestServer::answer(
        Json{{"choices", {{{"message", {{"content", said}}}, {"finish_reason", "stop"}}}}}.dump());
  });
  write("read.txt", "It rained all day");
  const ProgramResult r =
      run("attribute --suspect " + suspect.url() +
          " --model m --evidence evidence.jsonl --key-file master.key --read-texts read.txt --out r.json "
          "--transcript said.jsonl --wrong-keys 20");
  ASSERT_EQ(r.status, 0) << r.output;
  const Json report = Json::parse(read("r.json"));
  EXPECT_EQ(report["verdict"], "inconsistent-with-chance") << r.output;
  std::map<std::string, Json> tests;
  for (const Json& t : report["tests"]) tests[t["test"]] = t;
  EXPECT_EQ(tests["canaries"]["figures"]["recalled_issued"], 8);
  EXPECT_EQ(tests["canaries"]["figures"]["recalled"], 8);
  EXPECT_LT(tests["canaries"]["p_value"], 1e-3);
  EXPECT_EQ(tests["canaries-of-account"]["subject"], "acct_2");
  EXPECT_EQ(tests["reading"]["subject"], "campaign:1");
  EXPECT_EQ(tests["reading"]["figures"]["windows"], 2);
  EXPECT_TRUE(tests.contains("reading-filtered"));
  EXPECT_FALSE(tests.contains("radioactivity"));  // nothing was said but names

  // The transcript makes the same report, without asking.
  const ProgramResult again =
      run("attribute --suspect said.jsonl --readings said.jsonl.readings --evidence evidence.jsonl --key-file "
          "master.key --wrong-keys 20 --out -");
  ASSERT_EQ(again.status, 0) << again.output;
  EXPECT_EQ(Json::parse(again.output)["tests"], report["tests"]);
}

// What a suspect's server makes of being asked to read.
TEST_F(Proof, EndpointsThatCannotTellWhatTheyExpectAreNamed) {
  mark(2);
  write("read.txt", "It rained all day and all night");
  const auto read = [&](std::string body, int status = 200, const std::string& more = "") {
    const TestServer suspect([&](const TestServer::Request&) { return TestServer::answer(body, status); });
    return run("attribute --suspect " + suspect.url() +
               " --evidence evidence.jsonl --key-file master.key --read-texts read.txt --wrong-keys 2 " + more);
  };
  const auto said = [](const ProgramResult& r, int status, std::string_view what) {
    EXPECT_EQ(r.status, status) << r.output;
    EXPECT_NE(r.output.find(what), std::string::npos) << r.output;
  };
  const auto told = [](const Json& tokens, const Json& tops) {
    return Json{{"choices", {{{"logprobs", {{"tokens", tokens}, {"top_logprobs", tops}}}}}}}.dump();
  };
  said(read("{}", 404), 3, "status 404, asked for /v1/completions with echo and logprobs");
  said(read("not json"), 3, "no JSON object");
  said(read("{}"), 3, ":1: a choice is");
  said(read(std::string(100'000, '[')), 3, "no JSON object");
  said(read(R"({"choices":[{"text":"x","logprobs":null}]})"), 3, "\"echo\": true");
  said(read(told({" and"}, {{{" or", -0.5}}})), 3, "`echo` with the prompt's own log-probabilities");  // not echoed
  said(read(told({"token_id:1", "token_id:2"}, {nullptr, {{"token_id:3", -0.5}}})), 3, "return_tokens_as_token_ids");
  // It cannot pass for somebody else.
  Json forged = Json::parse(told({"It", " rained", " all"}, {nullptr, {{" is", -0.5}}, {{" in", -0.5}}}));
  forged["by"] = "clean:x";
  forged["more"] = {{"by", "reference"}};
  said(read(forged.dump(), 200, "--out -"), 0, "\"reading\"");
  said(run("attribute --suspect clean.jsonl --evidence evidence.jsonl --key-file master.key --read-texts read.txt"), 2,
       "none is given");
  said(run("attribute --suspect clean.jsonl --evidence evidence.jsonl --key-file master.key --reference "
           "http://127.0.0.1:1/v1"),
       2, "--read-texts");
  said(run("attribute --evidence evidence.jsonl --key-file master.key"), 2, "there is no suspect");
}

// A model that holds everything it is asked as probable as another does, and that other.
TEST_F(Proof, AReferenceAndCleanModelsReadTheSameTexts) {
  mark(2);
  write("read.jsonl", R"({"text":"one two three four"})"
                      "\n"
                      R"({"text":"five six seven eight"})");
  std::atomic<int> keys{0};
  const auto reader = [&](double logprob) {
    return [&keys, logprob](const TestServer::Request& r) {
      const Json body = Json::parse(r.body);
      keys += r.head.find("secret") != std::string::npos;
      EXPECT_EQ(body["logprobs"], 7);
      EXPECT_TRUE(body["echo"]);
      EXPECT_FALSE(body["return_tokens_as_token_ids"]);
      Json tokens = Json::array(), tops = Json::array();
      std::stringstream words(body["prompt"].get<std::string>());
      for (std::string word; words >> word;) {
        tokens.push_back(" " + word);
        tops.push_back({{" likely", logprob}, {" other", -3.0}});
      }
      return TestServer::answer(
          Json{{"choices", {{{"logprobs", {{"tokens", tokens}, {"top_logprobs", tops}}}}}}}.dump());
    };
  };
  const TestServer suspect(reader(-0.1)), reference(reader(-0.5)), clean(reader(-0.5));
  ::setenv("STILLWATCH_TEST_KEY", "secret", 1);
  const ProgramResult r =
      run("attribute --suspect " + suspect.url() + " --api-key-env STILLWATCH_TEST_KEY --reference " + reference.url() +
          " --clean honest=" + clean.url() +
          " --read-texts read.jsonl --read-tops 7 --evidence evidence.jsonl --key-file master.key "
          "--wrong-keys 5 --out - --transcript said");
  ASSERT_EQ(r.status, 0) << r.output;
  EXPECT_EQ(keys, 2);  // the suspect's key is for the suspect
  const Json report = Json::parse(r.output);
  ASSERT_EQ(report["tests"].size(), 4u);
  EXPECT_EQ(report["tests"][2]["test"], "reading-contrast");
  EXPECT_EQ(report["tests"][2]["figures"]["places"], 4);
  EXPECT_EQ(report["tests"][2]["figures"]["reference_places"], 4);
  EXPECT_EQ(report["tests"][2]["figures"]["windows"], 8);
  for (const Json& t : report["tests"]) EXPECT_EQ(t["clean_models"][0]["name"], "honest");
  const ProgramResult again =
      run("attribute --readings said.readings --evidence evidence.jsonl --key-file master.key --wrong-keys 5 --out -");
  ASSERT_EQ(again.status, 0) << again.output;
  EXPECT_EQ(Json::parse(again.output)["tests"], report["tests"]);
}

TEST_F(Proof, ErrorsSayWhatToDo) {
  write("text.txt", "some words");
  write("bad.key", "0123 secret");
  EXPECT_EQ(run("attribute --suspect text.txt").status, 2);
  EXPECT_EQ(run("attribute --suspect text.txt --evidence e.jsonl").status, 2);
  const ProgramResult bad = run("watermark detect text.txt --key-file bad.key --label x");
  EXPECT_EQ(bad.status, 3);
  EXPECT_EQ(bad.output.find("secret"), std::string::npos);
  EXPECT_EQ(run("watermark detect text.txt --key-file bad.key --label x --context 9").status, 3);
  EXPECT_EQ(run("watermark detect missing --key-file bad.key --label x").status, 3);
  for (const char* help : {"watermark detect --help", "watermark select --help", "watermark canaries --help",
                           "watermark plan --help", "attribute --help", "policy test --help"}) {
    const ProgramResult r = run(help);
    EXPECT_EQ(r.status, 0) << help;
    EXPECT_NE(r.output.find("Exit status"), std::string::npos) << help;
    EXPECT_NE(r.output.find("xample"), std::string::npos) << help;
  }
}

TEST_F(Proof, PlansSayWhatItTakes) {
  const ProgramResult r = run("watermark plan --level 0.01 --shift 0.1 --issued 50 --others 450");
  EXPECT_EQ(r.status, 0);
  EXPECT_NE(r.output.find("best of  8 drafts        5 answers"), std::string::npos) << r.output;
  EXPECT_NE(r.output.find("100 %           1302 distinct windows"), std::string::npos) << r.output;
  EXPECT_NE(r.output.find("canaries: 2 of 50 issued"), std::string::npos) << r.output;
}

TEST_F(Proof, APolicyIsTriedBeforeItIsEnforced) {
  write("p.yaml",
        "duration_days: 8\nseed: 2\ngroups:\n  - {class: people, accounts: 380, exchanges_median: 45, exchanges_sigma: "
        "0.4}\n"
        "  - {class: harvest, name: heavy, accounts: 1, exchanges_median: 900}\n");
  ASSERT_EQ(run("population --config p.yaml --prompts " STILLWATCH_SOURCE_DIR
                "/data/prompts --out log.jsonl.gz --truth truth.jsonl")
                .status,
            0);
  write("one.yaml", "policy: {rungs: [{rung: refuse, mode: enforce}]}\n");
  write("two.yaml",
        "policy: {act_uncalibrated: true, rungs: [{rung: delay, when: {flagged: false, p_value_max: 0.05}}]}\n");
  const ProgramResult r =
      run("policy test --policy one.yaml --against two.yaml --over log.jsonl.gz --classes truth.jsonl --false-alarms "
          "20 --json - "
          "--fail-on hit");
  ASSERT_EQ(r.status, 1) << r.output;
  const Json json = Json::parse(r.output);
  EXPECT_EQ(json["groups"]["harvest"]["hit"], 1);
  EXPECT_EQ(json["groups"]["people"]["hit"], 0);
  EXPECT_EQ(json["all"]["accounts"], 381);
  EXPECT_EQ(json["all"]["enforced"], 0);  // not calibrated: it would only observe
  ASSERT_EQ(json["hits"].size(), 1u);
  EXPECT_EQ(json["hits"][0]["rungs"], "refuse");
  EXPECT_GE(json["against"]["hit"], 1);
  EXPECT_EQ(json["against"]["changes"][0]["come"], "refuse");
  EXPECT_EQ(json["against"]["changes"][0]["gone"], "delay");
  const ProgramResult shown = run("policy test --policy one.yaml --over log.jsonl.gz --quiet");
  EXPECT_EQ(shown.status, 0);
  write("none.yaml", "listen: 127.0.0.1:1\n");
  EXPECT_EQ(run("policy test --policy none.yaml --over log.jsonl.gz").status, 2);
}

}  // namespace
