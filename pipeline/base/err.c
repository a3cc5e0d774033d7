/* Messages of a fixed size: a text that does not fit is cut after a whole UTF-8 character and ends in "...". The
 * cause stands last and says most, so where context and cause do not both fit, the context is cut, and the cause
 * keeps at least half. err_sys saves errno before it formats anything; err_context saves the old message, since it
 * formats into its place. */
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Cuts text that wanted more than `room` bytes, after a whole character, with "..." for what is gone. */
static void cut_message(char *text, size_t wanted, size_t room)
{
	size_t n = room - 4;
	if (wanted < room)
		return;
	while (n && ((unsigned char)text[n] & 0xC0) == 0x80)
		n--;
	memcpy(text + n, "...", 4);
}

void err_vphrase(char *text, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(text, size, fmt, ap);
	cut_message(text, n < 0 ? 0 : (size_t)n, size);
}

void err_phrase(char *text, size_t size, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	err_vphrase(text, size, fmt, ap);
	va_end(ap);
}

static int set_message(struct err *err, enum vic_status status, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));
static int set_message(struct err *err, enum vic_status status, const char *fmt, va_list ap)
{
	err->status = status;
	err->cause = CAUSE_DATA;
	err_vphrase(err->msg, sizeof err->msg, fmt, ap);
	return -1;
}

/* Puts text after what is there, which is cut to make room: the cause comes last. */
static int append(struct err *err, const char *text)
{
	size_t most = sizeof err->msg / 2, n = strlen(text);
	cut_message(err->msg, strlen(err->msg), sizeof err->msg - 2 - (n < most ? n : most));
	size_t head = strlen(err->msg);
	err_phrase(err->msg + head, sizeof err->msg - head, ": %s", text);
	return -1;
}

int err_set(struct err *err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	set_message(err, VIC_DATA, fmt, ap);
	va_end(ap);
	return -1;
}

int err_usage(struct err *err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	set_message(err, VIC_USAGE, fmt, ap);
	va_end(ap);
	return -1;
}

int err_no_device(struct err *err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	set_message(err, VIC_NO_DEVICE, fmt, ap);
	va_end(ap);
	return -1;
}

int err_sys(struct err *err, const char *fmt, ...)
{
	int code = errno;
	va_list ap;
	va_start(ap, fmt);
	set_message(err, VIC_DATA, fmt, ap);
	va_end(ap);
	append(err, strerror(code));
	err->cause = CAUSE_SYSTEM;
	return -1;
}

int err_system(struct err *err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	set_message(err, VIC_DATA, fmt, ap);
	va_end(ap);
	err->cause = CAUSE_SYSTEM;
	return -1;
}

int err_memory(struct err *err)
{
	return err_system(err, "out of memory");
}

int err_context(struct err *err, const char *fmt, ...)
{
	enum vic_status status = err->status;
	enum err_cause cause = err->cause;
	char tail[sizeof err->msg];
	va_list ap;
	memcpy(tail, err->msg, sizeof tail);
	va_start(ap, fmt);
	set_message(err, status, fmt, ap);
	va_end(ap);
	err->cause = cause;
	return append(err, tail);
}
