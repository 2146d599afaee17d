#include "rows.h"

#include <stdbool.h>

#include "converters.h"
#include "outbox.h"
#include "ticks.h"

/* The row under way; its tick is the latest edge so far. */
static struct samples row = {.rows = 1, .counts = converter_counts, .flags = converter_flags};
static uint32_t unpaced_tick;
static bool unpaced;

void rows_start(void)
{
    row.sequence = 0;
    row.first_index = 0;
    row.overflow = 0;
    unpaced = false;
}

void rows_set_channels(uint8_t count)
{
    row.channels = count;
}

uint16_t rows_overflow(void)
{
    return row.overflow;
}

static void send_row(void)
{
    converters_fresh = 0;
    frame_samples(&row);
    if (outbox_send())
        row.sequence++;
    else
        row.overflow++;
    row.first_index++;
}

static bool row_is_complete(void)
{
    return converters_live && (converters_fresh & converters_live) == converters_live;
}

void rows_converted(uint32_t edge_tick)
{
    if (!(converters_fresh & (uint8_t)(converters_fresh - 1)) || (int32_t)(edge_tick - row.last_tick) > 0)
        row.last_tick = edge_tick; /* the first of a row, or later than the others */
    if (row_is_complete())
        send_row();
}

void rows_pace(uint32_t now)
{
    if (row_is_complete())
        send_row();
    if (converters_live) {
        unpaced = false;
        return;
    }
    if (!unpaced) {
        unpaced = true;
        unpaced_tick = now;
    }
    if (tick_reached(now, unpaced_tick)) {
        row.last_tick = unpaced_tick;
        send_row();
        unpaced_tick += converters_period_ticks();
    }
}
