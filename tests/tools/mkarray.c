/* mkarray: arrays as NumPy and safetensors write them, made without either, for tests of those who read them.
 *
 *   mkarray npy DESCR SHAPE ORDER VALUE...     mkarray npy '<f8' '(2, 3)' F 1 2 3 4 5 6
 *   mkarray npz stored|deflated NAME=FILE...   mkarray npz stored z=z.npy y=y.npy
 *   mkarray st NAME DTYPE SHAPE VALUE... [, NAME ...]   mkarray st z F32 '[2,2]' 1 2 3 4 , y I64 '[2]' 0 1
 *
 * VALUEs stand as they lie in the file; DESCR is numpy's, of f, i, u, b, U and S; ORDER is C or F, and a digit after it
 * the format's version (C2). Every member's lengths come after its bytes where METHOD ends in -streamed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { ROOM = 1 << 20 };
static unsigned char out[ROOM];
static size_t len;

static void fail(const char *what)
{
	fprintf(stderr, "mkarray: %s\n", what);
	exit(2);
}

static void put(const void *p, size_t n)
{
	if (len + n > ROOM)
		fail("too long");
	memcpy(out + len, p, n);
	len += n;
}

static void number(uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++) {
		unsigned char b = i < 8 ? (unsigned char)(v >> 8 * i) : 0;
		put(&b, 1);
	}
}

/* Half precision of a value that has one (small whole numbers and halves of them). */
static uint16_t half(float f)
{
	uint32_t u;
	memcpy(&u, &f, 4);
	int e = (int)(u >> 23 & 255) - 127 + 15;
	return f == 0 ? 0 : (uint16_t)((u >> 16 & 0x8000) | (uint32_t)e << 10 | (u >> 13 & 1023));
}

static void put_value(char type, size_t size, int big, const char *text)
{
	unsigned char v[8] = { 0 };
	size_t n = strlen(text);
	if (type == 'S' || type == 'U') {
		for (size_t i = 0; i < size; i++)
			number(i < n ? (unsigned char)text[i] : 0, type == 'U' ? 4 : 1);
		return;
	}
	double d = strtod(text, NULL);
	float f = (float)d;
	uint16_t h = half(f);
	int64_t w = strtoll(text, NULL, 10);
	memcpy(v, type != 'f' ? (void *)&w : size == 8 ? (void *)&d : size == 4 ? (void *)&f : (void *)&h, size);
	for (size_t i = 0; i < size; i++)
		put(&v[big ? size - 1 - i : i], 1);
}

static void npy(int n, char **arg)
{
	char head[512];
	if (n < 3)
		fail("npy DESCR SHAPE ORDER VALUE...");
	int version = arg[2][1] ? arg[2][1] - '0' : 1;
	int k = snprintf(head, sizeof head, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", arg[0],
			 arg[2][0] == 'F' ? "True" : "False", arg[1]);
	put("\x93NUMPY", 6);
	number((uint64_t)version, 2);
	number((uint64_t)k, version == 1 ? 2 : 4);
	put(head, (size_t)k);
	for (int i = 3; i < n; i++)
		put_value(arg[0][1], strtoul(arg[0] + 2, NULL, 10), arg[0][0] == '>', arg[i]);
}

struct member {
	const char *name;
	size_t name_len, at, packed, size;
	uint32_t crc;
};

/* What local header and directory have in common. */
static void fields(const struct member *m, int method, int streamed, int known)
{
	number(20, 2);
	number(streamed ? 8 : 0, 2);
	number((uint64_t)method, 2);
	number(0x00210000, 4);
	number(known ? m->crc : 0, 4);
	number(known ? m->packed : 0, 4);
	number(known ? m->size : 0, 4);
	number(m->name_len + 4, 2);
	number(0, 2);
}

static void npz(int n, char **arg)
{
	static unsigned char data[ROOM], packed[ROOM + 1024];
	struct member m[64];
	int streamed = n && strstr(arg[0], "-streamed"), method = n && !strncmp(arg[0], "deflated", 8) ? 8 : 0;
	if (n < 1 || n > 64)
		fail("npz stored|deflated NAME=FILE...");
	for (int i = 1; i < n; i++) {
		char *file = strchr(arg[i], '=');
		FILE *f = file ? fopen(file + 1, "rb") : NULL;
		if (!f)
			fail("NAME=FILE");
		m[i] = (struct member){ .name = arg[i], .name_len = (size_t)(file - arg[i]), .at = len };
		m[i].packed = m[i].size = fread(data, 1, ROOM, f);
		fclose(f);
		m[i].crc = (uint32_t)crc32(0, data, (uInt)m[i].size);
		memcpy(packed, data, m[i].size);
		if (method) {
			z_stream z = { .next_in = data, .avail_in = (uInt)m[i].size, .next_out = packed,
				       .avail_out = sizeof packed };
			if (deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY) != Z_OK ||
			    deflate(&z, Z_FINISH) != Z_STREAM_END)
				fail("deflate");
			m[i].packed = z.total_out;
			deflateEnd(&z);
		}
		put("PK\3\4", 4);
		fields(&m[i], method, streamed, !streamed);
		put(m[i].name, m[i].name_len);
		put(*m[i].name == 'R' ? ".txt" : ".npy", 4); /* README */
		put(packed, m[i].packed);
		if (streamed) {
			put("PK\7\10", 4);
			number(m[i].crc, 4);
			number(m[i].packed, 4);
			number(m[i].size, 4);
		}
	}
	size_t directory = len;
	for (int i = 1; i < n; i++) {
		put("PK\1\2", 4);
		number(20, 2);
		fields(&m[i], method, streamed, 1);
		number(0, 2 + 2 + 2 + 4);
		number(m[i].at, 4);
		put(m[i].name, m[i].name_len);
		put(*m[i].name == 'R' ? ".txt" : ".npy", 4); /* README */
	}
	size_t end = len;
	put("PK\5\6", 4);
	number(0, 4);
	number((uint64_t)n - 1, 2);
	number((uint64_t)n - 1, 2);
	number(end - directory, 4);
	number(directory, 4);
	number(0, 2);
}

static void st(int n, char **arg)
{
	char head[4096] = "{";
	size_t from = 0;
	for (int i = 0; i + 2 < n; i++) {
		size_t size =
			!strcmp(arg[i + 1], "BOOL") ? 1 : strtoul(strpbrk(arg[i + 1], "0123456789"), NULL, 10) / 8;
		int brain = arg[i + 1][0] == 'B' && size == 2, k = i + 3;
		char type = brain ? 'f' : (char)(arg[i + 1][0] | 32);
		size_t before = len;
		for (; k < n && strcmp(arg[k], ","); k++) {
			float f = strtof(arg[k], NULL);
			uint32_t u;
			memcpy(&u, &f, 4);
			if (brain)
				number(u >> 16, 2);
			else
				put_value(type, size, 0, arg[k]);
		}
		snprintf(head + strlen(head), sizeof head - strlen(head),
			 "%s\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%zu,%zu]}", i ? "," : "", arg[i],
			 arg[i + 1], arg[i + 2], from, from + len - before);
		from += len - before;
		i = k;
	}
	snprintf(head + strlen(head), sizeof head - strlen(head), "}");
	uint64_t k = strlen(head);
	fwrite(&k, 8, 1, stdout);
	fwrite(head, 1, k, stdout);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "npy"))
		npy(argc - 2, argv + 2);
	else if (argc > 1 && !strcmp(argv[1], "npz"))
		npz(argc - 2, argv + 2);
	else if (argc > 1 && !strcmp(argv[1], "st"))
		st(argc - 2, argv + 2);
	else
		fail("npy, npz or st");
	return fwrite(out, 1, len, stdout) == len && !fflush(stdout) ? 0 : 1;
}
