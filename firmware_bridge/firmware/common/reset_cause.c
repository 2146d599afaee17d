#include "reset_cause.h"

#define PORF 0x01
#define EXTRF 0x02
#define BORF 0x04
#define WDRF 0x08
#define ALL_FLAGS (PORF | EXTRF | BORF | WDRF)

uint8_t reset_cause_of(uint8_t mcusr, uint8_t left_in_r2, bool asked_for)
{
    uint8_t flags = mcusr & ALL_FLAGS;

    /* a bootloader that was asked for and took no part says nothing, and r2 holds anything */
    if (!flags && asked_for)
        return RESET_SOFTWARE;
    /* without a bootloader r2 holds anything at power-on, but then MCUSR is not empty */
    if (!flags && !(left_in_r2 & ~ALL_FLAGS))
        flags = left_in_r2;
    /* a slow supply sets brown-out beside power-on, and a reset pin held by a capacitor external */
    if (flags & PORF)
        return RESET_POWER_ON;
    if (flags & BORF)
        return RESET_BROWN_OUT;
    if (flags & EXTRF)
        return RESET_EXTERNAL;
    if (asked_for) /* before the watchdog's flag: bootloaders start the firmware with a watchdog reset */
        return RESET_SOFTWARE;
    return flags & WDRF ? RESET_WATCHDOG : RESET_UNKNOWN;
}
