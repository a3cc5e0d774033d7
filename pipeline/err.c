#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int fill(struct err *err, enum vic_status status, const char *fmt, va_list ap)
{
	err->status = status;
	err->cause = CAUSE_DATA;
	vsnprintf(err->msg, sizeof err->msg, fmt, ap);
	for (char *p = err->msg; *p; p++) /* a file name may hold anything; the message stays one line */
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	return -1;
}

int err_set(struct err *err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fill(err, VIC_DATA, fmt, ap);
	va_end(ap);
	return -1;
}

int err_usage(struct err *err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fill(err, VIC_USAGE, fmt, ap);
	va_end(ap);
	return -1;
}

int err_no_device(struct err *err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fill(err, VIC_NO_DEVICE, fmt, ap);
	va_end(ap);
	return -1;
}

int err_sys(struct err *err, const char *fmt, ...)
{
	int code = errno;
	va_list ap;
	va_start(ap, fmt);
	fill(err, VIC_DATA, fmt, ap);
	va_end(ap);
	size_t n = strlen(err->msg);
	snprintf(err->msg + n, sizeof err->msg - n, ": %s", strerror(code));
	err->cause = CAUSE_SYSTEM;
	return -1;
}

int err_system(struct err *err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fill(err, VIC_DATA, fmt, ap);
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
	char head[sizeof err->msg], tail[sizeof err->msg];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(head, sizeof head, fmt, ap);
	va_end(ap);
	memcpy(tail, err->msg, sizeof tail);
	size_t n = strlen(head);
	if (n > sizeof err->msg - 3)
		n = sizeof err->msg - 3;
	memcpy(err->msg, head, n);
	snprintf(err->msg + n, sizeof err->msg - n, ": %s", tail);
	return -1;
}
