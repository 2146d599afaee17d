#include "eeprom.h"

#include <avr/eeprom.h>
#include <avr/io.h>
#include <util/atomic.h>

#include "hardware.h"

#define FIRST_COPY 0
#define SECOND_COPY 32
#define DONE (2 * SETTINGS_IMAGE_OCTETS)

static uint8_t image[SETTINGS_IMAGE_OCTETS];
static uint8_t at;   /* next octet to compare, of both copies */
static uint8_t left; /* octets still to compare */

static bool load_copy(struct settings *settings, uint16_t address)
{
    eeprom_read_block(image, (const void *)address, SETTINGS_IMAGE_OCTETS);
    return settings_unpack(settings, image);
}

void eeprom_load(struct settings *settings)
{
    if (load_copy(settings, FIRST_COPY) || load_copy(settings, SECOND_COPY))
        left = DONE; /* mend the other copy, if it differs */
}

void hardware_save(const struct settings *settings)
{
    settings_pack(settings, image);
    at = at < SETTINGS_IMAGE_OCTETS ? 0 : SETTINGS_IMAGE_OCTETS; /* the copy that may be torn: the other is whole */
    left = DONE;
}

bool hardware_is_saved(void)
{
    return !left;
}

void eeprom_step(void)
{
    uint8_t octet;

    if (!left || (EECR & _BV(EEPE)))
        return;
    octet = image[at % SETTINGS_IMAGE_OCTETS];
    EEAR = at < SETTINGS_IMAGE_OCTETS ? FIRST_COPY + at : SECOND_COPY + (at - SETTINGS_IMAGE_OCTETS);
    if (++at == DONE)
        at = 0;
    left--;
    EECR |= _BV(EERE);
    if (EEDR == octet)
        return;
    EEDR = octet;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        EECR = _BV(EEMPE); /* erase and write; the next bit must follow within four cycles */
        EECR |= _BV(EEPE);
    }
}
