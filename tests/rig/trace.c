/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
#include "trace.h"

#include <inttypes.h>
#include <stdio.h>

#define STEPS_PER_CYCLE 625 /* 62.5 ns in steps of 100 ps */

static FILE *out;
static avr_t *cpu;
static int traced;
static avr_cycle_count_t written;

static void change(int id, int level)
{
    if (cpu->cycle != written) {
        written = cpu->cycle;
        fprintf(out, "#%" PRIu64 "\n", (uint64_t)written * STEPS_PER_CYCLE);
    }
    fprintf(out, "%d%c\n", level, '!' + id);
}

int trace_open(avr_t *avr, const char *path, int chips, const int *sck, const int *dout)
{
    trace_close();
    out = fopen(path, "w");
    if (!out)
        return -1;
    cpu = avr;
    traced = chips;
    fprintf(out, "$timescale 100ps $end\n$scope module board $end\n");
    for (int i = 0; i < chips; i++)
        fprintf(out, "$var wire 1 %c sck%d $end\n$var wire 1 %c dout%d $end\n", '!' + 2 * i, i, '!' + 2 * i + 1, i);
    fprintf(out, "$upscope $end\n$enddefinitions $end\n");
    written = avr->cycle;
    fprintf(out, "#%" PRIu64 "\n$dumpvars\n", (uint64_t)written * STEPS_PER_CYCLE);
    for (int i = 0; i < chips; i++)
        fprintf(out, "%d%c\n%d%c\n", sck[i], '!' + 2 * i, dout[i], '!' + 2 * i + 1);
    fprintf(out, "$end\n");
    return 0;
}

void trace_close(void)
{
    if (out)
        fclose(out);
    out = NULL;
}

void trace_sck(int chip, int level)
{
    if (out && chip < traced)
        change(2 * chip, level);
}

void trace_dout(int chip, int level)
{
    if (out && chip < traced)
        change(2 * chip + 1, level);
}
