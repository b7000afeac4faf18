/* Ports and protocols of Port_list. */
#pragma once
const char *net_protocol_name(int proto);       /* never NULL */
