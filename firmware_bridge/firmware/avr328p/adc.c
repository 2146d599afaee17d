#include "adc.h"

#include <avr/io.h>

#include "hardware.h"
#include "ladder.h"
#include "ntc.h"
#include "pins.h"

#define AVCC_REFERENCE _BV(REFS0)
#define BANDGAP (AVCC_REFERENCE | 0x0E)
#define NTC_INPUT (AVCC_REFERENCE | 6)
#define LADDER_INPUT (AVCC_REFERENCE | 7)
/* Nominal; 1.0 to 1.2 V from chip to chip, so that the supply is good to 10 %, its changes far better. */
#define BANDGAP_MV 1100ul
/* The bandgap drives the ADC's capacitor through a high resistance: the first readings after the switch are low. */
#define BANDGAP_DISCARDED 8

enum { AT_BANDGAP, AT_NTC = BANDGAP_DISCARDED + 1, AT_LADDER = AT_NTC + (NTC_ON_ADC ? NTC_READINGS : 0) };
#define AT_END (AT_LADDER + !CONTACTS_ON_PINS)

static uint8_t at;
static uint16_t bandgap_reading;
#if NTC_ON_ADC
static uint16_t ntc_sum;
static int16_t ntc_latest = TEMPERATURE_NONE;
#endif
#if !CONTACTS_ON_PINS
static uint8_t ladder_latest;
#endif

void adc_start(void)
{
    ADMUX = BANDGAP;
    ADCSRA = _BV(ADEN) | _BV(ADSC) | _BV(ADPS2) | _BV(ADPS1) | _BV(ADPS0); /* 125 kHz */
}

void adc_step(void)
{
    uint16_t reading;

    if (ADCSRA & _BV(ADSC))
        return;
    reading = ADC;
    if (at < AT_NTC) {
        if (at == BANDGAP_DISCARDED)
            bandgap_reading = reading;
#if NTC_ON_ADC
    } else if (at < AT_LADDER) {
        ntc_sum += reading;
        if (at == AT_LADDER - 1) {
            ntc_latest = ntc_cdeg(ntc_sum);
            ntc_sum = 0;
        }
#endif
#if !CONTACTS_ON_PINS
    } else {
        ladder_latest = ladder_inputs(reading);
#endif
    }
    if (++at == AT_END)
        at = AT_BANDGAP;
    ADMUX = at < AT_NTC ? BANDGAP : at < AT_LADDER ? NTC_INPUT : LADDER_INPUT;
    ADCSRA |= _BV(ADSC);
}

uint16_t hardware_supply_mv(void)
{
    return bandgap_reading ? (uint16_t)(BANDGAP_MV * 1024 / bandgap_reading) : 0;
}

#if NTC_ON_ADC
int16_t hardware_temperature_cdeg(void)
{
    return ntc_latest;
}
#endif

#if !CONTACTS_ON_PINS
uint8_t hardware_digital_inputs(void)
{
    return ladder_latest;
}
#endif
