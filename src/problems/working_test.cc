#include "problems/working.h"

#include <gtest/gtest.h>

namespace stillwatch::problems {
namespace {

TEST(Working, GoesPlaceByPlace) {
  EXPECT_EQ(worked(347, '+', 285), "347+285=547+85=627+5=632");
  EXPECT_EQ(worked(40, '+', 7), "40+7=47");
  EXPECT_EQ(worked(5, '+', 300), "5+300=305");
  EXPECT_EQ(worked(632, '-', 285), "632-285=432-85=352-5=347");
  EXPECT_EQ(worked(85, '-', 85), "85-85=5-5=0");
  EXPECT_EQ(worked(3, '*', 247), "3*247=600+120+21=720+21=741");
  EXPECT_EQ(worked(247, '*', 3), "247*3=600+120+21=720+21=741");
  EXPECT_EQ(worked(4, '*', 7), "4*7=28");
  EXPECT_EQ(worked(60, '*', 4), "60*4=240");
  EXPECT_EQ(worked(12, '*', 34), "12*34=408");
  EXPECT_EQ(worked(735, '/', 3), "735/3=200+135/3=240+15/3=245");
  EXPECT_EQ(worked(56, '/', 8), "56/8=7");
  EXPECT_EQ(worked(120, '/', 6), "120/6=20");
}

}  // namespace
}  // namespace stillwatch::problems
