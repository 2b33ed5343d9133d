// Loaded into a program before libfaketime, whose clock_nanosleep (0.9.10) refuses every absolute sleep where
// the monotonic clock is left alone: that is each time.sleep() of CPython since 3.11. Sleeps are real ones.
#include <cerrno>
#include <ctime>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

int sleep_for_real(clockid_t clock, int flags, const timespec* wanted, timespec* left) {
  return ::syscall(SYS_clock_nanosleep, clock, flags, wanted, left) == 0 ? 0 : errno;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int clock_nanosleep(clockid_t clock, int flags,
                                                                      const timespec* wanted,
                                                                      timespec* left) {
  if (clock != CLOCK_REALTIME || !(flags & TIMER_ABSTIME) || !wanted)
    return sleep_for_real(clock, flags, wanted, left);
  // Until a time of the driven clock: what is left to it by that clock.
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  timespec rest{wanted->tv_sec - now.tv_sec, wanted->tv_nsec - now.tv_nsec};
  if (rest.tv_nsec < 0) {
    rest.tv_nsec += 1'000'000'000;
    --rest.tv_sec;
  }
  return rest.tv_sec < 0 ? 0 : sleep_for_real(CLOCK_MONOTONIC, 0, &rest, left);
}
