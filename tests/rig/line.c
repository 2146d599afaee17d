/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
/* What a serial line does to bytes: flipped bits, bytes gone, two ends at different speeds. */
#include "line.h"

/* A receiver resynchronises at each start bit and samples mid-bit: over ten bits it stands about 5 % of mismatch. */
#define BAUD_TOLERANCE 0.05

void line_seed(line_t *line, uint64_t seed, uint64_t stream)
{
    dice_seed(&line->dice, seed, stream);
}

/* Level of the line at a time in the sender's bit times: start bit, eight bits, idle. */
static int level_at(uint8_t octet, double t_bits)
{
    int bit = (int)t_bits;

    if (t_bits < 1.0)
        return 0;
    return bit > 8 ? 1 : (octet >> (bit - 1)) & 1;
}

/* Each byte is taken for itself, with an idle line after it: garbage, and not a record of garbage. */
static size_t resample(uint8_t octet, double bit_width, uint8_t *out, uint8_t *framing)
{
    double t = 0.0;
    size_t n = 0;

    while (t < 9.0 && n < LINE_BURST) {
        uint8_t got = 0;
        for (int i = 0; i < 8; i++)
            got |= (uint8_t)(level_at(octet, t + (1.5 + i) * bit_width) << i);
        framing[n] = !level_at(octet, t + 9.5 * bit_width);
        out[n++] = got;
        t += 9.5 * bit_width;
        while (t < 9.0 && !level_at(octet, t))
            t += 0.05;
        while (t < 9.0 && level_at(octet, t)) /* to the next falling edge */
            t += 0.05;
    }
    return n;
}

size_t line_pass(line_t *line, uint8_t octet, double sender_baud, double receiver_baud, uint8_t *out, uint8_t *framing)
{
    double bit_width = sender_baud / receiver_baud;

    if (line->lose > 0.0 && dice_uniform(&line->dice) < line->lose) {
        line->lost++;
        return 0;
    }
    if (line->corrupt > 0.0 && dice_uniform(&line->dice) < line->corrupt) {
        line->corrupted++;
        octet ^= (uint8_t)(1u << (dice_bits(&line->dice) & 7));
    }
    if (bit_width > 1.0 - BAUD_TOLERANCE && bit_width < 1.0 + BAUD_TOLERANCE) {
        out[0] = octet;
        framing[0] = 0;
        return 1;
    }
    line->garbled++;
    return resample(octet, bit_width, out, framing);
}
