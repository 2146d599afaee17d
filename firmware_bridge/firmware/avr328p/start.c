#include "start.h"

#include <avr/eeprom.h>
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/pgmspace.h>
#include <avr/wdt.h>

#include "crc16.h"
#include "hardware.h"
#include "reset_cause.h"

/* Byte address of the bootloader: 0x7800 for the 2 kB ATmegaBOOT of an old Nano, 0x7E00 for optiboot. */
#ifndef BOOT_START
#define BOOT_START 0x7800
#endif

#define LEFT_FOR_BOOTLOADER 0xB007
#define NO_INIT __attribute__((section(".noinit")))

/* Not cleared at the start, so that they outlive every reset but the loss of power. */
static uint16_t boot_counter NO_INIT;
static uint16_t boot_counter_check NO_INIT; /* its complement */
static uint16_t left_for NO_INIT;

uint8_t start_reset_cause NO_INIT;

/* Before .data and .bss are set up: a watchdog reset leaves the watchdog running at 16 ms, and r2 still holds what
   optiboot put there. */
void start_early(void) __attribute__((naked, used, section(".init3")));
void start_early(void)
{
    uint8_t left_in_r2;
    uint8_t mcusr;

    __asm__ volatile("mov %0, r2" : "=r"(left_in_r2));
    mcusr = MCUSR;
    MCUSR = 0;
    wdt_disable();
    start_reset_cause = reset_cause_of(mcusr, left_in_r2, left_for == LEFT_FOR_BOOTLOADER);
    left_for = 0;
    if ((uint16_t)(boot_counter ^ boot_counter_check) == 0xFFFF) {
        boot_counter++;
    } else {
        /* Power-on: some per cent of the RAM's cells come up at random. Their CRC differs at every start and wears
           no EEPROM. */
        uint16_t crc = CRC16_START;

        for (const uint8_t *cell = (const uint8_t *)RAMSTART; cell <= (const uint8_t *)RAMEND; cell++)
            crc = crc16(crc, *cell);
        boot_counter = crc;
    }
    boot_counter_check = ~boot_counter;
}

uint16_t start_boot_counter(void)
{
    return boot_counter;
}

void start_watchdog(void)
{
    wdt_enable(WDTO_250MS);
}

/* Blank flash runs on to its end, so that a bootloader anywhere behind BOOT_START is reached, and none starts the
   firmware again. */
bool hardware_has_bootloader(void)
{
    for (uint16_t address = BOOT_START; address < FLASHEND; address += 2)
        if (pgm_read_word(address) != 0xFFFF)
            return true;
    return false;
}

/* A bootloader expects the chip as a reset leaves it. */
void hardware_enter_bootloader(void)
{
    cli();
    eeprom_busy_wait(); /* up to 3.4 ms; flash cannot be written meanwhile */
    MCUSR = 0;
    wdt_disable();
    left_for = LEFT_FOR_BOOTLOADER;
    UCSR0B = 0;
    UCSR0A = 0;
    PCICR = 0;
    TIMSK1 = 0;
    TIMSK2 = 0;
    TCCR1B = 0;
    TCCR2A = 0;
    TCCR2B = 0;
    ADCSRA = 0;
    /* the SCK lines stay low: floating, they would power the converters down */
    ((void (*)(void))(BOOT_START / 2))();
    __builtin_unreachable();
}
