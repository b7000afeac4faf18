#include "bus/frame.h"

#include <endian.h>
#include <errno.h>

size_t frame_make(const void *message, size_t len, size_t offset, unsigned char *out)
{
	size_t n = MIN(len - offset, (size_t)FRAME_PAYLOAD);
	uint32_t header[4] = { htole32(FRAME_MAGIC), htole32((uint32_t)len), htole32((uint32_t)offset), 0 };

	assert(offset <= len);
	memcpy(out, header, FRAME_HEADER);
	memcpy(out + FRAME_HEADER, (const char *)message + offset, n);
	return FRAME_HEADER + n;
}

int frame_take(struct buf *partial, const void *frame, size_t len, size_t limit)
{
	uint32_t header[4];
	size_t total, offset, n;

	if (len < FRAME_HEADER)
		return -EBADMSG;
	memcpy(header, frame, FRAME_HEADER);
	total = le32toh(header[1]);
	offset = le32toh(header[2]);
	n = len - FRAME_HEADER;
	if (le32toh(header[0]) != FRAME_MAGIC || total > limit || offset > total || n > total - offset)
		return -EBADMSG;
	if (offset == 0)
		partial->len = 0;
	else if (offset != partial->len)
		return 0;
	buf_add(partial, (const char *)frame + FRAME_HEADER, n);
	return partial->len == total;
}
