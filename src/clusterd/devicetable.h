/* Quorum devices, and disks with data, in the infrastructure table: both are rows of cluster.quorum_devices, with ids and names
 * of their own; a disk has the role "data".  Pure. */
#pragma once
#include <jansson.h>

#include "cmm/cmm.h"

/* The id by its name; 0: there is none. */
uint32_t devicetable_find(const json_t *table, const char *name);
const char *devicetable_name(const json_t *table, uint32_t id);         /* "": there is none of this id */
uint32_t devicetable_free_id(const json_t *table);                      /* above CMM_DEVICE_ID_MAX: all are taken */
bool devicetable_is_disk(const json_t *table, uint32_t id);
bool devicetable_is_enabled(const json_t *table, uint32_t id);
void devicetable_drop(json_t *table, uint32_t id);

bool devicetable_name_fits(const char *name);
bool devicetable_fencing_fits(const char *value);                       /* of default_fencing */
/* A property that the kind of the device understands; the rest is for cmm and for people. */
bool devicetable_is_for_quorumd(const char *property);
/* The properties say which disk or server it is. */
bool devicetable_has_place(const char *type, const json_t *props);
/* The device that is at the same place already; 0: none. */
uint32_t devicetable_at_place(const json_t *table, const json_t *props);
