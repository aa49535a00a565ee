// A calculation worked place by place, so that every equals sign asks for one small fact: 347+285=547+85=627+5=632,
// 632-85=552-5=547, 3*247=600+120+21=720+21=741, 735/3=200+135/3=240+15/3=245. What has one place is done at once.
//
// All parts between equals signs have the same value. Thread rule: pure function.
#pragma once

#include <string>

namespace stillwatch::problems {

// REQUIRES: a and b are positive and below 10,000; a >= b for '-'; b is one digit and divides a for '/'. One of the
// factors of '*' has one place other than zero, else the product is written at once.
std::string worked(int a, char sign, int b);

}  // namespace stillwatch::problems
