/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dice.h"

/* The wire between the two ends of the serial line, one direction of it. */
typedef struct {
    dice_t dice;
    double corrupt; /* probability that a byte arrives with one bit wrong */
    double lose;    /* probability that a byte does not arrive */
    uint32_t corrupted, lost, garbled;
} line_t;

#define LINE_BURST 12 /* the most bytes one byte can turn into, when the receiver samples ten times too fast */

void line_seed(line_t *line, uint64_t seed, uint64_t stream);
/* What arrives of a byte sent at one baud rate and sampled at another; flags framing errors. Returns how many. */
size_t line_pass(line_t *line, uint8_t octet, double sender_baud, double receiver_baud, uint8_t *out, uint8_t *framing);
