/* mkphoto: a picture of one's own, as a PNG: a field of noise of HEIGHT x WIDTH pixels, DARK (0 to 255) on average and
 * redder by RED. The same SEED gives the same file.
 *
 *   mkphoto HEIGHT WIDTH DARK RED SEED > holiday.png */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { SIDE = 512 };

static void number(unsigned char *to, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		to[i] = (unsigned char)(v >> (24 - 8 * i));
}

static int chunk(const char *type, const unsigned char *data, uint32_t n)
{
	unsigned char head[8], crc[4];
	number(head, n);
	memcpy(head + 4, type, 4);
	uLong sum = crc32(crc32(0, head + 4, 4), n ? data : head, n);
	number(crc, (uint32_t)sum);
	return fwrite(head, 1, 8, stdout) == 8 && fwrite(data, 1, n, stdout) == n && fwrite(crc, 1, 4, stdout) == 4;
}

static unsigned char limited(long v)
{
	return (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
}

int main(int argc, char **argv)
{
	static unsigned char rows[SIDE * (1 + 3 * SIDE)], packed[2 * sizeof rows];
	long v[5] = { 0 };
	for (int i = 0; i < 5 && i + 1 < argc; i++)
		v[i] = strtol(argv[i + 1], NULL, 10);
	if (argc != 6 || v[0] < 1 || v[0] > SIDE || v[1] < 1 || v[1] > SIDE)
		return 2;
	size_t n = 0;
	uint32_t state = 2654435761u * (uint32_t)(v[4] + 1);
	for (long y = 0; y < v[0]; y++) {
		rows[n++] = 0; /* no filter */
		for (long x = 0; x < 3 * v[1]; x++) {
			state = state * 1664525u + 1013904223u;
			rows[n++] = limited(v[2] + (long)(state >> 26) - 32 + (x % 3 ? 0 : v[3]));
		}
	}
	uLongf len = sizeof packed;
	unsigned char head[13] = { 0 };
	number(head, (uint32_t)v[1]);
	number(head + 4, (uint32_t)v[0]);
	head[8] = 8;
	head[9] = 2; /* RGB */
	return compress(packed, &len, rows, n) != Z_OK || fwrite("\x89PNG\r\n\x1a\n", 1, 8, stdout) != 8 ||
	       !chunk("IHDR", head, 13) || !chunk("IDAT", packed, (uint32_t)len) || !chunk("IEND", head, 0) ||
	       fflush(stdout);
}
