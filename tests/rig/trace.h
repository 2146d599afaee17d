/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
#pragma once

#include <sim_avr.h>

/* Value change dump (IEEE 1364) of the converters' wires, 100 ps a step so that a CPU cycle is 625. */
int trace_open(avr_t *avr, const char *path, int chips, const int *sck, const int *dout);
void trace_close(void);
void trace_sck(int chip, int level);
void trace_dout(int chip, int level);
