/* The reference load-cell board: an ATmega328P at 16 MHz with one to eight HX711. */
#include <avr/interrupt.h>
#include <avr/sleep.h>
#include <avr/wdt.h>

#include "adc.h"
#include "board.h"
#include "ds18b20.h"
#include "eeprom.h"
#include "hardware.h"
#include "pins.h"
#include "start.h"
#include "timer.h"
#include "uart.h"

#if DS18B20_ON_PIN
int16_t hardware_temperature_cdeg(void)
{
    return ds18b20_cdeg();
}
#define TEMPERATURE_STEP() ds18b20_step(hardware_ticks())
#define TEMPERATURE_BUSY() ds18b20_busy()
#else
#define TEMPERATURE_STEP() ((void)0)
#define TEMPERATURE_BUSY() false
#endif

/* Idle, with timers and USART running, until there is something to do. Deeper sleep would stop the board's clock. */
static void sleep_until_needed(void)
{
    for (;;) {
        cli();
        if (timer_woke || pins_have_edge() || uart_has_received() || TEMPERATURE_BUSY())
            break;
        sleep_enable();
        sei(); /* takes effect after the next instruction: no interrupt slips in between */
        sleep_cpu();
        sleep_disable();
    }
    timer_woke = false;
    sei();
}

int main(void)
{
    struct settings settings;

    start_watchdog();
    pins_start();
    timer_start();
    uart_start();
    adc_start();
    eeprom_load(&settings);
    set_sleep_mode(SLEEP_MODE_IDLE);
    sei();
#if DS18B20_ON_PIN
    ds18b20_start(hardware_ticks());
#endif
    board_start(&settings, start_reset_cause, start_boot_counter());
    for (;;) {
        wdt_reset();
        board_step();
        adc_step();
        TEMPERATURE_STEP();
        eeprom_step();
        sleep_until_needed();
    }
}
