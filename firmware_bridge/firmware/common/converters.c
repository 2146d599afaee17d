#include "converters.h"

#include <string.h>

#include "hardware.h"
#include "ticks.h"

/* HX711 datasheet, output settling time: 400 ms at 10 SPS and 50 ms at 80 SPS are four conversions. */
#define SETTLING_CONVERSIONS 5 /* those four and the one under way, which may be of the gain before */
/* Until its first conversion a converter has twice its settling time: supply ramp and a slow oscillator (2026-11). */
#define GRACE_EIGHTHS (8 * 8)
#define SILENT_EIGHTHS (2 * 8)
#define EARLY_EIGHTHS 4
/* An oscillator at +17 % overwrites its conversion after 6.8 eighths. */
#define LATE_EIGHTHS 6
/* A line that is low without an edge: by then an oscillator at -4 % has converted. */
#define RETRY_EIGHTHS 9
#define STRIKES_TO_HELD_LOW 2
/* Repeats running that no converter with any cell on it gives: its noise is some ten counts (2026-11). */
#define EQUAL_READINGS 7
/* Conversions for which SELF_TEST remembers a failed check: a second at 80 SPS (2026-11). */
#define DESYNC_MEMORY 80

struct converter {
    uint32_t edge_tick;   /* of the last conversion read by its edge */
    uint32_t read_tick;   /* when it was last read, or tried */
    uint32_t silent_tick; /* from here on it is silent */
    uint8_t settling;     /* conversions still to be flagged */
    uint8_t strikes;      /* failures running */
    uint8_t equal;        /* readings running that gave the same counts */
    uint8_t since_desync;
    bool by_edge;         /* the last reading answered an edge, and DOUT rose after it */
    bool held_low;
    bool silent;
};

int32_t converter_counts[CHANNELS];
uint8_t converter_flags[CHANNELS];
uint16_t converter_skipped[CHANNELS];
uint8_t converters_fresh;
uint8_t converters_live;
uint16_t converters_desyncs;

static struct converter converters[CHANNELS];
static uint8_t listening; /* channels */
static uint8_t gain_pulses;
static uint16_t eighth_ticks; /* of the nominal period */

static uint32_t eighths(uint8_t count)
{
    return (uint32_t)eighth_ticks * count;
}

static void configure(const struct settings *settings)
{
    bool slow = settings->rate_mhz == 10000;

    eighth_ticks = slow ? TICK_RATE_HZ / 10 / 8 : TICK_RATE_HZ / 80 / 8;
    gain_pulses = settings->gain == 128 ? 1 : settings->gain == 32 ? 2 : 3;
    hardware_set_rate_pin(!slow);
}

void converters_start(void)
{
    listening = 0;
    converters_fresh = 0;
    converters_live = 0;
    converters_desyncs = 0;
    memset(converter_skipped, 0, sizeof converter_skipped);
}

void converters_listen(const struct settings *settings, uint32_t now)
{
    uint8_t known = listening;

    configure(settings);
    listening = settings->channels;
    converters_live = 0;
    hardware_listen(listening);
    for (uint8_t channel = 0; channel < listening; channel++) {
        struct converter *converter = &converters[channel];
        uint32_t stale_edge;

        if (channel >= known) {
            memset(converter, 0, sizeof *converter);
            converter_counts[channel] = 0;
            converter_flags[channel] = FLAG_SETTLING;
            converters_fresh &= (uint8_t)~(1u << channel);
            converter->settling = SETTLING_CONVERSIONS;
            converter->since_desync = DESYNC_MEMORY;
            converter->read_tick = now - eighths(RETRY_EIGHTHS); /* a DOUT that is low already is read at once */
            converter->silent_tick = now + eighths(GRACE_EIGHTHS);
            hardware_take_edge(channel, &stale_edge);
        }
        if (!converter->silent && !converter->held_low)
            converters_live |= (uint8_t)(1u << channel);
    }
}

void converters_settle(const struct settings *settings, uint32_t now)
{
    configure(settings);
    for (uint8_t channel = 0; channel < listening; channel++) {
        struct converter *converter = &converters[channel];

        converter->settling = SETTLING_CONVERSIONS;
        converter->equal = 0;
        converter->by_edge = false; /* the next edge keeps to neither the old period nor the new one */
        converter->silent_tick = now + eighths(GRACE_EIGHTHS);
    }
}

static void set_live(uint8_t channel, const struct converter *converter)
{
    uint8_t bit = (uint8_t)(1u << channel);

    if (converter->silent || converter->held_low)
        converters_live &= (uint8_t)~bit;
    else
        converters_live |= bit;
}

static void strike(uint8_t channel, struct converter *converter)
{
    converter->by_edge = false;
    if (converter->strikes < STRIKES_TO_HELD_LOW)
        converter->strikes++;
    if (converter->strikes == STRIKES_TO_HELD_LOW) {
        converter->held_low = true;
        converter->silent = false;
        converter_flags[channel] = FLAG_SILENT | FLAG_DESYNC;
        set_live(channel, converter);
    }
}

/* A channel that is back may have been without supply: its gain and its settling start anew. */
static void revive(uint8_t channel, struct converter *converter)
{
    converter->silent = false;
    converter->held_low = false;
    converter->settling = SETTLING_CONVERSIONS;
    converter->equal = 0;
    set_live(channel, converter);
}

/* Clock the conversion out. Returns whether DOUT was high after every extra pulse, as it must be: with one pulse lost
   on the way the first of them still shows the lowest bit. */
static bool clock_out(uint8_t channel, int32_t *counts)
{
    uint32_t bits = 0;
    bool high = true;

    hardware_read_begin(channel);
    for (uint8_t bit = 0; bit < 24; bit++)
        bits = bits << 1 | (hardware_sck_pulse() ? 1u : 0u);
    for (uint8_t pulse = 0; pulse < gain_pulses; pulse++)
        high &= hardware_sck_pulse();
    hardware_read_end();
    if (bits & 0x800000ul)
        bits |= 0xFF000000ul;
    *counts = (int32_t)bits;
    return high;
}

/* Read a channel that says it is ready. Without an edge nobody knows since when: its bits are not to be trusted. */
static bool read(uint8_t channel, struct converter *converter, uint32_t now, uint32_t edge_tick, bool by_edge)
{
    uint8_t bit = (uint8_t)(1u << channel);
    uint8_t flags = 0;
    int32_t counts;
    bool rose;

    if (now - edge_tick > eighths(LATE_EIGHTHS))
        flags |= FLAG_LATE;
    converter->read_tick = now;
    rose = clock_out(channel, &counts);
    if (rose) {
        converter->by_edge = by_edge;
        converter->edge_tick = edge_tick;
        if (converter->since_desync < DESYNC_MEMORY)
            converter->since_desync++;
    } else {
        flags |= FLAG_DESYNC;
        converters_desyncs++;
        converter->since_desync = 0;
        strike(channel, converter);
    }
    converter->silent_tick = edge_tick + eighths(SILENT_EIGHTHS);
    if (converter->held_low)
        return false;
    if (converter->silent)
        revive(channel, converter);
    if (converter->settling) {
        flags |= FLAG_SETTLING;
        if (by_edge)
            converter->settling--;
    } else if (!by_edge) {
        flags |= FLAG_DESYNC;
    }
    if (counts != converter_counts[channel])
        converter->equal = 0;
    else if (converter->equal < EQUAL_READINGS)
        converter->equal++;
    if (converters_fresh & bit)
        converter_skipped[channel]++;
    converters_fresh |= bit;
    converter_counts[channel] = counts;
    converter_flags[channel] = flags;
    return true;
}

static void fall_silent(uint8_t channel, struct converter *converter)
{
    converter->silent = true;
    converter->held_low = false;
    converter->strikes = 0;
    converter->by_edge = false;
    converter_flags[channel] = FLAG_SILENT;
    set_live(channel, converter);
}

bool converter_step(uint8_t channel, uint32_t *edge_tick)
{
    struct converter *converter = &converters[channel];
    /* The edge before the level: one that comes in between is found low now and taken by the next step. */
    bool edge = hardware_take_edge(channel, edge_tick);
    bool low = hardware_dout_is_low(channel);
    uint32_t now = hardware_ticks();

    if (!low) { /* an edge whose line is high again was a spike on the line */
        if (!converter->silent && tick_reached(now, converter->silent_tick))
            fall_silent(channel, converter);
        return false;
    }
    if (edge && converter->by_edge) {
        if (*edge_tick - converter->edge_tick < eighths(EARLY_EIGHTHS)) {
            strike(channel, converter);
            return false;
        }
        converter->strikes = 0;
        if (converter->held_low)
            revive(channel, converter);
    }
    if (edge)
        return read(channel, converter, now, *edge_tick, true);
    /* low without an edge: since the start, after a failed check, or held */
    if (now - converter->read_tick < eighths(RETRY_EIGHTHS))
        return false;
    *edge_tick = now;
    return read(channel, converter, now, now, false);
}

uint8_t converter_self_test(uint8_t channel)
{
    const struct converter *converter = &converters[channel];
    uint8_t faults = 0;

    if (converter->held_low)
        return TEST_LINE_LOW;
    if (converter->silent)
        return TEST_NO_DATA_READY;
    if (converter->since_desync < DESYNC_MEMORY)
        faults |= TEST_DESYNC;
    if (converter_counts[channel] == 0x7FFFFF)
        faults |= TEST_UPPER_RAIL;
    else if (converter_counts[channel] == -0x800000)
        faults |= TEST_LOWER_RAIL;
    else if (converter->equal == EQUAL_READINGS)
        faults |= TEST_NO_NOISE;
    return faults;
}

uint32_t converters_period_ticks(void)
{
    return eighths(8);
}
