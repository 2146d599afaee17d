/* Board ticks: a 16-bit timer made 32 bits wide by counting its overflows. They wrap after 36 minutes, so that two of
   them are compared by the sign of their difference. */
#ifndef TICKS_H
#define TICKS_H

#include <stdbool.h>
#include <stdint.h>

/* The 32-bit tick of a timer reading. An overflow that happened just before the reading may still wait to be
   counted: then the low half is small and the flag is up. With a large low half the flag went up after the reading. */
static inline __attribute__((always_inline)) uint32_t ticks_extend(uint16_t overflows, uint16_t timer, bool overflow_pending)
{
    if (overflow_pending && timer < 0x8000u)
        overflows++;
    return (uint32_t)overflows << 16 | timer;
}

static inline bool tick_reached(uint32_t now, uint32_t tick)
{
    return (int32_t)(now - tick) >= 0;
}

#endif
