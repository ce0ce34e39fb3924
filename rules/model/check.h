#pragma once

#include <cstdio>
#include <cstdlib>

// Aborts when an invariant is broken: the journal makes a restart safe, guessing does not.
#define TOCSIN_CHECK(condition)                                                           \
  do {                                                                                    \
    if (!(condition)) [[unlikely]] {                                                      \
      std::fprintf(stderr, "tocsin: broken invariant at %s:%d: %s\n", __FILE__, __LINE__, \
                   #condition);                                                           \
      std::abort();                                                                       \
    }                                                                                     \
  } while (false)
