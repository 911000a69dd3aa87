/*
 * The signal: every 10 ms of it begin with a mark that says which 10 ms they are,
 * so that whoever receives samples knows when each was captured and what is
 * missing. marks.ts reads it.
 *
 * A mark is a pattern that stands nowhere else (only its samples are that loud)
 * and 32 bits, one a sample: a number of 24 and a check of 8. It is told by signs
 * and a wide margin, so that one more or less, as a way through float32 leaves it,
 * does no harm. All of it is loud enough for any detector.
 */
#ifndef EARSHOT_MARKS_H
#define EARSHOT_MARKS_H

#include <stdint.h>

enum {
	BLOCKS_PER_SECOND = 100,
	SYNC_FRAMES = 8,
	BIT_FRAMES = 32,
	SYNC_LEVEL = 20000,
	LEVEL = 8000,
	/* Half a period of the tone behind the mark: 750 Hz at 24 kHz. */
	TONE_FRAMES = 16,
	/* The signs of the pattern, the first one in the highest bit. */
	SYNC_SIGNS = 0xb2,
	CHECK = 0x5a,
};

/* The sample at a position, which is counted from the signal's epoch. */
static inline int16_t marked_sample(uint64_t position, unsigned rate)
{
	unsigned block_frames = rate / BLOCKS_PER_SECOND;
	uint32_t number = (position / block_frames) & 0xffffff;
	unsigned offset = position % block_frames;
	if (offset < SYNC_FRAMES) {
		int sign = SYNC_SIGNS >> (SYNC_FRAMES - 1 - offset) & 1;
		return sign ? SYNC_LEVEL : -SYNC_LEVEL;
	}
	offset -= SYNC_FRAMES;
	if (offset < BIT_FRAMES) {
		uint32_t check = (number ^ number >> 8 ^ number >> 16 ^ CHECK) & 0xff;
		uint32_t bits = number << 8 | check;
		return bits >> (BIT_FRAMES - 1 - offset) & 1 ? LEVEL : -LEVEL;
	}
	offset -= BIT_FRAMES;
	return offset / TONE_FRAMES % 2 ? LEVEL : -LEVEL;
}

#endif
