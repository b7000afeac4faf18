/* A message as frames that fit the transport.  On the wire, little-endian:
 *
 *   0       4         8          12         16
 *   +-------+---------+----------+----------+---------------
 *   | magic | total   | offset   | reserved | payload ...
 *   +-------+---------+----------+----------+---------------
 *
 * total: length of the message; offset: of this payload in it.  The frames of one sender arrive in order; a receiver that
 * came in the middle of a message drops its rest. */
#pragma once
#include "base/buf.h"

#define FRAME_HEADER  16u
#define FRAME_PAYLOAD 60000u
#define FRAME_MAGIC   0x31504850u       /* "PHP1" */

/* Length of the frame for the payload at offset; writes it to out[FRAME_HEADER + FRAME_PAYLOAD]. */
size_t frame_make(const void *message, size_t len, size_t offset, unsigned char *out);
/* Adds a frame to what came before from the same sender.  1: message is whole (buf holds it; the caller empties it);
 * 0: more is to come, or the frame was the rest of something unknown; -EBADMSG: no frame. */
int frame_take(struct buf *partial, const void *frame, size_t len, size_t limit);
