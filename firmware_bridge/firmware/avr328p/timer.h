/* Timer1 at 2 MHz is the board's clock; Timer2 wakes the main loop. */
#ifndef TIMER_H
#define TIMER_H

#include <avr/io.h>
#include <stdbool.h>
#include <stdint.h>

#include "ticks.h"

extern volatile uint16_t timer_overflows;

/* Set every WAKE_MS: silence, AUX and blinking are noticed without an edge or an octet. */
#define WAKE_MS 4
extern volatile bool timer_woke;

void timer_start(void);

/* The tick of a reading of TCNT1. Only with interrupts held off, as in an interrupt. */
static inline __attribute__((always_inline)) uint32_t timer_ticks_of(uint16_t timer)
{
    return ticks_extend(timer_overflows, timer, TIFR1 & _BV(TOV1));
}

#endif
