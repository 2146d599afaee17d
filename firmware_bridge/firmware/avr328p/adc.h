/* The ADC: supply by the internal bandgap, an NTC on ADC6, the contacts' ladder on ADC7. One reading a step. */
#ifndef ADC_H
#define ADC_H

void adc_start(void);
void adc_step(void);

#endif
