/* desk/http_test.c: what a request says, without a socket. */
#include "desk/http.h"

#include "base/rows.h"
#include "desk/form.h"

static const struct field_row {
	const char  *sentence, *text, *name;
	struct bytes want;
} field_rows[] = {
	{ "a field is found by its name", "a=1&b=2", "b", B_INIT("2") },
	{ "the first of two counts", "a=1&a=2", "a", B_INIT("1") },
	{ "one that is not there is empty", "a=1", "b", B_INIT("") },
	{ "a name is no beginning of another", "ab=1&a=2", "a", B_INIT("2") },
	{ "a name without = is a field without value", "a&a=2", "a", B_INIT("") },
	{ "plus is a blank", "a=x+y", "a", B_INIT("x y") },
	{ "octets are decoded, NUL too", "a=%41%00%e2%82%AC", "a", B_INIT("A\0\xe2\x82\xac") },
	{ "an encoded & does not end a field", "a=x%26b%3D1&b=2", "a", B_INIT("x&b=1") },
	{ "a % alone is itself", "a=100%&b=%4", "a", B_INIT("100%") },
	{ "and so is half an octet", "b=%4", "b", B_INIT("%4") },
	{ "and one that is no hexadecimal", "b=%zz", "b", B_INIT("%zz") },
	{ "= in a value stays", "a=b=c", "a", B_INIT("b=c") },
	{ "an empty body has no fields", "", "a", B_INIT("") },
};

static void
check_field(void **state)
{
	const struct field_row *row = *state;
	struct arena           *a = arena_new(1 << 16);
	struct http_request     body = { .arena = a, .body = bytes_of(row->text) }, query = { .arena = a, .query = bytes_of(row->text) };

	assert_bytes(http_form(&body, row->name), row->want);
	assert_bytes(http_query(&query, row->name), row->want);
	arena_free(a);
}

static const struct route_row {
	const char *sentence;
	unsigned    method;
	const char *path, *found, *tail; /* found NULL: `fault` */
	unsigned    fault;
} route_rows[] = {
	{ "a path is found", HTTP_GET, "/messages", "/messages", "", 0 },
	{ "what is longer is another", HTTP_GET, "/messagesx", NULL, "", 404 },
	{ "what stands behind a prefix is told", HTTP_GET, "/message/ABC/d", "/message/", "ABC/d", 0 },
	{ "a prefix alone is there too", HTTP_GET, "/message/", "/message/", "", 0 },
	{ "a method that no row of the path takes is 405", HTTP_POST, "/messages", NULL, "", 405 },
	{ "each method has its row", HTTP_POST, "/explain", "/explain", "", 0 },
	{ "one that is not known is 405", 0, "/explain", NULL, "", 405 },
	{ "an empty path is 404", HTTP_GET, "", NULL, "", 404 },
};

static void
check_route(void **state)
{
	static const struct http_route routes[] = {
		{ HTTP_GET, "/messages", false, 0, 0, NULL, false },
		{ HTTP_GET, "/message/", true, 0, 0, NULL, false },
		{ HTTP_GET, "/explain", false, 0, 0, NULL, false },
		{ HTTP_POST, "/explain", false, 0, 100, NULL, true },
	};
	const struct route_row  *row = *state;
	unsigned                 fault = 0;
	struct bytes             tail = B("");
	const struct http_route *found = http_route_find(routes, NELEMS(routes), row->method, bytes_of(row->path), &tail, &fault);

	assert_int_equal(found != NULL, row->found != NULL);
	if (found == NULL) {
		assert_int_equal(fault, row->fault);
		return;
	}
	assert_string_equal(found->path, row->found);
	assert_true(found->methods & row->method);
	assert_bytes(tail, bytes_of(row->tail));
}

static const struct client_row {
	const char *sentence, *header, *want; /* NULL: none */
} client_rows[] = {
	{ "one address is the client", "192.0.2.1", "192.0.2.1" },
	{ "of several the last counts: the others may be made up", "192.0.2.1, 198.51.100.7", "198.51.100.7" },
	{ "an IPv6 address too", "192.0.2.1,2001:db8::7 ", "2001:db8::7" },
	{ "a word is none", "192.0.2.1, unknown", NULL },
	{ "nothing behind the comma is none", "192.0.2.1,", NULL },
	{ "an empty header is none", "", NULL },
};

static void
check_client(void **state)
{
	const struct client_row *row = *state;
	struct ip                ip, want;

	assert_int_equal(http_forwarded(bytes_of(row->header), &ip), row->want != NULL);
	if (row->want != NULL)
		assert_true(ip_parse(bytes_of(row->want), &want) && ip_eq(&ip, &want));
}

static void
bounded(void **state)
{
	struct arena *a = arena_new(1 << 20);
	struct buf    text = { 0 };

	(void)state;
	for (int i = 0; i < FORM_FIELDS; i++)
		buf_add_str(&text, "x=1&");
	buf_add_str(&text, "a=2");
	assert_bytes(form_field(a, buf_bytes(&text), "a"), B(""));
	assert_bytes(form_field(a, bytes_from(buf_bytes(&text), 4), "a"), B("2"));
	buf_free(&text);
	arena_free(a);
}

int
main(void)
{
	ROWS_ADD(field_rows, check_field);
	ROWS_ADD(route_rows, check_route);
	ROWS_ADD(client_rows, check_client);
	rows_add("fields beyond a bound are not looked at", bounded, NULL);
	return rows_run("desk/http");
}
