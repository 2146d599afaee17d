/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
#include "dice.h"

#include <math.h>

void dice_seed(dice_t *dice, uint64_t seed, uint64_t stream)
{
    dice->state = seed * 0x9E3779B97F4A7C15u + stream * 0xD1B54A32D192ED03u + 1;
    dice->has_spare = 0;
    for (int i = 0; i < 4; i++)
        dice_bits(dice);
}

/* SplitMix64 (Steele, Lea and Flood 2014). */
uint64_t dice_bits(dice_t *dice)
{
    uint64_t z = dice->state += 0x9E3779B97F4A7C15u;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

double dice_uniform(dice_t *dice)
{
    return (double)(dice_bits(dice) >> 11) / 9007199254740992.0;
}

/* Box and Muller 1958. */
double dice_gauss(dice_t *dice)
{
    double radius, angle;

    if (dice->has_spare) {
        dice->has_spare = 0;
        return dice->spare;
    }
    radius = sqrt(-2.0 * log(1.0 - dice_uniform(dice)));
    angle = 2.0 * M_PI * dice_uniform(dice);
    dice->spare = radius * sin(angle);
    dice->has_spare = 1;
    return radius * cos(angle);
}
