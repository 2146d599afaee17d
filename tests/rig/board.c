/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
/* The CPU and its pins: power, resets, what keeps it from running, and levels that outlive port writes. */
#include "board.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "silicon.h"

/* Crystal and 65 ms (fuses of an Arduino), ATmega328P datasheet 9.3: nothing runs for this long after a reset. */
#define START_UP_CYCLES (66u * 1000 * CYCLES_PER_US)
#define MCUSR_DATA 0x54
enum { PORF = 1, EXTRF = 2, BORF = 4 };

/* So far libsimavr goes without a look at what is due, which it bounds itself: wires and reads are the same to the
 * cycle as with 1, and it runs 1.4 times as fast (2026-11). */
#define CYCLES_AT_A_STRETCH 100

static const char *const port_letters = "BCD";

static board_t *the_board; /* the reset hook of libsimavr has no argument of ours */

double board_us(avr_cycle_count_t cycles)
{
    return (double)cycles / CYCLES_PER_US;
}

static void do_not_sleep(avr_t *avr, avr_cycle_count_t cycles)
{
}

static avr_cycle_count_t slice_ends(avr_t *avr, avr_cycle_count_t when, void *param)
{
    return 0; /* its only use is that a sleeping CPU does not sleep past it */
}

avr_io_t *board_module(board_t *board, const char *kind, char port)
{
    for (avr_io_t *io = board->avr->io_port; io; io = io->next)
        if (io->kind && !strcmp(io->kind, kind) && (!port || ((avr_ioport_t *)io)->name == port))
            return io;
    fprintf(stderr, "rig: libsimavr's atmega328p has no %s %c\n", kind, port ? port : ' ');
    exit(2);
}

static avr_ioport_t *port_of(board_t *board, char port)
{
    return board->port[strchr(port_letters, port) - port_letters];
}

avr_irq_t *board_pin(board_t *board, char port, int bit)
{
    return port_of(board, port)->io.irq + IOPORT_IRQ_PIN0 + bit;
}

void board_drive(board_t *board, char port, int bit, int level)
{
    avr_ioport_t *p = port_of(board, port);
    uint8_t mask = (uint8_t)(1u << bit);

    p->external.pull_mask |= mask;
    p->external.pull_value = (uint8_t)((p->external.pull_value & ~mask) | (level ? mask : 0));
    avr_raise_irq(p->io.irq + bit, (uint32_t)!!level);
}

void board_release(board_t *board, char port, int bit)
{
    avr_ioport_t *p = port_of(board, port);
    uint8_t mask = (uint8_t)(1u << bit);

    p->external.pull_mask &= (uint8_t)~mask;
    p->external.pull_value &= (uint8_t)~mask;
    avr_raise_irq(p->io.irq + bit, !!(board->avr->data[p->r_port] & mask));
}

bool board_output(board_t *board, char port, int bit, int *level)
{
    avr_ioport_t *p = port_of(board, port);

    *level = (board->avr->data[p->r_port] >> bit) & 1;
    return (board->avr->data[p->r_ddr] >> bit) & 1;
}

/* libsimavr calls this in every reset, after it has cleared the registers and all cycle timers. */
static void after_reset(avr_io_t *io)
{
    board_t *board = the_board;
    avr_t *avr = io->avr;

    avr->run_cycle_limit = CYCLES_AT_A_STRETCH;
    board->resets++;
    board->reset_cycle = avr->cycle;
    board->hung = board->hang_main = false;
    board->fatal = NULL;
    board->frozen_until = 0;
    if (board->reset_request == RESET_NONE && board->resets > 1) {
        board->watchdog_resets++;
        avr->data[MCUSR_DATA] |= board->mcusr_seen;
    }
    for (int i = 0; i < 3; i++) {
        avr_ioport_t *p = board->port[i];
        avr->data[p->r_pin] = p->external.pull_mask & p->external.pull_value;
        /* Pins that were outputs float; whatever hangs on them sees a low level. */
        for (int bit = 0; bit < 8; bit++)
            if (!(p->external.pull_mask & (1 << bit)))
                avr_raise_irq(p->io.irq + bit, 0);
    }
    for (int i = 0; i < board->chips; i++)
        hx711_rearm(&board->chip[i]);
    if (board->slice_end > avr->cycle)
        avr_cycle_timer_register(avr, board->slice_end - avr->cycle, slice_ends, board);
}

void board_make(board_t *board, int chips, uint64_t seed)
{
    avr_t *avr = avr_make_mcu_by_name("atmega328p");

    if (!avr) {
        fprintf(stderr, "rig: this libsimavr knows no atmega328p\n");
        exit(2);
    }
    memset(board, 0, sizeof *board);
    the_board = board;
    board->avr = avr;
    dice_seed(&board->dice, seed, 1);
    avr_init(avr);
    avr->frequency = F_CPU_HZ;
    avr->vcc = avr->avcc = avr->aref = 5000;
    avr->log = LOG_NONE;
    avr->sleep = do_not_sleep;
    avr->codeend = avr->flashend;
    board->plain_run = avr->run;
    for (int i = 0; i < 3; i++)
        board->port[i] = (avr_ioport_t *)board_module(board, "port", port_letters[i]);
    board->chips = chips;
    for (int i = 0; i < chips; i++)
        hx711_make(&board->chip[i], board, i, seed);
    board->io = (avr_io_t){.kind = "rig", .reset = after_reset};
    avr_register_io(avr, &board->io);
    silicon_make(board);
}

void board_reset(board_t *board, reset_t cause)
{
    avr_t *avr = board->avr;
    uint8_t flags = avr->data[MCUSR_DATA];

    board->reset_request = cause;
    avr_reset(avr);
    avr->run = board->plain_run;
    flags = cause == RESET_POWER_ON ? PORF : (uint8_t)(flags | (cause == RESET_EXTERNAL ? EXTRF : BORF));
    avr->data[MCUSR_DATA] = flags;
    board->mcusr_seen = flags;
    board->reset_request = RESET_NONE;
    board->frozen_until = avr->cycle + START_UP_CYCLES;
    if (cause != RESET_EXTERNAL)
        for (int i = 0; i < board->chips; i++)
            hx711_supply(&board->chip[i], true);
}

void board_power(board_t *board, bool on)
{
    avr_t *avr = board->avr;

    if (board->powered == on)
        return;
    board->powered = on;
    if (on) {
        /* SRAM comes up with anything in it; registers 0 to 31 too. */
        for (int i = 0; i < 32; i++)
            avr->data[i] = (uint8_t)dice_bits(&board->dice);
        for (uint32_t i = avr->ioend + 1u; i <= avr->ramend; i++)
            avr->data[i] = (uint8_t)dice_bits(&board->dice);
        board_reset(board, RESET_POWER_ON);
    } else {
        silicon_power_lost(board);
        for (int i = 0; i < board->chips; i++)
            hx711_supply(&board->chip[i], false);
    }
}

/* Puts the main programme into an endless loop with interrupts going on: a word of flash that jumps to itself. */
static void start_hang_main(board_t *board)
{
    avr_t *avr = board->avr;

    if (!avr->sreg[S_I]) /* libsimavr's count of interrupts under way never ends the one that starts the firmware over */
        return; /* not now: inside an interrupt or a guarded section */
    board->hang_main = false;
    avr->flash[0x77FE] = 0xFF;
    avr->flash[0x77FF] = 0xCF;
    avr->pc = 0x77FE;
    avr->state = cpu_Running;
}

/* Time passes, the clocks of all modules go on, and no instruction is carried out. */
static void stand_still(board_t *board, avr_cycle_count_t until)
{
    avr_t *avr = board->avr;
    avr_cycle_count_t cycles = avr_cycle_timer_process(avr);

    if (avr->run != board->plain_run) { /* the watchdog has bitten */
        avr_run(avr);
        return;
    }
    if (avr->cycle + cycles > until)
        cycles = until > avr->cycle ? until - avr->cycle : 1;
    avr->cycle += cycles ? cycles : 1;
}

void board_run(board_t *board, avr_cycle_count_t until)
{
    avr_t *avr = board->avr;

    if (until <= avr->cycle)
        return;
    if (!board->powered) {
        avr->cycle = until;
        return;
    }
    board->slice_end = until;
    avr_cycle_timer_register(avr, until - avr->cycle, slice_ends, board);
    while (avr->cycle < until) {
        if (board->reset_request != RESET_NONE) {
            board_reset(board, board->reset_request);
        } else if (board->frozen_until > avr->cycle) {
            stand_still(board, board->frozen_until < until ? board->frozen_until : until);
        } else if (board->hung) {
            stand_still(board, until);
        } else {
            if (board->hang_main)
                start_hang_main(board);
            avr_run(avr);
            if (avr->state == cpu_Done || avr->state == cpu_Crashed) {
                board->fatal = avr->state == cpu_Done ? "slept with interrupts off" : "ran into nonsense";
                board->hung = true;
                avr->state = cpu_Running;
            }
        }
    }
    board->mcusr_seen = avr->data[MCUSR_DATA];
}
