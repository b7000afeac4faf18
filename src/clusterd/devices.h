/* Quorum devices at the edge of clusterd: requests of the engine, carried out by quorumd.  Private to src/clusterd. */
#pragma once
#include <jansson.h>
#include <uv.h>

struct devices;
/* ended runs in the loop, once a request; request and result (engine_device()) are borrowed. */
struct devices *devices_new(uv_loop_t *loop, uint32_t self,
			    void (*ended)(void *ctx, const json_t *request, const json_t *result), void *ctx);
/* The infrastructure table; cheap when nothing of it concerns devices. */
void devices_configure(struct devices *devices, const json_t *infrastructure);
/* A request of engine_update.device.  May call ended before it returns. */
void devices_request(struct devices *devices, const json_t *infrastructure, const json_t *request);
