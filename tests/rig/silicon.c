/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
/* What the ATmega328P does and libsimavr 1.6 does not; the chapters are its datasheet's. */
#include "silicon.h"

#include <string.h>

#include <avr_adc.h>
#include <avr_eeprom.h>
#include <avr_watchdog.h>
#include <sim_interrupts.h>
#include <sim_io.h>

#define EECR_DATA 0x3F
#define EEPE 0x02
#define EEMPE 0x04
#define EEAR_DATA 0x41
#define EEPROM_BUSY_CYCLES (3400 * CYCLES_PER_US)
#define SPMCSR_DATA 0x57
#define SPM_ENABLE 0x01
#define SPM_FUSES 0x08
#define SPM_COMMAND 0x1F
#define BANDGAP_MUX 0x0E
#define BANDGAP_MV 1100
/* A reading of the bandgap right after the switch to it is so much too low, and each reading halves it: our choice. */
#define BANDGAP_STEP_MV 600

static board_t *the_board;
static avr_watchdog_t *watchdog;
static avr_adc_t *adc;
static unsigned bandgap_readings;
static uint8_t fuses[4];  /* as LPM shows them: low, lock bits, extended, high */
static uint8_t covered[4]; /* what the flash has in their place */

/* -- watchdog, 10.8: interrupt first, and a reset when it was not carried out by the next time-out ---------------- */

static avr_cycle_count_t bites_again(avr_t *avr, avr_cycle_count_t when, void *param)
{
    board_t *board = param;

    if (!avr_regbit_get(avr, watchdog->wde))
        return 0;
    watchdog->reset_context.avr_run = board->plain_run;
    watchdog->reset_context.wdrf = 1;
    avr->run = avr_reset;
    return 0;
}

static void bitten(avr_irq_t *irq, uint32_t pending, void *param)
{
    avr_t *avr = ((board_t *)param)->avr;

    if (pending)
        avr_cycle_timer_register(avr, watchdog->cycle_count, bites_again, param);
    else
        avr_cycle_timer_cancel(avr, bites_again, param);
}

/* The instruction wdr begins the time anew. libsimavr asks every module until one answers; the watchdog comes after us. */
static int asked(avr_io_t *io, uint32_t ctl, void *param)
{
    if (ctl == AVR_IOCTL_WATCHDOG_RESET && avr_cycle_timer_status(io->avr, bites_again, the_board))
        avr_cycle_timer_register(io->avr, watchdog->cycle_count, bites_again, the_board);
    return -1;
}

/* -- bandgap, 23.5.2: a source of high resistance -------------------------------------------------------------- */

static void converts(avr_irq_t *irq, uint32_t value, void *param)
{
    union {
        uint32_t value;
        avr_adc_mux_t mux;
    } input = {.value = value};

    if (input.mux.kind != ADC_MUX_REF) {
        bandgap_readings = 0;
        return;
    }
    adc->muxmode[BANDGAP_MUX].src = BANDGAP_MV - (bandgap_readings < 16 ? BANDGAP_STEP_MV >> bandgap_readings : 0);
    bandgap_readings++;
}

/* -- fuses, 26.8.9: for three cycles after a write to SPMCSR LPM reads them in place of flash --------------------- */

static avr_cycle_count_t hide_fuses(avr_t *avr, avr_cycle_count_t when, void *param)
{
    memcpy(avr->flash, covered, sizeof covered);
    return 0;
}

static void spmcsr_written(avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param)
{
    if ((value & SPM_COMMAND) != (SPM_ENABLE | SPM_FUSES) || avr->data[EECR_DATA] & EEPE || avr_cycle_timer_status(avr, hide_fuses, NULL))
        return;
    memcpy(covered, avr->flash, sizeof covered);
    memcpy(avr->flash, fuses, sizeof fuses);
    avr_cycle_timer_register(avr, 5, hide_fuses, NULL);
}

void silicon_fuses(uint32_t boot_start)
{
    /* Low and extended as Arduino has them. High: EEPROM is kept by an erase, SPI on; BOOTSZ and BOOTRST. */
    uint8_t size = boot_start == 0x7000 ? 0 : boot_start == 0x7800 ? 1 : boot_start == 0x7C00 ? 2 : 3;

    fuses[0] = 0xFF;
    fuses[1] = 0xCF; /* the application neither writes nor reads the boot section */
    fuses[2] = 0xFD;
    fuses[3] = (uint8_t)(0xD0 | size << 1 | !boot_start);
}

/* -- EEPROM, 8.6.3: 3.4 ms a byte, and what is in the cell meanwhile nobody knows ------------------------------- */

static avr_cycle_count_t eeprom_ready(avr_t *avr, avr_cycle_count_t when, void *param)
{
    avr->data[EECR_DATA] &= (uint8_t)~EEPE;
    return 0;
}

static void eecr_written(avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param)
{
    bool busy = avr_cycle_timer_status(avr, eeprom_ready, NULL) != 0;

    if (!busy && (value & (EEMPE | EEPE)) != (EEMPE | EEPE))
        return;
    avr->data[EECR_DATA] |= EEPE;
    if (!busy)
        avr_cycle_timer_register(avr, EEPROM_BUSY_CYCLES, eeprom_ready, NULL);
}

void silicon_power_lost(board_t *board)
{
    avr_t *avr = board->avr;
    uint8_t octet = (uint8_t)dice_bits(&board->dice);
    avr_eeprom_desc_t cell = {.ee = &octet, .size = 1};

    if (!(avr->data[EECR_DATA] & EEPE))
        return;
    cell.offset = avr->data[EEAR_DATA] | (avr->data[EEAR_DATA + 1] & 3) << 8;
    avr_ioctl(avr, AVR_IOCTL_EEPROM_SET, &cell);
}

void silicon_make(board_t *board)
{
    static avr_io_t io = {.kind = "rig-silicon", .ioctl = asked};

    the_board = board;
    avr_register_io(board->avr, &io);
    watchdog = (avr_watchdog_t *)board_module(board, "watchdog", 0);
    adc = (avr_adc_t *)board_module(board, "adc", 0);
    avr_irq_register_notify(watchdog->watchdog.irq + AVR_INT_IRQ_PENDING, bitten, board);
    avr_irq_register_notify(avr_io_getirq(board->avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_OUT_TRIGGER), converts, board);
    avr_register_io_write(board->avr, EECR_DATA, eecr_written, board);
    avr_register_io_write(board->avr, SPMCSR_DATA, spmcsr_written, board);
    silicon_fuses(0);
}
