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

#define NTC_OPEN (1e9)
#define NTC_SHORT (-1e9)

/* What hangs on the board besides the converters: door contact, staff key, thermistor, supply, LED. */
typedef struct {
    board_t *board;
    bool ladder; /* both contacts on ADC7 by resistors, as boards with 7 or 8 channels have them */
    bool door_closed, key_closed;
    double ntc_c;
    uint32_t supply_mv;
    int led;
    uint32_t led_changes;
} inputs_t;

void inputs_make(inputs_t *inputs, board_t *board);
/* Puts the present state on the pins. */
void inputs_apply(inputs_t *inputs);
