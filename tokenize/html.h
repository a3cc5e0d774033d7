/* html: text as it was scraped from pages, with tags and character references. Private to tokenize/. */
#ifndef VIC_HTML_H
#define VIC_HTML_H

#include <stddef.h>
#include <stdint.h>

struct html_counts {
	uint64_t tags, references, unknown; /* unknown: references that stay as they are */
};

/* UTF-8 to UTF-8: a tag (<br />, </p>, <a href="...">) or comment becomes a space, a reference (&amp; &#39; &#x27;
 * &eacute;) its character, once. Numbers 128 to 159 are Windows-1252, as browsers have it; NUL, surrogates and what is
 * beyond Unicode are U+FFFD. A < or & that begins neither stays. `out` has n bytes. Returns the bytes written. */
size_t html_plain(const char *text, size_t n, char *out, struct html_counts *c);

#endif
