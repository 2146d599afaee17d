/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
/* Control commands that concern single converters; CH is a number or `all`. */
#include "control_channels.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BAD_CHANNEL "no such channel"
#define BAD_NUMBER "not a number in its range"
#define RAIL_LOW -8388608.0
#define RAIL_HIGH 8388607.0
#define MOST_POINTS 100000

/* First and last of the channels meant; false when there is none. */
static bool channels(const rig_t *rig, const char *word, int *first, int *last)
{
    bool failed = false;

    *first = 0;
    *last = rig->board.chips - 1;
    if (word && !strcmp(word, "all"))
        return true;
    *first = *last = (int)number(word, 0, rig->board.chips - 1, &failed);
    return !failed;
}

#define EACH_CHIP(chip)                                                                                               \
    int first, last;                                                                                                  \
    if (!channels(rig, argument[0], &first, &last))                                                                   \
        return BAD_CHANNEL;                                                                                           \
    for (hx711_t *chip = &rig->board.chip[first]; chip <= &rig->board.chip[last]; chip++)

static const char *counts(rig_t *rig, char **argument, FILE *answer)
{
    bool failed = false;
    double value = number(argument[1], RAIL_LOW, RAIL_HIGH, &failed);

    if (failed)
        return BAD_NUMBER;
    EACH_CHIP (chip) {
        chip->counts = (int32_t)value;
        chip->points = 0;
        chip->walking = false;
    }
    return NULL;
}

static const char *noise(rig_t *rig, char **argument, FILE *answer)
{
    bool failed = false;
    double sigma = number(argument[1], 0.0, RAIL_HIGH, &failed);

    if (failed)
        return BAD_NUMBER;
    EACH_CHIP (chip)
        chip->noise_sigma = sigma;
    return NULL;
}

static const char *factor(rig_t *rig, char **argument, FILE *answer)
{
    bool failed = false;
    double value = number(argument[1], 0.5, 2.0, &failed);

    if (failed)
        return BAD_NUMBER;
    EACH_CHIP (chip)
        chip->factor = value;
    return NULL;
}

static const char *walk(rig_t *rig, char **argument, FILE *answer)
{
    bool failed = false, on = !argument[1] || strcmp(argument[1], "off");
    double start = on ? number(argument[1], RAIL_LOW, RAIL_HIGH, &failed) : 0.0;
    double step = on ? number(argument[2], RAIL_LOW, RAIL_HIGH, &failed) : 0.0;

    if (failed)
        return BAD_NUMBER;
    EACH_CHIP (chip) {
        chip->walking = on;
        chip->walk_start = (uint32_t)(int32_t)start;
        chip->walk_step = (uint32_t)(int32_t)step;
    }
    return NULL;
}

static const char *load(rig_t *rig, char **argument, FILE *answer)
{
    bool failed = false, ramp = argument[1] && argument[2] && argument[3] && !strcmp(argument[3], "ramp");
    double t_s = number(argument[1], 0.0, 1e6, &failed), value = number(argument[2], RAIL_LOW, RAIL_HIGH, &failed);

    if (failed)
        return BAD_NUMBER;
    EACH_CHIP (chip) {
        if (chip->points == MOST_POINTS)
            return "too many points";
        if (chip->points && chip->script[chip->points - 1].t_s > t_s)
            return "points must come in the order of their times";
        if ((chip->points & (chip->points - 1)) == 0)
            chip->script = realloc(chip->script, (size_t)(chip->points ? 2 * chip->points : 1) * sizeof *chip->script);
        chip->script[chip->points++] = (hx711_point_t){.t_s = t_s, .counts = value, .ramp = ramp};
    }
    return NULL;
}

static const char *stick(rig_t *rig, char **argument, FILE *answer)
{
    const char *how = argument[0] && argument[1] ? argument[1] : "";
    stuck_t stuck = !strcmp(how, "low") ? STUCK_LOW : !strcmp(how, "high") ? STUCK_HIGH : STUCK_OFF;

    if (stuck == STUCK_OFF && strcmp(how, "off"))
        return "low, high or off";
    EACH_CHIP (chip) {
        chip->stuck = stuck;
        hx711_show(chip);
    }
    return NULL;
}

static const char *rail(rig_t *rig, char **argument, FILE *answer)
{
    const char *how = argument[0] && argument[1] ? argument[1] : "";
    int value = !strcmp(how, "low") ? -1 : !strcmp(how, "high");

    if (!value && strcmp(how, "off"))
        return "low, high or off";
    EACH_CHIP (chip)
        chip->rail = value;
    return NULL;
}

static const char *burst(rig_t *rig, char **argument, FILE *answer)
{
    bool failed = false;
    double sigma = number(argument[1], 0.0, RAIL_HIGH, &failed);
    double ms = failed ? 0.0 : number(argument[2], 0.0, 1e6, &failed);

    if (failed)
        return BAD_NUMBER;
    EACH_CHIP (chip) {
        chip->burst_sigma = sigma;
        chip->burst_until = rig->board.avr->cycle + (avr_cycle_count_t)(ms * 1000.0 * CYCLES_PER_US);
    }
    return NULL;
}

static const char *spike(rig_t *rig, char **argument, FILE *answer)
{
    bool failed = false;
    double delta = number(argument[1], -RAIL_HIGH, RAIL_HIGH, &failed);
    double n = !failed && argument[2] ? number(argument[2], 1, 1e6, &failed) : 1;

    if (failed)
        return BAD_NUMBER;
    EACH_CHIP (chip) {
        chip->spike = (int32_t)delta;
        chip->spikes_left = (int)n;
    }
    return NULL;
}

static const char *slip(rig_t *rig, char **argument, FILE *answer)
{
    bool failed = false;
    double reads = number(argument[1], -1e6, 1e6, &failed);

    if (failed)
        return BAD_NUMBER;
    EACH_CHIP (chip)
        chip->slips = (int)reads;
    return NULL;
}

static const char *supply_chip(rig_t *rig, char **argument, FILE *answer)
{
    const char *how = argument[0] && argument[1] ? argument[1] : "";

    if (strcmp(how, "on") && strcmp(how, "off"))
        return "on or off";
    EACH_CHIP (chip)
        hx711_supply(chip, !strcmp(how, "on"));
    return NULL;
}

static const char *chips(rig_t *rig, char **argument, FILE *answer)
{
    for (int i = 0; i < rig->board.chips; i++) {
        const hx711_t *chip = &rig->board.chip[i];
        fprintf(answer,
                "channel=%d factor=%.6f rate=%d gain=%d settling=%d conversions=%" PRIu32 " reads=%" PRIu32
                " lost=%" PRIu32 " torn=%" PRIu32 " empty_pulses=%" PRIu32 " excess_pulses=%" PRIu32
                " power_downs=%" PRIu32 " sck_high_max_us=%.4f\n",
                i, chip->factor, chip->rate, chip->gain, chip->settling, chip->conversions, chip->reads, chip->lost,
                chip->torn, chip->empty_pulses, chip->excess_pulses, chip->power_downs, board_us(chip->high_max));
    }
    return NULL;
}

static const char *reads(rig_t *rig, char **argument, FILE *answer)
{
    bool failed = false;
    double from = argument[0] && argument[1] ? number(argument[1], 0, UINT32_MAX, &failed) : 0.0;

    if (failed)
        return BAD_NUMBER;
    EACH_CHIP (chip) {
        uint32_t at = (uint32_t)from;
        if (chip->reads > READS_KEPT && at < chip->reads - READS_KEPT)
            at = chip->reads - READS_KEPT;
        for (; at < chip->reads; at++) {
            const hx711_read_t *read = &chip->log[at % READS_KEPT];
            fprintf(answer, "%d %" PRIu32 " %" PRIu32 " %" PRId32 " %u %u %.4f %.4f\n", chip->index, at,
                    read->conversion, read->value, read->pulses, read->flags, board_us(read->ready),
                    board_us(read->start));
        }
    }
    return NULL;
}

static const char *forget(rig_t *rig, char **argument, FILE *answer)
{
    EACH_CHIP (chip) {
        chip->lost = chip->torn = chip->empty_pulses = chip->excess_pulses = chip->power_downs = 0;
        chip->high_max = 0;
    }
    return NULL;
}

const command_t channel_commands[] = {
    {"counts", "CH COUNTS", counts},
    {"noise", "CH SIGMA_COUNTS", noise},
    {"factor", "CH FACTOR (0.5 … 2)", factor},
    {"walk", "CH START STEP | CH off", walk},
    {"load", "CH T_S COUNTS [ramp]", load},
    {"stick", "CH low|high|off", stick},
    {"rail", "CH low|high|off", rail},
    {"burst", "CH SIGMA_COUNTS MS", burst},
    {"spike", "CH COUNTS [CONVERSIONS]", spike},
    {"slip", "CH READS (negative: a clock too few)", slip},
    {"chip-supply", "CH on|off", supply_chip},
    {"chips", "", chips},
    {"reads", "CH [FROM]", reads},
    {"forget", "CH", forget},
    {NULL, NULL, NULL},
};
