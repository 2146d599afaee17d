/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
/*
 * The CPU's serial port with true timing.
 *
 * libsimavr 1.6 counts eleven bits a byte, gives a byte away when it is written instead of when it has been sent, and
 * its receiver holds 64 bytes and hands out one a byte time. Here a byte has ten bits, leaves when its stop bit is
 * out, and the receiver holds three: a fourth is lost and flagged (DOR), as on the chip.
 */
#include "uart.h"

#include <string.h>

#include <avr_uart.h>
#include <sim_interrupts.h>

#define UDR0_IO (0xC6 - 32)
#define BITS_PER_BYTE 10

double uart_board_baud(const uart_t *uart)
{
    avr_t *avr = uart->board->avr;
    avr_uart_t *m = uart->module;
    unsigned divider = avr_regbit_get(avr, m->ubrrl) | ((unsigned)avr_regbit_get(avr, m->ubrrh) << 8);

    return F_CPU_HZ / ((avr_regbit_get(avr, m->u2x) ? 8.0 : 16.0) * (divider + 1));
}

static avr_cycle_count_t cycles_per_byte(double baud)
{
    return (avr_cycle_count_t)(BITS_PER_BYTE * F_CPU_HZ / baud);
}

static double host_baud(const uart_t *uart)
{
    double board = uart_board_baud(uart), host;

    if (uart->wrong_baud > 0.0)
        return board * uart->wrong_baud;
    host = uart->any_baud ? board : pty_host_baud(uart->pty);
    return host > 0.0 ? host : board;
}

/* -- receiver -------------------------------------------------------------------------------------------------- */

static void set_status(uart_t *uart, avr_regbit_t bit, int on)
{
    avr_regbit_setto(uart->board->avr, bit, (uint8_t)on);
}

static void receiver_clear(uart_t *uart)
{
    avr_t *avr = uart->board->avr;

    uart->held = 0;
    avr_clear_interrupt(avr, &uart->module->rxc);
    avr_regbit_clear(avr, uart->module->rxc.raised);
}

static void receiver_take(uart_t *uart, uint8_t octet, uint8_t framing)
{
    avr_t *avr = uart->board->avr;

    uart->rx_bytes++;
    if (!uart->board->powered || !avr_regbit_get(avr, uart->module->rxen)) {
        uart->deaf++;
        return;
    }
    if (uart->held == RX_DEPTH) {
        uart->overruns++;
        set_status(uart, uart->module->dor, 1);
        return;
    }
    uart->fifo[uart->held] = octet;
    uart->fifo_framing[uart->held++] = framing;
    set_status(uart, uart->module->fe, uart->fifo_framing[0]);
    avr_raise_interrupt(avr, &uart->module->rxc);
}

static uint8_t read_udr(avr_t *avr, avr_io_addr_t addr, void *param)
{
    uart_t *uart = param;

    if (uart->held) {
        avr->data[addr] = uart->fifo[0];
        uart->held--;
        memmove(uart->fifo, uart->fifo + 1, (size_t)uart->held);
        memmove(uart->fifo_framing, uart->fifo_framing + 1, (size_t)uart->held);
    }
    set_status(uart, uart->module->dor, 0);
    set_status(uart, uart->module->fe, uart->held ? uart->fifo_framing[0] : 0);
    if (uart->held)
        avr_raise_interrupt(avr, &uart->module->rxc); /* a level: it calls again for the next byte */
    else
        receiver_clear(uart);
    return avr->data[addr];
}

static avr_cycle_count_t byte_arrives(avr_t *avr, avr_cycle_count_t when, void *param)
{
    uart_t *uart = param;
    unsigned at = uart->queue_tail % RX_QUEUE;
    double factor = 1.0;

    if (uart->queue_tail == uart->queue_head)
        return 0;
    receiver_take(uart, uart->queue[at], uart->queue_framing[at]);
    uart->queue_tail++;
    if (uart->queue_tail == uart->queue_head)
        return 0;
    if (uart->rushed) {
        uart->rushed--;
        factor = uart->rush_factor;
    }
    return when + (avr_cycle_count_t)(cycles_per_byte(host_baud(uart)) / factor) + 1;
}

void uart_to_board(uart_t *uart, uint8_t octet)
{
    uint8_t out[LINE_BURST], framing[LINE_BURST];
    avr_t *avr = uart->board->avr;
    size_t n = line_pass(&uart->to_board, octet, host_baud(uart), uart_board_baud(uart), out, framing);

    for (size_t i = 0; i < n && uart->queue_head - uart->queue_tail < RX_QUEUE; i++) {
        uart->queue[uart->queue_head % RX_QUEUE] = out[i];
        uart->queue_framing[uart->queue_head++ % RX_QUEUE] = framing[i];
    }
    if (uart->board->powered && avr_cycle_timer_status(avr, byte_arrives, uart) == 0)
        avr_cycle_timer_register(avr, cycles_per_byte(host_baud(uart)), byte_arrives, uart);
}

void uart_take(uart_t *uart)
{
    avr_t *avr = uart->board->avr;
    uint8_t octets[1024];
    size_t room = RX_QUEUE - (uart->queue_head - uart->queue_tail), n = 0;

    /* Ports count eleven bits and read U2X when the divider is written, not after: put right what is running now. */
    uart->module->cycles_per_byte = cycles_per_byte(uart_board_baud(uart));
    if (room >= LINE_BURST * sizeof octets / 2)
        n = pty_read(uart->pty, octets, sizeof octets / 2);
    for (size_t i = 0; i < n; i++)
        uart_to_board(uart, octets[i]);
    if (!uart->board->powered) {
        uart->queue_tail = uart->queue_head;
        return;
    }
    if (uart->queue_head != uart->queue_tail && avr_cycle_timer_status(avr, byte_arrives, uart) == 0)
        avr_cycle_timer_register(avr, cycles_per_byte(host_baud(uart)), byte_arrives, uart); /* after a reset */
    if (!avr_regbit_get(avr, uart->module->rxen))
        receiver_clear(uart);
    else if (uart->held)
        avr_raise_interrupt(avr, &uart->module->rxc); /* the firmware may have just enabled it */
}

/* -- sender ---------------------------------------------------------------------------------------------------- */

static void firmware_sends(avr_irq_t *irq, uint32_t value, void *param)
{
    uart_t *uart = param;
    avr_t *avr = uart->board->avr;
    unsigned at = uart->sent_head % TX_QUEUE;

    if (uart->sender_free < avr->cycle)
        uart->sender_free = avr->cycle;
    uart->sender_free += cycles_per_byte(uart_board_baud(uart));
    uart->sent[at] = (uint8_t)value;
    uart->sent_done[at] = uart->sender_free;
    uart->sent_baud[at] = uart_board_baud(uart); /* a bootloader may set another before it is given out */
    uart->sent_head++;
    uart->tx_bytes++;
    uart->frame_bytes = (uint8_t)value ? uart->frame_bytes + 1 : 0;
    if (uart->reset_at && uart->frame_bytes == uart->reset_at) {
        uart->reset_at = 0;
        uart->board->reset_request = uart->reset_cause;
    }
}

static void to_host(uart_t *uart, uint8_t octet, double baud)
{
    uint8_t out[LINE_BURST], framing[LINE_BURST];
    size_t n = line_pass(&uart->to_host, octet, baud, uart->any_baud ? baud : host_baud(uart), out, framing);

    if (uart->out_used + n > sizeof uart->out) {
        uart->dropped += (uint32_t)n;
        return;
    }
    memcpy(uart->out + uart->out_used, out, n);
    uart->out_used += (unsigned)n;
}

void uart_to_host(uart_t *uart, uint8_t octet)
{
    to_host(uart, octet, uart_board_baud(uart));
}

bool uart_give(uart_t *uart)
{
    avr_cycle_count_t now = uart->board->avr->cycle;
    size_t taken;

    for (; uart->sent_tail != uart->sent_head; uart->sent_tail++) {
        unsigned at = uart->sent_tail % TX_QUEUE;
        if (uart->sent_done[at] > now)
            break;
        to_host(uart, uart->sent[at], uart->sent_baud[at]);
    }
    if (!uart->out_used)
        return true;
    taken = pty_write(uart->pty, uart->out, uart->out_used);
    if (uart->lossy && taken < uart->out_used) {
        uart->dropped += uart->out_used - (unsigned)taken;
        taken = uart->out_used;
    }
    memmove(uart->out, uart->out + taken, uart->out_used - taken);
    uart->out_used -= (unsigned)taken;
    return uart->out_used == 0;
}

typedef struct {
    avr_io_t io; /* first, for libsimavr hands this out */
    uart_t *uart;
} hook_t;

/* A reset ends what is being sent in mid-byte, and empties the receiver. */
static void after_reset(avr_io_t *io)
{
    uart_t *uart = ((hook_t *)io)->uart;

    while (uart->sent_head != uart->sent_tail &&
           uart->sent_done[(uart->sent_head - 1) % TX_QUEUE] > uart->board->avr->cycle)
        uart->sent_head--;
    uart->sender_free = 0;
    uart->frame_bytes = 0;
    uart->held = 0;
}

void uart_make(uart_t *uart, board_t *board, pty_t *pty, uint64_t seed)
{
    static hook_t hook;
    avr_t *avr = board->avr;
    uint32_t no_flags = 0; /* neither a copy on stdout nor naps while the firmware polls */

    memset(uart, 0, sizeof *uart);
    uart->board = board;
    uart->pty = pty;
    uart->module = (avr_uart_t *)board_module(board, "uart", 0);
    line_seed(&uart->to_board, seed, 2);
    line_seed(&uart->to_host, seed, 3);
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &no_flags);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), firmware_sends, uart);
    avr->io[UDR0_IO].r.c = read_udr;
    avr->io[UDR0_IO].r.param = uart;
    hook.io = (avr_io_t){.kind = "rig-uart", .reset = after_reset};
    hook.uart = uart;
    avr_register_io(avr, &hook.io);
}
