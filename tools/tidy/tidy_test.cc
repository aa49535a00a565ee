// Each rule fires on a bad sample and is quiet on the good one beside it.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <utility>

#include "tidy/rules.h"
#include "tidy/tree.h"

namespace stillwatch::tidy {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

Tree tree_of(std::initializer_list<std::pair<const char*, const char*>> files) {
  Tree tree;
  for (const auto& [path, text] : files) tree.push_back(make_file(path, text));
  return tree;
}

auto finding(const std::string& path, size_t line, const std::string& says) {
  return AllOf(Field(&Finding::path, path), Field(&Finding::line, line), Field(&Finding::message, HasSubstr(says)));
}

Findings bans_in(const char* path, const char* text) {
  return check_bans(tree_of({{path, text}}));
}
Findings layout_of(const char* path, const char* text) {
  return check_layout(tree_of({{path, text}}), {});
}

TEST(Blanking, KeepsCodeInPlaceAndDropsCommentsAndLiterals) {
  EXPECT_EQ(blank_comments_and_literals("a; // b\nc;"), "a;     \nc;");
  EXPECT_EQ(blank_comments_and_literals("a /* b\n c */ d"), "a     \n      d");
  EXPECT_EQ(blank_comments_and_literals(R"(f("a\"b", 'c');)"), R"(f("    ", ' ');)");
  EXPECT_EQ(blank_comments_and_literals("R\"x(a)\" )x\" + b"), "R\"        \" + b");
  EXPECT_EQ(blank_comments_and_literals("65'536 + 0xdead'beef'00 + u8'a'"), "65'536 + 0xdead'beef'00 + u8' '");
  EXPECT_EQ(blank_comments_and_literals("\"//\" + y // z\\\nz\nw"), "\"  \" + y      \n \nw");
}

TEST(Blanking, SurvivesWhatIsNeverClosed) {
  for (const char* open : {"\"abc", "'", "/* x", "R\"(", "R\"", "R\"abc", "\"\\", "//", "// \\\n", "\\", ""}) {
    EXPECT_EQ(blank_comments_and_literals(open).size(), std::string(open).size()) << open;
  }
}

TEST(House, AllowsWhatTheTableAllowsTransitively) {
  EXPECT_THAT(
      check_house(tree_of({{"src/base/a.h", ""},
                           {"src/sketch/b.h", "#include \"base/a.h\"\n"},
                           {"src/features/c.cc", "#include <vector>\n#include \"sketch/b.h\"\n#include \"base/a.h\"\n"},
                           {"src/verdict/d.cc", "#include \"sketch/b.h\"\n"},
                           {"apps/main.cc", "#include \"verdict/d.h\"\n"}})),
      IsEmpty());
}

TEST(House, NamesFileAndLineOfAnIncludeAgainstTheTable) {
  EXPECT_THAT(check_house(tree_of({{"src/base/a.h", "#pragma once\n\n#include \"stats/b.h\"\n"},
                                   {"src/stats/b.h", ""},
                                   {"src/sketch/c.cc", "#include <stats/b.h>\n"}})),
              UnorderedElementsAre(finding("src/base/a.h", 3, "base may not include stats/b.h"),
                                   finding("src/sketch/c.cc", 1, "it may: base sketch")));
}

TEST(House, IgnoresIncludesInComments) {
  EXPECT_THAT(check_house(tree_of({{"src/base/a.h", "// #include \"stats/b.h\"\n"}, {"src/stats/b.h", ""}})),
              IsEmpty());
}

TEST(House, KnowsEveryFolderOfSrc) {
  EXPECT_THAT(check_house(tree_of({{"src/CMakeLists.txt", ""}, {"src/util/a.h", ""}, {"src/util/b.h", ""}})),
              ElementsAre(finding("src/util/a.h", 0, "src/util/ has no row")));
}

TEST(House, WantsIncludesToNameTheirModule) {
  EXPECT_THAT(check_house(tree_of({{"src/base/a.cc", "#include \"a.h\"\n"}, {"src/base/a.h", ""}})),
              ElementsAre(finding("src/base/a.cc", 1, "is no file of src/")));
}

TEST(House, FindsIncludeCyclesOnce) {
  EXPECT_THAT(check_house(tree_of({{"src/base/a.h", "#include \"base/b.h\"\n"},
                                   {"src/base/b.h", "\n#include \"base/c.h\"\n"},
                                   {"src/base/c.h", "#include \"base/a.h\"\n"}})),
              ElementsAre(finding("src/base/c.h", 1, "base/a.h -> src/base/b.h -> src/base/c.h -> src/base/a.h")));
}

TEST(DeadFiles, WantsEverySourceCompiled) {
  EXPECT_THAT(
      check_dead_files(tree_of({{"CMakeLists.txt", "add_subdirectory(src)\nadd_subdirectory(apps)\n"},
                                {"src/CMakeLists.txt", "add_subdirectory(base)\n"},
                                {"src/base/CMakeLists.txt", "stillwatch_module(base)\n"},
                                {"src/base/a.cc", ""},
                                {"src/base/deep/b.cc", ""},
                                {"apps/CMakeLists.txt", "add_executable(x main.cc)\n"},
                                {"apps/main.cc", ""},
                                {"apps/old_main.cc", ""}})),
      ElementsAre(finding("src/base/deep/b.cc", 0, "not compiled"), finding("apps/old_main.cc", 0, "not compiled")));
}

TEST(DeadFiles, WantsEveryBuildFileAdded) {
  EXPECT_THAT(check_dead_files(tree_of({{"CMakeLists.txt", "add_subdirectory(src)\n"},
                                        {"src/CMakeLists.txt", "foreach(module base)\n"},
                                        {"src/base/CMakeLists.txt", ""},
                                        {"src/stats/CMakeLists.txt", ""}})),
              ElementsAre(finding("src/stats/CMakeLists.txt", 0, "not added")));
  EXPECT_THAT(check_dead_files(
                  tree_of({{"CMakeLists.txt", "add_subdirectory(data/make)\n"}, {"data/make/CMakeLists.txt", ""}})),
              IsEmpty());
}

TEST(DeadFiles, WantsHeadersUsedBeyondTheirOwnTests) {
  EXPECT_THAT(check_dead_files(tree_of({{"CMakeLists.txt", "a.cc a_test.cc b_test.cc GLOB src"},
                                        {"src/CMakeLists.txt", "base"},
                                        {"src/base/CMakeLists.txt", "stillwatch_module(base)"},
                                        {"src/base/a.h", ""},
                                        {"src/base/a.cc", "#include \"base/a.h\"\n"},
                                        {"src/base/a_test.cc", "#include \"base/a.h\"\n"},
                                        {"src/base/twin.h", ""},
                                        {"src/base/b_test.cc", "#include \"base/twin.h\"\n"}})),
              ElementsAre(finding("src/base/a.h", 0, "included by nothing but its own")));
}

TEST(DeadFiles, PairsFuzzersWithSeeds) {
  const Tree tree = tree_of({{"CMakeLists.txt", "src"},
                             {"src/CMakeLists.txt", "base"},
                             {"src/base/CMakeLists.txt", "stillwatch_module(base)"},
                             {"src/base/time_fuzz.cc", ""},
                             {"src/base/fuzz/time/plain", "x"},
                             {"src/base/zone_fuzz.cc", ""},
                             {"src/base/fuzz/gone/plain", "x"}});
  EXPECT_THAT(check_dead_files(tree), ElementsAre(finding("src/base/fuzz/gone/plain", 0, "src/base/gone_fuzz.cc"),
                                                  finding("src/base/zone_fuzz.cc", 0, "src/base/fuzz/zone/")));
}

TEST(DeadFiles, WantsDocumentsRulesAndScriptsNamed) {
  EXPECT_THAT(check_dead_files(tree_of({{"Makefile", "tools/demo cmake --preset\n"},
                                        {"README.md", "see docs/formats.md, include(Dependencies)\n"},
                                        {"cmake/Dependencies.cmake", ""},
                                        {"docs/formats.md", ""},
                                        {"docs/formats", ""},
                                        {"rules/old.yaml", ""},
                                        {"src/base/golden/a", ""},
                                        {"tools/demo", ""}})),
              ElementsAre(finding("rules/old.yaml", 0, "named by no other file")));
}

struct BanSample {
  const char* bad;
  const char* good;
  const char* instead;
};

class Bans : public ::testing::TestWithParam<BanSample> {};

TEST_P(Bans, FireOnTheCallAndNameItsReplacement) {
  EXPECT_THAT(bans_in("src/base/a.cc", GetParam().bad), ElementsAre(finding("src/base/a.cc", 1, GetParam().instead)));
}
TEST_P(Bans, AreQuietOnWhatOnlyLooksLikeIt) {
  EXPECT_THAT(bans_in("src/base/a.cc", GetParam().good), IsEmpty());
}
TEST_P(Bans, AreQuietInCommentsAndLiterals) {
  const std::string bad = GetParam().bad;
  EXPECT_THAT(bans_in("src/base/a.cc", ("// " + bad + "\n/* " + bad + " */ f(R\"(" + bad + ")\");\n").c_str()),
              IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    All, Bans,
    ::testing::Values(BanSample{"int x = std::rand();\n", "int x = operand(1) + random.rand();\n", "base::Random"},
                      BanSample{"int x = ::rand ();\n", "int x = mine::rand();\n", "base::Random"},
                      BanSample{"std::mt19937_64 e;\n", "int my_mt19937;\n", "base::Random"},
                      BanSample{"std::random_device d;\n", "int random_devices;\n", "apps/ draws the seed"},
                      BanSample{"#include <random>\n", "#include \"base/random.h\"\n", "base::Random"},
                      BanSample{"x = std::chrono::system_clock::now();\n", "std::chrono::system_clock::time_point t;\n",
                                "base::Time"},
                      BanSample{"x = steady_clock::now();\n", "x = clock.now();\n", "base::Time"},
                      BanSample{"x = time(nullptr);\n", "x = exchange.time + clock->time(nullptr);\n", "base::Time"},
                      BanSample{"x = std::stoi(s);\n", "x = histoi(s);\n", "std::from_chars"},
                      BanSample{"x = strtol(s, e, 10);\n", "int strtol_like;\n", "std::from_chars"},
                      BanSample{"printf(s);\n", "fmt::format(s);\n", "text returned to the caller"},
                      BanSample{"#include <iostream>\n", "#include <istream>\n", "text returned to the caller"},
                      BanSample{"std::cerr << x;\n", "int cerr;\n", "text returned to the caller"},
                      BanSample{"std::sprintf(a, b);\n", "fmt::format_to(a, b);\n", "fmt::format"},
                      BanSample{"strcpy(a, b);\n", "std::copy(a, b, c);\n", "std::string"},
                      BanSample{"std::regex r;\n", "int regex;\n", "a matcher written by hand"},
                      BanSample{"throw x;\n", "int throws; void f() noexcept;\n", "base::Result"},
                      BanSample{"assert(x);\n", "static_assert(x);\n", "a Result"},
                      BanSample{"using namespace std;\n", "using std::string;\n", "one by one"}));

TEST(BanScope, AppsMayReadTheClockAndThrow) {
  const char* code = "throw std::chrono::steady_clock::now();\nstd::random_device d;\nprintf(x);\n";
  EXPECT_THAT(bans_in("apps/main.cc", code), IsEmpty());
  EXPECT_THAT(bans_in("src/base/a.cc", code).size(), 4);
}

TEST(BanScope, BenchesMayTime) {
  const char* code = "auto t = std::chrono::steady_clock::now();\n";
  EXPECT_THAT(bans_in("bench/detect.cc", code), IsEmpty());
  EXPECT_THAT(bans_in("src/base/hash_bench.cc", code), IsEmpty());
  EXPECT_THAT(bans_in("src/base/hash_test.cc", code).size(), 1);
}

TEST(BannedWords, FindUnfinishedWorkAndLocalPathsInComments) {
  EXPECT_THAT(bans_in("src/base/a.cc", "// TODO: more\n// FIXME\n"),
              ElementsAre(finding("src/base/a.cc", 1, "TODO"), finding("src/base/a.cc", 2, "FIXME")));
  EXPECT_THAT(bans_in("docs/a.md", "look in `/home/me/x`\n"), ElementsAre(finding("docs/a.md", 1, "/home")));
  EXPECT_THAT(bans_in("docs/a.md", "TODOS, src/work/x, https://example.org/home, /homework, /usr/lib\n"), IsEmpty());
  EXPECT_THAT(bans_in("src/population/prompts/tasks.txt", "write a TODO app in /home/user\n"), IsEmpty());
}

TEST(Layout, FindsEachSlip) {
  EXPECT_THAT(layout_of("a.md", "a \n"), ElementsAre(finding("a.md", 1, "trailing")));
  EXPECT_THAT(layout_of("a.md", "b\n\ta\n"), ElementsAre(finding("a.md", 2, "tab")));
  EXPECT_THAT(layout_of("a.md", "a\r\n"), ElementsAre(finding("a.md", 1, "CRLF")));
  EXPECT_THAT(layout_of("a.md", "a\nb"), ElementsAre(finding("a.md", 2, "no line end")));
  for (const char* bytes : {"\xff\n", "\xc0\xaf\n", "\xed\xa0\x80\n", "\xf5\x80\x80\x80\n", "\xe2\x82\n"}) {
    EXPECT_THAT(layout_of("a.md", bytes), ElementsAre(finding("a.md", 1, "not UTF-8")));
  }
}

TEST(Layout, IsQuietOnGoodTextMakefilesAndData) {
  EXPECT_THAT(layout_of("a.md", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\n\nb\n"), IsEmpty());
  EXPECT_THAT(layout_of("empty.md", ""), IsEmpty());
  EXPECT_THAT(layout_of("Makefile", "a:\n\tb\n"), IsEmpty());
  EXPECT_THAT(layout_of("src/base/fuzz/time/seed", "\xff \r\n\t"), IsEmpty());
  EXPECT_THAT(layout_of("docs/plot.png", "\xff \r\n\t"), IsEmpty());
}

TEST(Layout, WantsPragmaOnceInCode) {
  EXPECT_THAT(layout_of("src/base/a.h", "// #pragma once\n"), ElementsAre(finding("src/base/a.h", 1, "#pragma once")));
  EXPECT_THAT(layout_of("src/base/a.h", "// what\n#pragma once\n"), IsEmpty());
}

TEST(Layout, ReportsLongSourcesUnlessExcused) {
  std::string text;
  for (int i = 0; i < 400; ++i) text += "x;\n";
  EXPECT_THAT(layout_of("src/a.cc", text.c_str()), IsEmpty());
  text += "x;\n";
  EXPECT_THAT(layout_of("src/a.cc", text.c_str()), ElementsAre(finding("src/a.cc", 401, "401 lines")));
  const LongFile excuse[] = {{"src/a.cc", "one table"}};
  EXPECT_THAT(check_layout(tree_of({{"src/a.cc", text.c_str()}}), excuse), IsEmpty());
  EXPECT_THAT(check_layout(tree_of({{"src/a.cc", "x;\n"}}), excuse), ElementsAre(finding("src/a.cc", 0, "strike it")));
  EXPECT_THAT(check_layout({}, excuse), ElementsAre(finding("src/a.cc", 0, "is gone")));
}

TEST(ReadTree, SkipsWhatGitIgnoresAndReadsTheRest) {
  namespace fs = std::filesystem;
  const fs::path root = fs::path(testing::TempDir()) / "stillwatch_tidy_read_tree";
  fs::remove_all(root);
  const auto write = [&](const char* path, const char* text) {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text;
  };
  write(".gitignore", "/build/\nnode_modules/\n");
  write("build/a.cc", "x");
  write("web/node_modules/b.js", "x");
  write(".git/config", "x");
  write(".ci/run", "true\n");
  write("src/build/a.cc", "int x;  // y\n");
  write("docs/plot.png", "x");
  const auto tree = read_tree(root);
  ASSERT_TRUE(tree.has_value());
  EXPECT_THAT(*tree, ElementsAre(Field(&File::path, ".ci/run"), Field(&File::path, ".gitignore"),
                                 AllOf(Field(&File::path, "docs/plot.png"), Field(&File::text, "")),
                                 AllOf(Field(&File::path, "src/build/a.cc"), Field(&File::code, "int x;      \n"))));
  fs::remove_all(root);
  EXPECT_EQ(read_tree(root).error().code, base::ErrorCode::kInput);
}

}  // namespace
}  // namespace stillwatch::tidy
