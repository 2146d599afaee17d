#include "uart.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <util/atomic.h>

#include "hardware.h"
#include "timer.h"

#ifndef BAUD
#define BAUD 115200
#endif

/* Double speed: 16 MHz / 8 / (UBRR + 1), rounded to the nearest. */
#define UBRR_VALUE ((F_CPU + BAUD * 4ul) / (BAUD * 8ul) - 1)
#define TRUE_BAUD (F_CPU / (8ul * (UBRR_VALUE + 1)))
#if TRUE_BAUD * 1000 > BAUD * 1025ul || TRUE_BAUD * 1000 < BAUD * 975ul
#error "BAUD: 16 MHz gives 115200, 250000, 500000 or 1000000 within 2.5 %, nothing between"
#endif

/* Five rows of eight channels: the longest wait of the transmitter is one HELLO. A power of two, indexed by octets. */
#define TRANSMIT_RING 256

static uint8_t ring[TRANSMIT_RING];
static volatile uint8_t ring_first; /* next to send */
static volatile uint8_t ring_end;   /* next to fill */
static volatile bool transmitted;

/* While one received frame is answered the next comes in. The host waits for an answer before it asks again, so that
   a third one is noise. */
struct received {
    uint8_t octets[FRAME_RECEIVED_MAX];
    uint8_t length;
    uint32_t delimiter_tick;
    volatile bool whole;
};

static struct received received[2];
static struct received *filling = &received[0]; /* the interrupt's */
static struct received *taking = &received[0];  /* the main loop's */
static bool losing;     /* no buffer was free when the frame began */
static volatile uint16_t overruns;

static inline __attribute__((always_inline)) struct received *other(const struct received *frame)
{
    return frame == received ? received + 1 : received;
}

void uart_start(void)
{
    UBRR0 = UBRR_VALUE;
    UCSR0A = _BV(U2X0);
    UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
    UCSR0B = _BV(RXCIE0) | _BV(RXEN0) | _BV(TXEN0);
}

ISR(USART_UDRE_vect)
{
    uint8_t first = ring_first;

    UCSR0A = _BV(U2X0) | _BV(TXC0); /* clears the flag of the octet before */
    UDR0 = ring[first++];
    ring_first = first;
    if (first == ring_end)
        UCSR0B &= (uint8_t)~_BV(UDRIE0);
}

uint8_t hardware_transmit_room(void)
{
    return (uint8_t)(ring_first - ring_end - 1);
}

void hardware_transmit(const uint8_t *octets, uint8_t count)
{
    uint8_t end = ring_end;

    while (count--)
        ring[end++] = *octets++;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        ring_end = end;
        transmitted = true;
        UCSR0B |= _BV(UDRIE0);
    }
}

bool hardware_transmit_idle(void)
{
    return ring_first == ring_end && (!transmitted || (UCSR0A & _BV(TXC0)));
}

ISR(USART_RX_vect)
{
    uint16_t timer = TCNT1; /* first, for the CLOCK answer */
    uint8_t status = UCSR0A;
    uint8_t octet = UDR0;
    struct received *frame = filling;

    if (status & _BV(DOR0))
        overruns++;
    if (octet == 0) {
        if (!losing && frame->length && !frame->whole) {
            frame->delimiter_tick = timer_ticks_of(timer);
            frame->whole = true;
            filling = other(frame);
        }
        losing = false;
    } else if (losing || frame->whole) {
        losing = true;
        overruns++;
    } else if (frame->length < FRAME_RECEIVED_MAX) {
        frame->octets[frame->length++] = octet;
    } else {
        frame->length = FRAME_RECEIVED_MAX + 1;
    }
}

bool uart_has_received(void)
{
    return taking->whole;
}

uint8_t *hardware_received(uint8_t *length, uint32_t *delimiter_tick)
{
    struct received *frame = taking;

    if (!frame->whole)
        return 0;
    __asm__ volatile("" ::: "memory");
    *length = frame->length;
    *delimiter_tick = frame->delimiter_tick;
    return frame->octets;
}

void hardware_drop_received(void)
{
    struct received *frame = taking;

    frame->length = 0;
    __asm__ volatile("" ::: "memory");
    frame->whole = false;
    taking = other(frame);
}

uint16_t hardware_receive_overruns(void)
{
    uint16_t count;

    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        count = overruns;
    }
    return count;
}
