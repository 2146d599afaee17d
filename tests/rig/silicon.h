/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
#pragma once

#include "board.h"

/* Adds to libsimavr's chip what it leaves out. */
void silicon_make(board_t *board);
/* Fuses of a chip whose resets start at this byte address; 0: no bootloader. */
void silicon_fuses(uint32_t boot_start);
/* The power goes: an EEPROM cell that is being written holds anything. */
void silicon_power_lost(board_t *board);
