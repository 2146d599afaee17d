/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "board.h"

/* A DS18B20 (Maxim datasheet 19-7487) on PB2 with 4.7 kΩ to the supply; not fitted, only the resistor is there. */
typedef struct {
    board_t *board;
    bool fitted, corrupt; /* corrupt: one bit of each scratchpad read is wrong */
    bool quick;           /* answers a reset as early as one may */
    double temperature_c;
    uint8_t rom[8], scratchpad[9];

    int state;
    int master_low, slave_low;
    avr_cycle_count_t fell, converting_until;
    uint8_t command[9];
    int bits_in;
    uint8_t reply[9];
    int bits_out, reply_bits;
    bool convert_replies;
    uint32_t presences, conversions;
} ds18b20_t;

void ds18b20_make(ds18b20_t *sensor, board_t *board, bool wired);
