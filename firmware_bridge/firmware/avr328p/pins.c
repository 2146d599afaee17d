#include "pins.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <util/atomic.h>
#include <util/delay.h>

#include "hardware.h"
#include "ladder.h"
#include "timer.h"

#define ON_PORT_D 6 /* the first six channels */
#define DOUT0_BIT 2
#define SCK6_BIT 2

static volatile uint32_t edge_ticks[CHANNELS];
static volatile uint8_t edges;    /* one bit a channel, not yet taken */
static uint8_t levels_d;          /* of PIND, when its interrupt last looked */

#if CHANNELS > ON_PORT_D
static uint8_t levels_b;
#endif

/* The channel being read. */
static volatile uint8_t *sck_port;
static volatile uint8_t *dout_pins;
static volatile uint8_t *edge_mask;
static uint8_t sck_bit;
static uint8_t dout_bit;
static bool dout_was_high;

static uint8_t first_bits(uint8_t count)
{
    return (uint8_t)((1u << count) - 1);
}

void pins_start(void)
{
    PCICR = 0; /* a hang starts over without a reset */
    PCMSK2 = 0;
    PCMSK0 = 0;
    /* Pulled up: an unplugged converter is silent and does not wander, nor does a host's line that is not connected. */
    PORTD |= (uint8_t)(first_bits(CHANNELS < ON_PORT_D ? CHANNELS : ON_PORT_D) << DOUT0_BIT | _BV(PD0));
    DDRC = first_bits(CHANNELS < ON_PORT_D ? CHANNELS : ON_PORT_D);
    DDRB = _BV(RATE_PIN) | _BV(LED_PIN);
#if CHANNELS > ON_PORT_D
    DDRB |= (uint8_t)(first_bits(CHANNELS - ON_PORT_D) << SCK6_BIT);
    PORTB = first_bits(CHANNELS - ON_PORT_D);
#else
    PORTB = _BV(DOOR_PIN) | _BV(STAFF_KEY_PIN);
#endif
}

static inline __attribute__((always_inline)) void stamp(uint8_t channels, uint32_t tick)
{
    edges |= channels;
    for (volatile uint32_t *edge = edge_ticks; channels; edge++, channels >>= 1)
        if (channels & 1)
            *edge = tick;
}

ISR(PCINT2_vect)
{
    uint16_t timer = TCNT1;
    uint8_t levels = PIND;
    uint8_t fallen = levels_d & (uint8_t)~levels & PCMSK2;

    levels_d = levels;
    if (fallen)
        stamp(fallen >> DOUT0_BIT, timer_ticks_of(timer));
}

#if CHANNELS > ON_PORT_D
ISR(PCINT0_vect)
{
    uint16_t timer = TCNT1;
    uint8_t levels = PINB;
    uint8_t fallen = levels_b & (uint8_t)~levels & PCMSK0;

    levels_b = levels;
    if (fallen)
        stamp((uint8_t)(fallen << ON_PORT_D), timer_ticks_of(timer));
}
#endif

bool pins_have_edge(void)
{
    return edges;
}

/* Only the new lines begin at their present level: an old one may have fallen without its interrupt yet. */
static void listen_to(volatile uint8_t *mask, uint8_t *levels, uint8_t present, uint8_t lines)
{
    uint8_t added = lines & (uint8_t)~*mask;

    *levels = (uint8_t)((*levels & (uint8_t)~added) | (present & added));
    *mask = lines;
}

void hardware_listen(uint8_t channels)
{
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        listen_to(&PCMSK2, &levels_d, PIND, (uint8_t)(first_bits(channels < ON_PORT_D ? channels : ON_PORT_D) << DOUT0_BIT));
        PCICR = _BV(PCIE2);
#if CHANNELS > ON_PORT_D
        listen_to(&PCMSK0, &levels_b, PINB, channels > ON_PORT_D ? first_bits(channels - ON_PORT_D) : 0);
        PCICR |= _BV(PCIE0);
#endif
        edges &= first_bits(channels);
    }
}

bool hardware_take_edge(uint8_t channel, uint32_t *tick)
{
    uint8_t bit = (uint8_t)(1u << channel);

    if (!(edges & bit))
        return false;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        edges &= (uint8_t)~bit;
        *tick = edge_ticks[channel];
    }
    return true;
}

bool hardware_dout_is_low(uint8_t channel)
{
#if CHANNELS > ON_PORT_D
    if (channel >= ON_PORT_D)
        return !(PINB & 1u << (channel - ON_PORT_D));
#endif
    return !(PIND & (1u << DOUT0_BIT) << channel);
}

void hardware_read_begin(uint8_t channel)
{
#if CHANNELS > ON_PORT_D
    if (channel >= ON_PORT_D) {
        dout_bit = (uint8_t)(1u << (channel - ON_PORT_D));
        sck_bit = (uint8_t)(dout_bit << SCK6_BIT);
        sck_port = &PORTB;
        dout_pins = &PINB;
        edge_mask = &PCMSK0;
    } else
#endif
    {
        sck_bit = (uint8_t)(1u << channel);
        dout_bit = (uint8_t)(sck_bit << DOUT0_BIT);
        sck_port = &PORTC;
        dout_pins = &PIND;
        edge_mask = &PCMSK2;
    }
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        *edge_mask &= (uint8_t)~dout_bit;
        edges &= (uint8_t)~(1u << channel);
    }
}

bool hardware_sck_pulse(void)
{
    volatile uint8_t *port = sck_port;
    uint8_t low = *port & (uint8_t)~sck_bit;
    uint8_t high = low | sck_bit;

    /* An interrupt in the high phase would stretch it, and 60 us power the converter down: its remaining bits read 1.
       0.7 us leave DOUT its 0.1 us and a cable's capacity the rest. */
    cli();
    *port = high;
    _delay_us(0.7);
    *port = low;
    sei();
    dout_was_high = *dout_pins & dout_bit;
    return dout_was_high;
}

void hardware_read_end(void)
{
    uint8_t channel_bit = sck_bit;

#if CHANNELS > ON_PORT_D
    if (sck_port == &PORTB)
        channel_bit = (uint8_t)(dout_bit << ON_PORT_D);
#endif
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        uint8_t *levels = &levels_d;
        uint8_t level;

#if CHANNELS > ON_PORT_D
        if (sck_port == &PORTB)
            levels = &levels_b;
#endif
        *edge_mask |= dout_bit; /* first: a fall after the look below is the interrupt's */
        level = *dout_pins & dout_bit;
        *levels = (uint8_t)((*levels & (uint8_t)~dout_bit) | level);
        if (dout_was_high && !level) /* it fell between the last pulse and here */
            stamp(channel_bit, timer_ticks_of(TCNT1));
    }
}

void hardware_set_rate_pin(bool high)
{
    if (high)
        PORTB |= _BV(RATE_PIN);
    else
        PORTB &= (uint8_t)~_BV(RATE_PIN);
}

void hardware_set_led(bool on)
{
    if (on)
        PORTB |= _BV(LED_PIN);
    else
        PORTB &= (uint8_t)~_BV(LED_PIN);
}

#if CONTACTS_ON_PINS
uint8_t hardware_digital_inputs(void)
{
    uint8_t closed = (uint8_t)~PINB;

    return (uint8_t)((closed & _BV(DOOR_PIN) ? INPUT_DOOR : 0) | (closed & _BV(STAFF_KEY_PIN) ? INPUT_STAFF_KEY : 0));
}
#endif
