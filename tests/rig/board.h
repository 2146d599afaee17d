/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <avr_ioport.h>
#include <sim_avr.h>

#include "dice.h"
#include "hx711.h"

#define F_CPU_HZ 16000000u
#define CYCLES_PER_US 16u
#define MAX_CHIPS 8

typedef enum {
    RESET_NONE,
    RESET_POWER_ON,
    RESET_EXTERNAL,
    RESET_BROWN_OUT,
} reset_t;

typedef struct board_t {
    avr_t *avr;
    avr_ioport_t *port[3]; /* B, C, D */
    int chips;
    hx711_t chip[MAX_CHIPS];
    dice_t dice;
    bool powered;
    bool hung;                  /* no instruction is carried out until a reset */
    avr_cycle_count_t frozen_until; /* nor before this cycle */
    bool hang_main;             /* asked for: endless loop outside of interrupts */
    reset_t reset_request;      /* carried out between two instructions */
    avr_cycle_count_t reset_cycle;
    uint32_t resets;
    uint32_t watchdog_resets;
    uint8_t mcusr_seen;
    const char *fatal;          /* what stopped the CPU for good, for instance a sleep without interrupts */
    avr_cycle_count_t slice_end;
    avr_io_t io;                /* so that a reset by the watchdog reaches the parts around the CPU too */
    avr_run_t plain_run;
} board_t;

/* Makes the CPU; exits with a message when libsimavr does not know it. */
void board_make(board_t *board, int chips, uint64_t seed);

/* Runs to a cycle. A CPU that is without power only ages. */
void board_run(board_t *board, avr_cycle_count_t until);

void board_reset(board_t *board, reset_t cause);
void board_power(board_t *board, bool on);

/* Puts a level on an input pin. The level outlives writes of the firmware to the same port, and resets. */
void board_drive(board_t *board, char port, int bit, int level);
/* Takes the level away: the pin is high if the firmware pulled it up. */
void board_release(board_t *board, char port, int bit);
avr_irq_t *board_pin(board_t *board, char port, int bit);
bool board_output(board_t *board, char port, int bit, int *level);
/* The module of the CPU with this name, and for ports this letter. */
avr_io_t *board_module(board_t *board, const char *kind, char port);

double board_us(avr_cycle_count_t cycles);
