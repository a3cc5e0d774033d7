/* browse BROWSER URL WIDTH light|dark|print SCREENSHOT|-: what a headless Chromium makes of a page, told over its
 * debugging pipe (the DevTools protocol, JSON between NULs on descriptors 3 and 4). Prints lines
 *
 *   console LEVEL TEXT    everything the page or the browser logged about it
 *   request URL           everything that was asked for, the page itself included
 *   width N [ELEMENT]     how wide the document is: more than WIDTH means that it does not fit, and what sticks out
 *   contrast R TEXT       the least contrast of any text with what lies behind it (WCAG 2), and whose it is
 *   ax ROLE NAME          the accessibility tree, ignored nodes left out
 *   pdf N                 bytes of the page on paper (print)
 */
#include "tests/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int to_browser, from_browser, number, loaded;
static char buf[1 << 26];
static size_t have;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "browse: %s\n", what);
	exit(1);
}

/* The next message; the caller frees it. */
static json_t *next(void)
{
	for (;;) {
		char *end = memchr(buf, 0, have);
		if (end) {
			json_t *j = json_loads(buf, 0, NULL);
			size_t used = (size_t)(end - buf) + 1;
			memmove(buf, buf + used, have - used);
			have -= used;
			if (!j)
				die("the browser sent something that is no JSON");
			return j;
		}
		ssize_t n = have < sizeof buf ? read(from_browser, buf + have, sizeof buf - have) : 0;
		if (n <= 0 && errno != EINTR)
			die("the browser fell silent");
		have += n > 0 ? (size_t)n : 0;
	}
}

static const char *text_of(const json_t *j, const char *a, const char *b)
{
	const json_t *v = json_object_get(json_object_get(j, a), b);
	return json_is_string(v) ? json_string_value(v) : "";
}

static void one_line(const char *text)
{
	for (; *text; text++)
		putchar(*text == '\n' || *text == '\t' ? ' ' : *text);
}

/* Events that arrive while an answer is awaited. */
static void event(const json_t *j)
{
	const char *method = json_string_value(json_object_get(j, "method"));
	const json_t *p = json_object_get(j, "params");
	size_t i;
	json_t *arg;
	if (!method)
		return;
	if (!strcmp(method, "Page.loadEventFired"))
		loaded = 1;
	if (!strcmp(method, "Network.requestWillBeSent"))
		printf("request %s\n", text_of(p, "request", "url"));
	if (!strcmp(method, "Log.entryAdded")) {
		printf("console %s ", text_of(p, "entry", "level"));
		one_line(text_of(p, "entry", "text"));
		putchar('\n');
	}
	if (!strcmp(method, "Runtime.consoleAPICalled")) {
		printf("console %s", json_string_value(json_object_get(p, "type")));
		json_array_foreach(json_object_get(p, "args"), i, arg)
		{
			putchar(' ');
			one_line(json_is_string(json_object_get(arg, "value"))
					 ? json_string_value(json_object_get(arg, "value"))
					 : "(value)");
		}
		putchar('\n');
	}
	if (!strcmp(method, "Runtime.exceptionThrown"))
		printf("console exception %s\n", text_of(p, "exceptionDetails", "text"));
}

/* Sends a command and waits for its answer ("result", owned by the caller). params is taken. */
static json_t *call(const char *session, const char *method, json_t *params)
{
	json_t *j = json_pack("{s:i, s:s, s:o}", "id", ++number, "method", method, "params",
			      params ? params : json_object());
	if (session)
		json_object_set_new(j, "sessionId", json_string(session));
	char *text = json_dumps(j, JSON_COMPACT);
	size_t n = strlen(text) + 1;
	for (size_t at = 0; at < n;) {
		ssize_t w = write(to_browser, text + at, n - at);
		if (w < 0)
			die("the browser does not listen");
		at += (size_t)w;
	}
	free(text);
	json_decref(j);
	for (;;) {
		json_t *m = next();
		if (json_integer_value(json_object_get(m, "id")) == number) {
			json_t *result = json_incref(json_object_get(m, "result"));
			if (!result)
				die(text_of(m, "error", "message"));
			json_decref(m);
			return result;
		}
		event(m);
		json_decref(m);
	}
}

static void tell(const char *session, const char *method, json_t *params)
{
	json_decref(call(session, method, params));
}

static pid_t start(const char *browser, const char *profile)
{
	int down[2], up[2];
	pid_t pid;
	posix_spawn_file_actions_t a;
	char data[300];
	snprintf(data, sizeof data, "--user-data-dir=%s", profile);
	char *argv[] = { (char *)browser,
			 "--headless",
			 "--no-sandbox",
			 "--disable-gpu",
			 "--hide-scrollbars",
			 "--remote-debugging-pipe",
			 "--force-color-profile=srgb",
			 data,
			 "about:blank",
			 NULL };
	if (pipe(down) || pipe(up))
		die("no pipe");
	/* 3 and 4 must survive the copies below, whatever the numbers of the pipes are. */
	int in = fcntl(down[0], F_DUPFD, 10), out = fcntl(up[1], F_DUPFD, 10);
	to_browser = fcntl(down[1], F_DUPFD_CLOEXEC, 10);
	from_browser = fcntl(up[0], F_DUPFD_CLOEXEC, 10);
	close(down[0]);
	close(down[1]);
	close(up[0]);
	close(up[1]);
	posix_spawn_file_actions_init(&a);
	posix_spawn_file_actions_adddup2(&a, in, 3);
	posix_spawn_file_actions_adddup2(&a, out, 4);
	posix_spawn_file_actions_addclose(&a, in);
	posix_spawn_file_actions_addclose(&a, out);
	posix_spawn_file_actions_addopen(&a, 2, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, browser, &a, NULL, argv, environ))
		die("the browser does not start");
	posix_spawn_file_actions_destroy(&a);
	close(in);
	close(out);
	return pid;
}

/* Least contrast of visible text with the first opaque colour behind it. */
static const char contrast[] =
	"(()=>{const lin=c=>{c/=255;return c<=.04045?c/12.92:((c+.055)/1.055)**2.4};"
	"const rgb=s=>{const "
	"m=s.match(/[\\d.]+/g).map(Number);return{l:.2126*lin(m[0])+.7152*lin(m[1])+.0722*lin(m[2]),"
	"a:m.length>3?m[3]:1}};let least=99,who='';"
	"const walk=document.createTreeWalker(document.body,NodeFilter.SHOW_TEXT);let n;"
	"while(n=walk.nextNode()){if(!n.data.trim())continue;const e=n.parentElement,r=e.getClientRects();"
	"if(!r.length||['TITLE','DESC','STYLE'].includes(e.tagName.toUpperCase()))continue;"
	"const s=getComputedStyle(e),f=rgb(e.namespaceURI.endsWith('svg')?s.fill:s.color);let b=null;"
	"for(let p=e;p&&!b;p=p.parentElement){const c=rgb(getComputedStyle(p).backgroundColor);if(c.a==1)b=c}"
	"if(!b)b={l:1};const q=(Math.max(f.l,b.l)+.05)/(Math.min(f.l,b.l)+.05);if(q<least){least=q;who=n.data.trim()}}"
	"return least.toFixed(2)+' '+who})()";

/* How wide the document is, and the first element that reaches beyond the window without being scrolled inside another.
 */
static const char widest[] =
	"(()=>{let who='';for(const e of document.querySelectorAll('body "
	"*')){if(e.getBoundingClientRect().right<=innerWidth+1)"
	"continue;let p=e.parentElement;while(p&&getComputedStyle(p).overflowX=='visible')p=p.parentElement;"
	"if(!p||p==document.documentElement||p==document.body){who=' '+e.tagName+' '+e.textContent.slice(0,40);break}}"
	"return document.documentElement.scrollWidth+who})()";

static void evaluate(const char *session, const char *label, const char *expression)
{
	json_t *r = call(session, "Runtime.evaluate",
			 json_pack("{s:s, s:b}", "expression", expression, "returnByValue", 1));
	const json_t *v = json_object_get(json_object_get(r, "result"), "value");
	char *text = json_dumps(v, JSON_ENCODE_ANY);
	printf("%s ", label);
	one_line(json_is_string(v) ? json_string_value(v) : text ? text : "?");
	putchar('\n');
	free(text);
	json_decref(r);
}

static void tree(const char *session)
{
	json_t *r = call(session, "Accessibility.getFullAXTree", NULL), *node;
	size_t i;
	json_array_foreach(json_object_get(r, "nodes"), i, node)
	{
		if (json_is_true(json_object_get(node, "ignored")))
			continue;
		printf("ax %s ", text_of(node, "role", "value"));
		one_line(text_of(node, "name", "value"));
		putchar('\n');
	}
	json_decref(r);
}

static void decode(const char *text, const char *path)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	FILE *f = fopen(path, "wb");
	unsigned bits = 0, n = 0;
	for (; f && *text && *text != '='; text++) {
		bits = bits << 6 | (unsigned)(strchr(digits, *text) - digits);
		n += 6;
		if (n >= 8)
			fputc((int)(bits >> (n -= 8) & 255), f);
	}
	if (!f || fclose(f))
		die("the screenshot cannot be written");
}

static void look(const char *session, const char *url, int width, const char *mode, const char *shot)
{
	tell(session, "Page.enable", NULL);
	tell(session, "Runtime.enable", NULL);
	tell(session, "Log.enable", NULL);
	tell(session, "Network.enable", NULL);
	tell(session, "Emulation.setDeviceMetricsOverride",
	     json_pack("{s:i, s:i, s:i, s:b}", "width", width, "height", 900, "deviceScaleFactor", 1, "mobile",
		       width < 600));
	tell(session, "Emulation.setEmulatedMedia",
	     json_pack("{s:s, s:[{s:s, s:s}]}", "media", strcmp(mode, "print") ? "screen" : "print", "features", "name",
		       "prefers-color-scheme", "value", strcmp(mode, "dark") ? "light" : "dark"));
	tell(session, "Page.navigate", json_pack("{s:s}", "url", url));
	while (!loaded) {
		json_t *m = next();
		event(m);
		json_decref(m);
	}
	evaluate(session, "width", widest);
	evaluate(session, "contrast", contrast);
	tree(session);
	if (!strcmp(mode, "print")) {
		json_t *r = call(session, "Page.printToPDF", NULL);
		printf("pdf %zu\n", json_string_length(json_object_get(r, "data")) / 4 * 3);
		json_decref(r);
	}
	if (strcmp(shot, "-")) {
		json_t *r = call(session, "Page.captureScreenshot", json_pack("{s:b}", "captureBeyondViewport", 1));
		decode(json_string_value(json_object_get(r, "data")), shot);
		json_decref(r);
	}
}

int main(int argc, char **argv)
{
	char profile[SCRATCH_PATH];
	int status;
	if (argc != 6 || scratch_folder(profile, "browse"))
		die("usage: browse BROWSER URL WIDTH light|dark|print SCREENSHOT|-");
	signal(SIGPIPE, SIG_IGN);
	alarm(120);
	pid_t pid = start(argv[1], profile);
	json_t *made = call(NULL, "Target.createTarget", json_pack("{s:s}", "url", "about:blank"));
	json_t *on = call(NULL, "Target.attachToTarget",
			  json_pack("{s:O, s:b}", "targetId", json_object_get(made, "targetId"), "flatten", 1));
	look(json_string_value(json_object_get(on, "sessionId")), argv[2], (int)strtol(argv[3], NULL, 10), argv[4],
	     argv[5]);
	json_decref(made);
	json_decref(on);
	tell(NULL, "Browser.close", NULL);
	waitpid(pid, &status, 0);
	pid = fork();
	if (!pid) {
		execlp("rm", "rm", "-rf", profile, (char *)NULL);
		_exit(127);
	}
	return pid < 0 || waitpid(pid, &status, 0) < 0 || status ? 1 : 0;
}
