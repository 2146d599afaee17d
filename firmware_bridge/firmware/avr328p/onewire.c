#include "onewire.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <util/delay.h>

#include "ds18b20.h"

/* DS18B20 datasheet, figures 15 and 16: a slot is 60 us and 1 us of recovery; low 1 to 15 us writes a 1, 60 to 120 us
   a 0; a read bit is valid until 15 us after the fall. Interrupts wait only where those 15 us count. */
#define SLOT_US 65
#define SHORT_LOW_US 3
#define SAMPLE_AFTER_US 8

static void release(void)
{
    DDRB &= (uint8_t)~_BV(ONEWIRE_PIN);
}

void onewire_pull_low(void)
{
    PORTB &= (uint8_t)~_BV(ONEWIRE_PIN);
    DDRB |= _BV(ONEWIRE_PIN);
}

bool onewire_release_and_look(void)
{
    bool low = false;

    release();
    _delay_us(8); /* 4.7 kOhm and a nanofarad of cable; a quick sensor answers after 15 */
    if (!(PINB & _BV(ONEWIRE_PIN)))
        return false; /* held low: no pull-up, or short */
    /* the presence pulse begins 15 to 60 us after the release and lasts 60 to 240 us */
    for (uint8_t look = 0; look < 10 && !low; look++) {
        _delay_us(10);
        low = !(PINB & _BV(ONEWIRE_PIN));
    }
    return low;
}

void onewire_write(bool bit)
{
    if (bit) {
        cli();
        onewire_pull_low();
        _delay_us(SHORT_LOW_US);
        release();
        sei();
        _delay_us(SLOT_US);
    } else {
        onewire_pull_low();
        _delay_us(SLOT_US);
        release();
        _delay_us(SHORT_LOW_US);
    }
}

bool onewire_read(void)
{
    bool bit;

    cli();
    onewire_pull_low();
    _delay_us(SHORT_LOW_US);
    release();
    _delay_us(SAMPLE_AFTER_US);
    bit = PINB & _BV(ONEWIRE_PIN);
    sei();
    _delay_us(SLOT_US - SAMPLE_AFTER_US);
    return bit;
}
