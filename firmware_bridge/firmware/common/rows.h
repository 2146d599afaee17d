/* Rows: one conversion of every channel, sent as a SAMPLES frame each. */
#ifndef ROWS_H
#define ROWS_H

#include <stdint.h>

#include "frames.h"

void rows_start(void);
void rows_set_channels(uint8_t channels);

/* Rows dropped for want of room. */
uint16_t rows_overflow(void);

/* A channel converted: send the row when every live channel has. The slowest comes last, so none of its conversions
   is lost; what a faster one gives meanwhile is replaced and counted as skipped. */
void rows_converted(uint32_t edge_tick);

/* A channel went silent or is held low: the row goes on without it. With no live channel at all, rows go at the
   nominal rate, so that the host hears which channels are silent. */
void rows_pace(uint32_t now);

#endif
