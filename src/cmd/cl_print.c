#include "cmd/cl_print.h"

#include <inttypes.h>
#include <stdio.h>

#include "cmd/print.h"

#define OBJECT_COLUMN 48
#define ROW_COLUMN    50
#define GAP_MIN       2

void cl_title(const char *title)
{
	(void)printf("=== %s ===\n\n", title);
}

void cl_subtitle(const char *title)
{
	(void)printf("--- %s ---\n\n", title);
}

static void print_pair(int column, int indent, const char *label, const char *value)
{
	_cleanup_free_ char *head = xasprintf("%*s%s:", indent, "", label);

	if (*value) {
		print_padded(column, head);
		(void)printf("%s\n", value);
	} else {
		(void)printf("%s\n", head);
	}
}

void cl_object(int indent, const char *label, const char *value) { print_pair(OBJECT_COLUMN, indent, label, value); }
void cl_row(int indent, const char *label, const char *value)    { print_pair(ROW_COLUMN, indent, label, value); }

void cl_cell(struct cl_table *table, const char *text)
{
	strlist_add(&table->cells, text);
}

void cl_cell_int(struct cl_table *table, int64_t value)
{
	strlist_take(&table->cells, xasprintf("%" PRId64, value));
}

void cl_gap(struct cl_table *table)
{
	for (size_t i = 0; i < table->n; i++)
		cl_cell(table, "");
}

static int column_width(const struct cl_table *table, size_t column)
{
	int width = table->columns[column].width;

	for (size_t i = column; i < table->cells.n; i += table->n)
		width = MAX(width, (int)strlen(table->cells.v[i]) + GAP_MIN);
	return width;
}

/* cell: text of a column; blanks at the end of a line are left out. */
static void print_line(const struct cl_table *table, const char *(*cell)(const struct cl_table *table, size_t row, size_t column),
		       size_t row)
{
	struct buf line = { 0 };

	buf_printf(&line, "%*s", table->indent, "");
	for (size_t i = 0; i < table->n; i++)
		buf_printf(&line, "%-*s", i + 1 < table->n ? column_width(table, i) : 0, cell(table, row, i));
	while (line.len && line.s[line.len - 1] == ' ')
		line.s[--line.len] = '\0';
	(void)printf("%s\n", line.s);
	buf_done(&line);
}

static const char *title_cell(const struct cl_table *table, size_t row, size_t column)
{
	(void)row;
	return table->columns[column].title;
}

static const char *rule_cell(const struct cl_table *table, size_t row, size_t column)
{
	static const char rule[] = "----------------------------------------";

	(void)row;
	assert(strlen(table->columns[column].title) < sizeof rule);
	return rule + sizeof rule - 1 - strlen(table->columns[column].title);
}

static const char *body_cell(const struct cl_table *table, size_t row, size_t column)
{
	return table->cells.v[row * table->n + column];
}

void cl_table_print(struct cl_table *table)
{
	assert(table->cells.n % table->n == 0);
	print_line(table, title_cell, 0);
	print_line(table, rule_cell, 0);
	for (size_t row = 0; row < table->cells.n / table->n; row++)
		print_line(table, body_cell, row);
	(void)printf("\n");
	strlist_done(&table->cells);
	table->cells = (struct strlist) { 0 };
}
