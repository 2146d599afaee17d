/* The HX711s: when to read one, what its 24 bits are worth, and whether it is alive.

   A conversion is announced by a fall of DOUT (an edge). It is read with 24 pulses and one to three more, which raise
   DOUT and choose the next gain. So DOUT must be high after each of these and until the next edge; if it is not, the
   bits may be shifted (desync), and twice running the line is held low by something else than the converter. */
#ifndef CONVERTERS_H
#define CONVERTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "build.h"
#include "settings.h"

#define FLAG_SETTLING 1
#define FLAG_DESYNC 2
#define FLAG_LATE 4
#define FLAG_SILENT 8

#define TEST_NO_DATA_READY 1
#define TEST_UPPER_RAIL 2
#define TEST_LOWER_RAIL 4
#define TEST_DESYNC 8
#define TEST_NO_NOISE 16
#define TEST_LINE_LOW 32

/* Last conversion of each channel, its flags, and the conversions that a later one replaced before a row took it. */
extern int32_t converter_counts[CHANNELS];
extern uint8_t converter_flags[CHANNELS];
extern uint16_t converter_skipped[CHANNELS];

/* One bit a channel: converted since the last row; neither silent nor held low. */
extern uint8_t converters_fresh;
extern uint8_t converters_live;

extern uint16_t converters_desyncs;

void converters_start(void);

/* Listen to the first `settings->channels` converters. Those already listened to go on undisturbed. */
void converters_listen(const struct settings *settings, uint32_t now);

/* A changed gain or rate: the conversion under way and the four after it are settling. */
void converters_settle(const struct settings *settings, uint32_t now);

/* Look after one channel: read it when it is ready, notice when it is not. Returns true when it converted, with the
   tick of its data-ready edge. */
bool converter_step(uint8_t channel, uint32_t *edge_tick);

/* SELF_TEST's octet for a channel, from what it did lately. */
uint8_t converter_self_test(uint8_t channel);

uint32_t converters_period_ticks(void);

#endif
