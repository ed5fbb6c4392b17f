// CRC-32C by the processor's own instruction: about ten times as fast as tables.
#ifndef AFTERCOMMIT_CRC32C_H
#define AFTERCOMMIT_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

static inline bool crc32c_has_instruction(void) {
    unsigned a, b, c, d;
    // Leaf 1, bit 20 of ECX: SSE 4.2.
    return __get_cpuid(1, &a, &b, &c, &d) && (c & (1u << 20));
}

__attribute__((target("sse4.2")))
static inline uint32_t crc32c_by_instruction(uint32_t state, const void *bytes, size_t count) {
    const unsigned char *position = (const unsigned char *)bytes;
    uint64_t wide = state;
    for (; count >= 8; count -= 8, position += 8) {
        uint64_t word;
        memcpy(&word, position, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    uint32_t narrow = (uint32_t)wide;
    for (; count > 0; count--, position++) narrow = __builtin_ia32_crc32qi(narrow, *position);
    return narrow;
}
#else
static inline bool crc32c_has_instruction(void) { return false; }

static inline uint32_t crc32c_by_instruction(uint32_t state, const void *bytes, size_t count) {
    (void)bytes;
    (void)count;
    return state;
}
#endif
#endif
