#include "gateway/syslog.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <ctime>

#include "base/descriptor.h"

namespace stillwatch::gateway {
namespace {

constexpr int kPriority = 10 * 8 + 4;  // authpriv, warning

// In the machine's own time zone, as the format has none.
std::string stamp(base::Time now) {
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const time_t seconds = base::to_ms(now) / 1000;
  tm local{};
  ::localtime_r(&seconds, &local);
  return fmt::format("{} {:2} {:02}:{:02}:{:02}", kMonths[static_cast<size_t>(local.tm_mon)], local.tm_mday,
                     local.tm_hour, local.tm_min, local.tm_sec);
}

}  // namespace

bool send_to_syslog(const std::string& socket_path, std::string_view line, base::Time now) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  const base::Descriptor log(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!log.good() || ::connect(log.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return false;
  const std::string text = fmt::format("<{}>{} stillwatch[{}]: {}", kPriority, stamp(now), ::getpid(), line);
  return ::send(log.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

}  // namespace stillwatch::gateway
