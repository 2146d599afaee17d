/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
/* One HX711 as its datasheet (Avia Semiconductor) describes it, clock edge by clock edge. */
#include "hx711.h"

#include <math.h>
#include <stdlib.h>

#include "board.h"
#include "trace.h"

#define RAIL_HIGH 0x7FFFFF
#define RAIL_LOW (-0x800000)
#define SETTLING_CONVERSIONS 4
/* The chip is in power-down once SCK was high this long. */
#define POWER_DOWN_CYCLES (60 * CYCLES_PER_US)
/* DOUT of an unread conversion rises this long before the next one replaces it. The datasheet shows that it rises and
 * not for how long: our choice (2026-11). */
#define UNREAD_HIGH_CYCLES (40 * CYCLES_PER_US)

/* "80 SPS" of modules in the field: 77 … 94. */
#define SLOWEST 0.96
#define FASTEST 1.17

static double period(const hx711_t *chip)
{
    return F_CPU_HZ / (chip->rate * chip->factor);
}

static int32_t on_the_cell(hx711_t *chip, double t_s)
{
    double counts = chip->counts, since_s = 0.0;

    for (int i = 0; i < chip->points; i++) {
        const hx711_point_t *point = &chip->script[i];
        if (t_s < point->t_s) {
            if (point->ramp)
                counts += (point->counts - counts) * (t_s - since_s) / (point->t_s - since_s);
            break;
        }
        counts = point->counts;
        since_s = point->t_s;
    }
    return (int32_t)lround(counts);
}

/* The converter's output; exact, if there is no noise. `counts` are those of gain 128. */
static int32_t convert(hx711_t *chip, avr_cycle_count_t now)
{
    double value, sigma = now < chip->burst_until ? chip->burst_sigma : chip->noise_sigma;

    if (chip->rail)
        return chip->rail > 0 ? RAIL_HIGH : RAIL_LOW;
    if (chip->walking) {
        uint32_t walk = chip->walk_start + chip->conversions * chip->walk_step;
        value = (double)((int32_t)(walk << 8) >> 8);
    } else {
        value = on_the_cell(chip, (double)now / F_CPU_HZ);
    }
    if (sigma > 0.0)
        value += sigma * dice_gauss(&chip->dice);
    if (chip->spikes_left > 0) {
        chip->spikes_left--;
        value += chip->spike;
    }
    value *= chip->gain / 128.0;
    if (chip->settling)
        value *= 1.0 - chip->settling / (SETTLING_CONVERSIONS + 1.0);
    value = nearbyint(value);
    return (int32_t)(value > RAIL_HIGH ? RAIL_HIGH : value < RAIL_LOW ? RAIL_LOW : value);
}

void hx711_show(hx711_t *chip)
{
    int level = chip->supplied ? chip->dout : 0;

    if (chip->stuck != STUCK_OFF)
        level = chip->stuck == STUCK_HIGH;
    board_drive(chip->board, chip->dout_port, chip->dout_bit, level);
    trace_dout(chip->index, level);
}

static void set_dout(hx711_t *chip, int level)
{
    if (chip->dout != level) {
        chip->dout = level;
        hx711_show(chip);
    }
}

static void conversion_ends(hx711_t *chip, avr_cycle_count_t now)
{
    if (chip->ready && chip->pulses == 0)
        chip->lost++;
    if (chip->ready && chip->pulses > 0 && chip->pulses < 24) {
        /* The output register is loaded under the reader's hands; the rest of the bits are the new conversion's. */
        chip->torn++;
        chip->read_flags |= READ_TORN;
        chip->shift = (uint32_t)convert(chip, now) & 0xFFFFFF;
        chip->conversions++;
        return;
    }
    if (chip->gain_next != chip->gain) {
        chip->gain = chip->gain_next;
        chip->settling = SETTLING_CONVERSIONS;
    }
    chip->shift = (uint32_t)convert(chip, now) & 0xFFFFFF;
    chip->read_flags = chip->settling ? READ_SETTLING : 0;
    if (chip->settling)
        chip->settling--;
    chip->conversions++;
    chip->ready = true;
    chip->pulses = chip->edges = 0;
    chip->seen = 0;
    chip->ready_cycle = now;
    set_dout(chip, 0);
}

static avr_cycle_count_t oscillator(avr_t *avr, avr_cycle_count_t when, void *param)
{
    hx711_t *chip = param;

    if (!chip->high_before) {
        chip->high_before = true;
        if (chip->pulses == 0)
            set_dout(chip, 1);
        return (avr_cycle_count_t)chip->due;
    }
    conversion_ends(chip, when);
    chip->high_before = false;
    chip->due += period(chip);
    return (avr_cycle_count_t)chip->due - UNREAD_HIGH_CYCLES;
}

void hx711_rearm(hx711_t *chip)
{
    avr_t *avr = chip->board->avr;
    avr_cycle_count_t at = (avr_cycle_count_t)chip->due - (chip->high_before ? 0 : UNREAD_HIGH_CYCLES);

    if (chip->supplied && !chip->down)
        avr_cycle_timer_register(avr, at > avr->cycle ? at - avr->cycle : 1, oscillator, chip);
    else
        avr_cycle_timer_cancel(avr, oscillator, chip);
}

/* Begin to convert from scratch: after power-up, power-down and a change of rate. */
static void start(hx711_t *chip)
{
    chip->ready = chip->high_before = false;
    chip->pulses = chip->edges = 0;
    chip->settling = SETTLING_CONVERSIONS;
    chip->due = (double)chip->board->avr->cycle + period(chip);
    set_dout(chip, 1);
    hx711_rearm(chip);
}

static avr_cycle_count_t power_down(avr_t *avr, avr_cycle_count_t when, void *param)
{
    hx711_t *chip = param;

    chip->power_downs++;
    chip->down = true;
    chip->ready = false;
    set_dout(chip, 1);
    hx711_rearm(chip);
    return 0;
}

static void log_read(hx711_t *chip)
{
    hx711_read_t *read = &chip->log[chip->reads % READS_KEPT];

    *read = (hx711_read_t){
        .conversion = chip->conversions - 1,
        .value = (int32_t)(chip->seen << 8) >> 8,
        .pulses = 24,
        .flags = chip->read_flags,
        .ready = chip->ready_cycle,
        .start = chip->read_cycle,
    };
    chip->reads++;
}

static void sck_rises(hx711_t *chip)
{
    avr_t *avr = chip->board->avr;
    int level;

    chip->rise_cycle = avr->cycle;
    if (!chip->supplied || chip->down)
        return;
    avr_cycle_timer_register(avr, POWER_DOWN_CYCLES, power_down, chip);
    if (!chip->ready) {
        chip->empty_pulses++;
        return;
    }
    if (chip->edges == 0) {
        chip->read_cycle = avr->cycle;
        if (chip->slips > 0) {
            chip->slips--;
            chip->pulses++; /* a glitch on the wire was a clock of its own */
        }
    }
    chip->edges++;
    if (chip->edges == 1 && chip->slips < 0) {
        chip->slips++; /* too weak an edge: the chip has not seen it */
    } else {
        chip->pulses++;
        if (chip->pulses <= 24) {
            set_dout(chip, (chip->shift >> (24 - chip->pulses)) & 1);
        } else {
            set_dout(chip, 1);
            if (chip->pulses > 27)
                chip->excess_pulses++;
            else
                chip->gain_next = chip->pulses == 25 ? 128 : chip->pulses == 26 ? 32 : 64;
        }
    }
    level = chip->stuck == STUCK_OFF ? chip->dout : chip->stuck == STUCK_HIGH;
    if (chip->edges <= 24)
        chip->seen = (chip->seen << 1) | (uint32_t)level;
    if (chip->edges == 24)
        log_read(chip);
    else if (chip->edges > 24)
        chip->log[(chip->reads - 1) % READS_KEPT].pulses = (uint8_t)(chip->edges > 255 ? 255 : chip->edges);
}

static void sck_falls(hx711_t *chip)
{
    avr_t *avr = chip->board->avr;
    avr_cycle_count_t high = avr->cycle - chip->rise_cycle;

    if (high > chip->high_max)
        chip->high_max = high;
    avr_cycle_timer_cancel(avr, power_down, chip);
    if (chip->supplied && chip->down) {
        chip->down = false;
        chip->gain = chip->gain_next = 128;
        start(chip);
    }
}

static void sck_changes(avr_irq_t *irq, uint32_t level, void *param)
{
    hx711_t *chip = param;

    if (chip->sck == (int)(level & 1))
        return;
    chip->sck = level & 1;
    trace_sck(chip->index, chip->sck);
    if (chip->sck)
        sck_rises(chip);
    else
        sck_falls(chip);
}

static void rate_changes(avr_irq_t *irq, uint32_t level, void *param)
{
    hx711_t *chip = param;
    int rate = (level & 1) ? 80 : 10;

    if (rate == chip->rate)
        return;
    chip->rate = rate;
    if (chip->supplied && !chip->down)
        start(chip);
}

void hx711_supply(hx711_t *chip, bool on)
{
    chip->supplied = on;
    chip->down = false;
    chip->gain = chip->gain_next = 128;
    chip->dout = 0;
    if (on) {
        start(chip);
        /* No two chips start their oscillators alike. */
        chip->due += period(chip) * dice_uniform(&chip->dice);
    }
    hx711_rearm(chip);
    hx711_show(chip);
}

void hx711_make(hx711_t *chip, board_t *board, int index, uint64_t seed)
{
    static const char dout_ports[] = "DDDDDDBB", sck_ports[] = "CCCCCCBB";
    static const int dout_bits[] = {2, 3, 4, 5, 6, 7, 0, 1}, sck_bits[] = {0, 1, 2, 3, 4, 5, 2, 3};

    *chip = (hx711_t){
        .board = board,
        .index = index,
        .dout_port = dout_ports[index],
        .dout_bit = dout_bits[index],
        .sck_port = sck_ports[index],
        .sck_bit = sck_bits[index],
        .gain = 128,
        .gain_next = 128,
        .rate = 10,
        .log = calloc(READS_KEPT, sizeof(hx711_read_t)),
    };
    dice_seed(&chip->dice, seed, 100 + (uint64_t)index);
    chip->factor = SLOWEST + (FASTEST - SLOWEST) * dice_uniform(&chip->dice);
    avr_irq_register_notify(board_pin(board, chip->sck_port, chip->sck_bit), sck_changes, chip);
    avr_irq_register_notify(board_pin(board, 'B', 4), rate_changes, chip);
}
