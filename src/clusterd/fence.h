/* Fencing at the edge of clusterd: runs the agents that the infrastructure table names for a node.  Private to src/clusterd. */
#pragma once
#include <stdbool.h>

#include <jansson.h>
#include <uv.h>

struct fence;
/* ended runs in the loop, once an order: how is the agent that did it, error NULL or what all levels said. */
struct fence *fence_new(uv_loop_t *loop, void (*ended)(void *ctx, const json_t *order, const char *how, const char *error), void *ctx);
/* An order of engine_update.fence. */
void fence_order(struct fence *fence, const json_t *infrastructure, const json_t *order);
/* Ends the agents of orders that are void; they are not reported. */
void fence_cancel(struct fence *fence, bool (*is_wanted)(void *ctx, const json_t *order), void *ctx);
