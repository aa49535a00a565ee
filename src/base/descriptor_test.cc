#include "base/descriptor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace stillwatch::base {
namespace {

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) != -1;
}

TEST(Descriptor, IsClosedByItsLastOwner) {
  int fd = -1;
  {
    Descriptor first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    fd = first.get();
    Descriptor second = std::move(first);
    EXPECT_FALSE(first.good());
    EXPECT_TRUE(is_open(fd));
    EXPECT_TRUE(second.close());
    EXPECT_FALSE(is_open(fd));
    EXPECT_TRUE(second.close());  // nothing to lose
  }
  { const Descriptor input(STDIN_FILENO); }
  EXPECT_TRUE(is_open(STDIN_FILENO));
}

TEST(Descriptor, WritesAllWhateverThePipeTakesAtOnce) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Descriptor out(ends[0]);
  Descriptor in(ends[1]);
  const std::string sent(1 << 20, 'x');
  std::thread writing([&] {
    EXPECT_TRUE(in.write_all(sent));
    in.close();
  });
  size_t got = 0;
  char room[4096];
  for (long n = 1; n > 0; got += static_cast<size_t>(n)) n = out.read(room, sizeof room);
  writing.join();
  EXPECT_EQ(got, sent.size());
  EXPECT_EQ(Descriptor().read(room, 1), -1);
  EXPECT_FALSE(Descriptor().write_all("x"));
}

}  // namespace
}  // namespace stillwatch::base
