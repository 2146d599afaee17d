/* The 1-Wire bus of a DS18B20 on PB2, pulled up by 4.7k. */
#ifndef ONEWIRE_H
#define ONEWIRE_H

#define ONEWIRE_PIN PB2

#endif
