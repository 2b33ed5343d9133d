// The clock is libfaketime's, but 0.9.10 keeps its lock where a fork finds it, refuses every absolute sleep
// where the monotonic clock is left alone (that is each time.sleep() of CPython since 3.11), and takes locks
// in waits for conditions.
#include <cerrno>
#include <ctime>
#include <dlfcn.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "replay/search/preload/shared.hpp"

namespace assay::preload {

void* of_the_next(const char* name) { return ::dlsym(RTLD_NEXT, name); }

void* of_the_c_library(const char* name) {
  static void* const library = ::dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  return library ? ::dlsym(library, name) : of_the_next(name);
}

namespace {

pthread_mutex_t clock_mutex = PTHREAD_MUTEX_INITIALIZER;

bool is_driven(clockid_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

int driven(clockid_t clock, timespec* now) {
  static const auto ask = next<int(clockid_t, timespec*)>("clock_gettime");
  lock_clock();
  const int done = ask(clock, now);
  unlock_clock();
  return done;
}

int real(clockid_t clock, timespec* now) {
  static const auto ask = c_library<int(clockid_t, timespec*)>("clock_gettime");
  return ask(clock, now);
}

timespec sum(const timespec& a, const timespec& b) {
  timespec out{a.tv_sec + b.tv_sec, a.tv_nsec + b.tv_nsec};
  if (out.tv_nsec >= 1'000'000'000) {
    out.tv_nsec -= 1'000'000'000;
    ++out.tv_sec;
  }
  return out;
}

// What is left, by the driven clock, until one of its times; none: false.
bool left_until(const timespec& wanted, timespec& left) {
  timespec now{};
  driven(CLOCK_REALTIME, &now);
  left = {wanted.tv_sec - now.tv_sec, wanted.tv_nsec - now.tv_nsec};
  if (left.tv_nsec < 0) {
    left.tv_nsec += 1'000'000'000;
    --left.tv_sec;
  }
  return left.tv_sec >= 0;
}

int sleep_for_real(clockid_t clock, int flags, const timespec* wanted, timespec* left) {
  return ::syscall(SYS_clock_nanosleep, clock, flags, wanted, left) == 0 ? 0 : errno;
}

}  // namespace

void lock_clock() { ::pthread_mutex_lock(&clock_mutex); }
void unlock_clock() { ::pthread_mutex_unlock(&clock_mutex); }

}  // namespace assay::preload

using namespace assay::preload;

ASSAY_EXPORT int clock_gettime(clockid_t clock, timespec* now) noexcept {
  return is_driven(clock) ? driven(clock, now) : real(clock, now);
}

ASSAY_EXPORT time_t time(time_t* into) noexcept {
  timespec now{};
  driven(CLOCK_REALTIME, &now);
  if (into) *into = now.tv_sec;
  return now.tv_sec;
}

ASSAY_EXPORT int gettimeofday(timeval* into, void*) noexcept {
  timespec now{};
  const int done = driven(CLOCK_REALTIME, &now);
  *into = {now.tv_sec, now.tv_nsec / 1000};
  return done;
}

ASSAY_EXPORT int timespec_get(timespec* into, int base) noexcept {
  return base == TIME_UTC && driven(CLOCK_REALTIME, into) == 0 ? base : 0;
}

ASSAY_EXPORT int clock_nanosleep(clockid_t clock, int flags, const timespec* wanted, timespec* left) {
  if (clock != CLOCK_REALTIME || !(flags & TIMER_ABSTIME) || !wanted)
    return sleep_for_real(clock, flags, wanted, left);
  timespec rest{};
  return left_until(*wanted, rest) ? sleep_for_real(CLOCK_MONOTONIC, 0, &rest, left) : 0;
}

// Conditions wait by the monotonic clock, which is real; one that waits for a time of the driven clock waits
// for what is left until it.
ASSAY_EXPORT int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                                        const timespec* wanted) {
  constexpr unsigned kMonotonic = 2;  // glibc's mark of pthread_condattr_setclock
  static const auto plain =
      c_library<int(pthread_cond_t*, pthread_mutex_t*, const timespec*)>("pthread_cond_timedwait");
  static const auto by_clock =
      c_library<int(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*)>("pthread_cond_clockwait");
  if ((condition->__data.__wrefs & kMonotonic) || !by_clock) return plain(condition, mutex, wanted);
  timespec rest{}, now{};
  if (!left_until(*wanted, rest)) rest = {};
  real(CLOCK_MONOTONIC, &now);
  const timespec end = sum(now, rest);
  return by_clock(condition, mutex, CLOCK_MONOTONIC, &end);
}

ASSAY_EXPORT int pthread_cond_init(pthread_cond_t* condition, const pthread_condattr_t* attributes) noexcept {
  static const auto init = c_library<int(pthread_cond_t*, const pthread_condattr_t*)>("pthread_cond_init");
  return init(condition, attributes);
}

ASSAY_EXPORT int pthread_cond_destroy(pthread_cond_t* condition) noexcept {
  static const auto destroy = c_library<int(pthread_cond_t*)>("pthread_cond_destroy");
  return destroy(condition);
}
