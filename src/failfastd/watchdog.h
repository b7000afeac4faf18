/* The hardware watchdog: resets the machine when nobody pets it. */
#pragma once
#include <stdint.h>

struct err;

struct watchdog {
	int      fd;            /* -1: none */
	uint64_t period_ns;     /* pet this often: a third of its time-out */
};

/* device NULL: none, and all calls do nothing.  The driver may round timeout_s; period_ns follows what it chose. */
int  watchdog_open(struct watchdog *dog, const char *device, int timeout_s, struct err *err);
void watchdog_pet(struct watchdog *dog);
/* Orderly exit only: the magic close, which disarms it (unless the driver was built with nowayout). */
void watchdog_disarm(struct watchdog *dog);
