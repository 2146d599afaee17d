/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sim_avr.h>

#include "dice.h"

struct board_t;

#define READS_KEPT 65536 /* 13 minutes at 80 SPS */

enum {
    READ_SETTLING = 1, /* one of the four conversions after power-up or a change of gain or rate */
    READ_TORN = 2,     /* the next conversion came during the read */
    READ_EMPTY = 4,    /* clocked though no conversion was ready */
};

typedef enum { STUCK_OFF, STUCK_LOW, STUCK_HIGH } stuck_t;

/* One read, as it was on the wire. */
typedef struct {
    uint32_t conversion;
    int32_t value;
    uint8_t pulses;
    uint8_t flags;
    avr_cycle_count_t ready, start;
} hx711_read_t;

typedef struct {
    double t_s;
    double counts;
    bool ramp;
} hx711_point_t;

typedef struct hx711_t {
    struct board_t *board;
    int index;
    char dout_port, sck_port;
    int dout_bit, sck_bit;
    dice_t dice;

    /* what the cell and the world do */
    double factor; /* of the oscillator, 1.0 is 10 or 80 SPS */
    int32_t counts;
    double noise_sigma;
    hx711_point_t *script;
    int points;
    bool walking;
    uint32_t walk_start, walk_step;
    int32_t spike;
    int spikes_left;
    double burst_sigma;
    avr_cycle_count_t burst_until;
    int rail; /* -1, +1 or 0 */
    stuck_t stuck;
    int slips; /* reads in which the chip will see a clock too many (> 0) or too few (< 0) */

    /* the chip */
    bool supplied, down, ready;
    int sck, dout;
    int gain, gain_next;
    int rate;
    int settling;
    uint32_t shift; /* what is being clocked out */
    int pulses, edges; /* clocks the chip counted, clocks the CPU gave */
    uint32_t seen; /* the bits that were on the wire */
    double due;    /* cycle at which the running conversion ends */
    bool high_before;
    avr_cycle_count_t ready_cycle, read_cycle, rise_cycle;
    uint8_t read_flags;

    /* what came of it */
    uint32_t conversions, lost, reads, torn, empty_pulses, excess_pulses;
    uint32_t power_downs;
    avr_cycle_count_t high_max;
    hx711_read_t *log;
} hx711_t;

void hx711_make(hx711_t *chip, struct board_t *board, int index, uint64_t seed);
/* Takes the supply away or gives it; a chip that gets it starts to settle. */
void hx711_supply(hx711_t *chip, bool on);
/* All cycle timers are gone: set them again. */
void hx711_rearm(hx711_t *chip);
/* Puts the level on the wire anew, after `stuck` was changed. */
void hx711_show(hx711_t *chip);
