/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
#pragma once

#include <stdint.h>

/* Random numbers that a seed makes repeatable; one stream for each thing that needs dice. */
typedef struct {
    uint64_t state;
    double spare;
    int has_spare;
} dice_t;

void dice_seed(dice_t *dice, uint64_t seed, uint64_t stream);
uint64_t dice_bits(dice_t *dice);
double dice_uniform(dice_t *dice); /* 0 <= x < 1 */
double dice_gauss(dice_t *dice);   /* mean 0, sigma 1 */
