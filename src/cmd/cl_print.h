/* The listings of the cl* commands: titles, tables that grow with what is in them, rows of label and value. */
#pragma once
#include "base/buf.h"

void cl_title(const char *title);               /* === Cluster Nodes === */
void cl_subtitle(const char *title);            /* --- Node Status --- */
/* The object that the rows below it are about, its value at column 48; a row, its value at column 50. */
void cl_object(int indent, const char *label, const char *value);
void cl_row(int indent, const char *label, const char *value);

/* The documented width with the gap behind it; a column becomes wider when a cell does not fit. */
struct cl_column { const char *title; int width; };
struct cl_table { const struct cl_column *columns; size_t n; int indent; struct strlist cells; };

void cl_cell(struct cl_table *table, const char *text);
void cl_cell_int(struct cl_table *table, int64_t value);
void cl_gap(struct cl_table *table);            /* a blank line: an object ends */
/* Prints it with a blank line behind, and empties it. */
void cl_table_print(struct cl_table *table);
