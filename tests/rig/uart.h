/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <avr_uart.h>

#include "board.h"
#include "line.h"
#include "pty.h"

#define RX_QUEUE 8192
#define TX_QUEUE 65536
#define RX_DEPTH 3 /* two bytes of FIFO and the shift register, ATmega328P datasheet 19.8 */

typedef struct {
    board_t *board;
    avr_uart_t *module;
    pty_t *pty;
    line_t to_board, to_host;
    bool any_baud;      /* take the host's speed for the board's own */
    double wrong_baud;  /* forced ratio of host to board speed, 0: what the host has set */

    /* from the host: waiting on its side, and what the receiver holds */
    uint8_t queue[RX_QUEUE], queue_framing[RX_QUEUE];
    unsigned queue_head, queue_tail;
    uint8_t fifo[RX_DEPTH], fifo_framing[RX_DEPTH];
    int held;
    unsigned rushed;   /* so many bytes come faster than the line can carry them … */
    double rush_factor; /* … by this factor */

    /* to the host: sent, with the cycle at which the last bit is out */
    uint8_t sent[TX_QUEUE];
    avr_cycle_count_t sent_done[TX_QUEUE];
    double sent_baud[TX_QUEUE];
    unsigned sent_head, sent_tail;
    avr_cycle_count_t sender_free;
    uint8_t out[2 * TX_QUEUE]; /* past the wire, not yet taken by the terminal */
    unsigned out_used;
    bool lossy;                /* real time: what the host does not take in time is gone */

    int frame_bytes;  /* sent since the last delimiter */
    int reset_at;     /* reset when so many bytes of a frame are out; 0 never */
    reset_t reset_cause;
    uint32_t tx_bytes, rx_bytes, overruns, deaf, dropped;
} uart_t;

void uart_make(uart_t *uart, board_t *board, pty_t *pty, uint64_t seed);
/* Before a stretch of time: takes what the host wrote. */
void uart_take(uart_t *uart);
/* After it: gives the host what was sent. False while the terminal is full and nothing may be dropped. */
bool uart_give(uart_t *uart);
void uart_to_board(uart_t *uart, uint8_t octet);
void uart_to_host(uart_t *uart, uint8_t octet);
double uart_board_baud(const uart_t *uart);
