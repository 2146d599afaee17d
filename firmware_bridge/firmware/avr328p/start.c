#include "start.h"

#include <avr/boot.h>
#include <avr/eeprom.h>
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/wdt.h>
#include <util/atomic.h>

#include "crc16.h"
#include "hardware.h"
#include "reset_cause.h"

/* High fuse byte, ATmega328P datasheet table 27-6: programmed is 0. */
#define BOOTRST_FUSE_BIT 0x01
#define BOOTSZ_BIT 1

#define LEFT_FOR_BOOTLOADER 0xB007
#define LEFT_HANGING 0xDEAD
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
    if (left_for == LEFT_HANGING)
        mcusr |= _BV(WDRF);
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

/* An old Nano's bootloader leaves the watchdog running at 16 ms after its reset and waits for two seconds: it would be
   reset for ever. So the first time-out starts the firmware over, past the bootloader; only a hang with interrupts off
   is left to the second, which resets (datasheet, WDIE). */
ISR(WDT_vect, ISR_NAKED)
{
    left_for = LEFT_HANGING;
    __asm__ volatile("jmp 0");
}

void start_watchdog(void)
{
    wdt_enable(WDTO_250MS);
    WDTCSR |= _BV(WDIE);
}

/* The fuses say whether resets start in a bootloader and where. A look into flash would not: a factory's lock bits keep
   the firmware from reading there, and an erased bootloader may have left something. */
static uint8_t high_fuses(void)
{
    uint8_t fuses;

    eeprom_busy_wait(); /* up to 3.4 ms; fuses cannot be read meanwhile, nor flash written by a bootloader */
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) /* the reading must follow within three cycles */
    {
        fuses = boot_lock_fuse_bits_get(GET_HIGH_FUSE_BITS);
    }
    return fuses;
}

bool hardware_has_bootloader(void)
{
    return !(high_fuses() & BOOTRST_FUSE_BIT);
}

/* A bootloader expects the chip as a reset leaves it. */
void hardware_enter_bootloader(void)
{
    uint16_t boot_start = (uint16_t)((FLASHEND + 1ul) / 2 - (2048u >> (high_fuses() >> BOOTSZ_BIT & 3))); /* words */

    cli();
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
    ((void (*)(void))boot_start)();
    __builtin_unreachable();
}
