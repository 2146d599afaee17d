#include "timer.h"

#include <avr/interrupt.h>
#include <util/atomic.h>

#include "hardware.h"

volatile uint16_t timer_overflows;
volatile bool timer_woke;

ISR(TIMER1_OVF_vect)
{
    timer_overflows++;
}

ISR(TIMER2_COMPA_vect)
{
    timer_woke = true;
}

void timer_start(void)
{
    TCCR1A = 0;
    TCCR1B = _BV(CS11); /* / 8 */
    TIMSK1 = _BV(TOIE1);
    TCCR2A = _BV(WGM21);
    TCCR2B = _BV(CS22) | _BV(CS21); /* / 256 */
    OCR2A = (uint8_t)(F_CPU / 256 * WAKE_MS / 1000 - 1);
    TIMSK2 = _BV(OCIE2A);
}

uint32_t hardware_ticks(void)
{
    uint32_t ticks;

    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        ticks = timer_ticks_of(TCNT1);
    }
    return ticks;
}
