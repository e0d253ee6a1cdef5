/* clones.h - one source, several instruction sets.
 *
 * MERE_CLONES before a function lets GCC compile it for AVX-512, AVX2 and plain x86-64; the dynamic linker picks one when
 * the library is loaded (an ifunc). What is inlined into the function is cloned with it; what it calls is not. Mark the
 * few hot loops only. Empty where there is nothing to choose, and under sanitizers, whose start-up ifuncs break.
 */
#ifndef MERE_CLONES_H
#define MERE_CLONES_H

#include <stdlib.h> /* defines __GLIBC__: other C libraries have no ifunc */

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12 &&         \
    !defined(MERE_NO_CLONES) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define MERE_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MERE_CLONES
#endif

#endif
