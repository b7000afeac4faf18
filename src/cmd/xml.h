/* The configuration as XML, clconfiguration(5cl): the export subcommands and -i of the families of commands.  Facts: reference
 * of the documented format; packaging/xml/cluster.dtd has every element. */
#pragma once
#include "base/paths.h"
#include "cmd/options.h"

/* -i FILE ("-": standard input): for each object that the operands name ("+" or none: all in the file that the family is
 * about) the first form of the subcommand runs, with the options that the file and the line say together.  What the line
 * says wins. */
int xml_input(const struct cmdline *line);
/* Of resources (-a): before each one what it needs and the cluster has not: its type, its group and the groups that this
 * depends on, the resources that it depends on.  The options of the line go for those that the operands name. */
int xml_input_needed(const struct cmdline *line);
/* What the operands name, to -o FILE or to standard output. */
int xml_export(const struct cmdline *line);

extern const struct option_info xml_export_options[2];
#define XML_EXPORT(family, what) \
	{ family " export", "the configuration as XML", xml_export_options, ARRAY_SIZE(xml_export_options), \
	  (const struct form[]) { { "", "ov", NULL, PRIVILEGE_NONE, "write the configuration as XML", xml_export, \
				    .operands = { what, 0, OPERANDS_MANY, .all = true } } }, 1 }

#define XML_DTD PREFIX_LIB "/xml/cluster.dtd"
