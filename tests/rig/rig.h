/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "board.h"
#include "ds18b20.h"
#include "inputs.h"
#include "pty.h"
#include "uart.h"

typedef enum { AUTO_RESET_OFF, AUTO_RESET_OPEN, AUTO_RESET_DTR } auto_reset_t;

/* One simulated board and the time it lives in. */
typedef struct {
    board_t board;
    uart_t uart;
    pty_t pty;
    inputs_t inputs;
    ds18b20_t ds18b20;
    auto_reset_t auto_reset;
    double speed; /* board seconds a second; 0: as fast as it goes */
    bool paused, quit;
    uint64_t origin_ns; /* wall clock … */
    avr_cycle_count_t origin_cycle; /* … and board time that belong together */
    uint64_t seed;
} rig_t;

/* Runs a stretch of board time with the serial line alive on both ends. */
void rig_run(rig_t *rig, avr_cycle_count_t until);
/* Ties board time to the wall clock anew; nothing is made up for. */
void rig_restart_clock(rig_t *rig);

/* Carries out one line of the control protocol and writes the answer. */
void control_line(rig_t *rig, char *line, FILE *answer);
