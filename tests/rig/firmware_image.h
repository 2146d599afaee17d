/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
#pragma once

#include <sim_avr.h>

/* Puts an .elf or Intel .hex file into flash (and an .elf's .eeprom into EEPROM). Exits with a message when it cannot.
 * Gives the lowest address. */
uint32_t firmware_load(avr_t *avr, const char *path);
