/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
#pragma once

#include "rig.h"

typedef struct {
    const char *verb, *usage;
    /* Arguments without the verb; NULL after the last. Gives NULL or what is wrong. */
    const char *(*carry_out)(rig_t *rig, char **argument, FILE *answer);
} command_t;

extern const command_t channel_commands[], board_commands[], line_commands[];

/* Whole of a word as a number; *failed is set when it is none. */
double number(const char *word, double low, double high, bool *failed);
