/* Requests of administrators and agents: each kind accepted and refused, with the code and the words of the refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "rgm_world.h"
#include "scha_err.h"

/* Two nodes, up.  g is online on node 1, m is managed but off, u is unmanaged and e, f have nothing in them. */
static const char groups[] =
	"g: ip lh; a full; b svc a; c svc - - d\n"
	"m Auto_start_on_new_cluster=FALSE: x svc; y svc x d; s full - RESTART_ONLY; l app - LOG_ONLY\n"
	"e Auto_start_on_new_cluster=FALSE:\n"
	"f managed=FALSE:\n"
	"u managed=FALSE: z svc - - d; o one - - d; w sys - - d";

#define NEW_RTR "RESOURCE_TYPE = new; START = /s; STOP = /t;"

static const struct { const char *request; scha_err_t code; const char *says; } rows[] = {
	/* ---- types ---- */
	{ "{'op':'type_add','rtr':'" NEW_RTR "','path':'/x/new'}", 0, "" },
	{ "{'op':'type_add','rtr':'RESOURCE_TYPE = ;','path':'/x/new'}", SCHA_ERR_INVAL, "/x/new:1:" },
	{ "{'op':'type_add'}", SCHA_ERR_INVAL, "RTR file:1:1" },
	{ "{'op':'type_add','type':'new','rtr':'" NEW_RTR "','installed_nodes':'node1,2'}", 0, "" },
	{ "{'op':'type_add','type':'old','rtr':'" NEW_RTR "','path':'/x/new'}", SCHA_ERR_INVAL,
	  "/x/new declares resource type new, not old" },
	{ "{'op':'type_add','type':'new','rtr':'" NEW_RTR "','installed_nodes':'node1,node9'}", SCHA_ERR_NODE,
	  "node node9 is not in the configuration" },
	{ "{'op':'type_add','rtr':'RESOURCE_TYPE = svc; VENDOR_ID = SIM; START = /s; STOP = /t;'}", SCHA_ERR_INVAL,
	  "resource type SIM.svc is registered already" },
	{ "{'op':'type_add','rtr':'" NEW_RTR " INIT = /i; FINI = /f; BOOT = /b;'}", 0, "" },
	{ "{'op':'type_remove','type':'SIM.store'}", 0, "" },
	{ "{'op':'type_remove','type':'SIM.none'}", SCHA_ERR_RT, "resource type SIM.none is not registered" },
	{ "{'op':'type_remove','type':'SIM.svc'}", SCHA_ERR_STATE, "resource type SIM.svc is in use by resource b" },
	{ "{'op':'type_remove','type':'sys'}", SCHA_ERR_STATE, "in use by resource w" },
	{ "{'op':'type_change','type':'svc','installed_nodes':'node1,node2'}", 0, "" },
	{ "{'op':'type_change','type':'none','installed_nodes':'node1'}", SCHA_ERR_RT, "not registered" },
	{ "{'op':'type_change','type':'svc','installed_nodes':'node9'}", SCHA_ERR_NODE, "node node9 is not in the configuration" },
	/* ---- groups ---- */
	{ "{'op':'group_add','rg':'new','props':{'Nodelist':'node2,node1','failback':'true','RG_description':'x y'}}", 0, "" },
	{ "{'op':'group_add','rg':'new'}", 0, "" },
	{ "{'op':'group_add','rg':'1new'}", SCHA_ERR_INVAL, "\"1new\" is no name for a resource group" },
	{ "{'op':'group_add','rg':'a.b'}", SCHA_ERR_INVAL, "is no name for a resource group" },
	{ "{'op':'group_add'}", SCHA_ERR_INVAL, "\"\" is no name" },
	{ "{'op':'group_add','rg':'g'}", SCHA_ERR_RG, "resource group g exists already" },
	{ "{'op':'group_add','rg':'new','props':{'Colour':'red'}}", SCHA_ERR_PROP, "resource groups have no property Colour" },
	{ "{'op':'group_add','rg':'new','props':{'RG_state':'ONLINE'}}", SCHA_ERR_PROP, "is set by the cluster itself" },
	{ "{'op':'group_add','rg':'new','props':{'Pingpong_interval':'soon'}}", SCHA_ERR_INVAL, "Pingpong_interval" },
	{ "{'op':'group_add','rg':'new','props':{'Pingpong_interval':60}}", SCHA_ERR_INVAL, "property Pingpong_interval: no text" },
	{ "{'op':'group_add','rg':'new','props':{'Nodelist':'node1,node9'}}", SCHA_ERR_NODE,
	  "node node9 is not in the configuration" },
	{ "{'op':'group_add','rg':'new','props':{'RG_mode':'Scalable'}}", 0, "" },
	{ "{'op':'group_add','rg':'new','props':{'Maximum_primaries':'2','Desired_primaries':'2'}}", 0, "" },
	{ "{'op':'group_add','rg':'new','props':{'Maximum_primaries':'2','RG_mode':'Failover'}}", SCHA_ERR_INVAL,
	  "RG_mode of resource group new is FAILOVER" },
	{ "{'op':'group_add','rg':'new','props':{'Maximum_primaries':'2','Desired_primaries':'3'}}", SCHA_ERR_INVAL,
	  "Desired_primaries is greater than Maximum_primaries" },
	{ "{'op':'group_change','rg':'g','props':{'Maximum_primaries':'2'}}", SCHA_ERR_INVAL,
	  "RG_mode of resource group g was set when it was created" },
	{ "{'op':'group_change','rg':'g','props':{'RG_mode':'Scalable'}}", SCHA_ERR_INVAL, "RG_mode of resource group g was set" },
	{ "{'op':'group_add','rg':'new','props':{'RG_slm_type':'automated'}}", SCHA_ERR_PROP, "RG_slm_type: the value automated is not supported by this version yet" },
	{ "{'op':'group_add','rg':'new','props':{'RG_dependencies':'g,m'}}", 0, "" },
	{ "{'op':'group_add','rg':'new','props':{'RG_dependencies':'g,x'}}", SCHA_ERR_DEPEND,
	  "RG_dependencies of group new: resource group x does not exist" },
	{ "{'op':'group_add','rg':'new','props':{'RG_dependencies':'new'}}", SCHA_ERR_DEPEND, "it names the group itself" },
	{ "{'op':'group_add','rg':'new','props':{'RG_affinities':'+g,++m,-e,--u,+++f'}}", 0, "" },
	{ "{'op':'group_add','rg':'new','props':{'RG_affinities':'g'}}", SCHA_ERR_INVAL,
	  "element \"g\" is not +, ++, +++, - or -- and the name of a group" },
	{ "{'op':'group_add','rg':'new','props':{'RG_affinities':'+'}}", SCHA_ERR_INVAL, "element \"+\" is not" },
	{ "{'op':'group_add','rg':'new','props':{'RG_affinities':'+g,--g'}}", SCHA_ERR_DEPEND, "resource group g is named twice" },
	{ "{'op':'group_add','rg':'new','props':{'RG_affinities':'--x'}}", SCHA_ERR_DEPEND, "resource group x does not exist" },
	{ "{'op':'group_add','rg':'new','props':{'Desired_primaries':'2'}}", SCHA_ERR_INVAL,
	  "Desired_primaries is greater than Maximum_primaries" },
	{ "{'op':'group_change','rg':'g','props':{'RG_description':'new'}}", 0, "" },
	{ "{'op':'group_change','rg':'g','props':{'Nodelist':'node1'}}", 0, "" },
	{ "{'op':'group_change','rg':'x','props':{}}", SCHA_ERR_RG, "resource group x does not exist" },
	{ "{'op':'group_change','rg':'g','props':{'Nodelist':'node2'}}", SCHA_ERR_STATE,
	  "is online on a node that the new Nodelist leaves out" },
	{ "{'op':'group_change','rg':'g','props':{'Colour':'red'}}", SCHA_ERR_PROP, "no property Colour" },
	{ "{'op':'group_remove','rg':'f'}", 0, "" },
	{ "{'op':'group_remove','rg':'x'}", SCHA_ERR_RG, "does not exist" },
	{ "{'op':'group_remove','rg':'u'}", SCHA_ERR_STATE, "still has resource o: remove its resources first" },
	{ "{'op':'group_remove','rg':'e'}", SCHA_ERR_STATE, "resource group e is managed" },
	{ "{'op':'group_manage','rg':'u'}", 0, "" },
	{ "{'op':'group_manage','rg':'g'}", 0, "" },
	{ "{'op':'group_manage','rg':'x'}", SCHA_ERR_RG, "does not exist" },
	{ "{'op':'group_unmanage','rg':'u'}", 0, "" },
	{ "{'op':'group_unmanage','rg':'e'}", 0, "" },
	{ "{'op':'group_unmanage','rg':'x'}", SCHA_ERR_RG, "does not exist" },
	{ "{'op':'group_unmanage','rg':'m'}", SCHA_ERR_STATE, "resource l is enabled: disable the resources of group m first" },
	{ "{'op':'group_bring','rg':'m'}", 0, "" },
	{ "{'op':'group_bring','rg':'u'}", 0, "" },
	{ "{'op':'group_bring','rg':'g'}", 0, "" },
	{ "{'op':'group_bring','rg':'x'}", SCHA_ERR_RG, "does not exist" },
	{ "{'op':'group_switch','rg':'g','nodes':['node2']}", 0, "" },
	{ "{'op':'group_switch','rg':'g','nodes':['2']}", 0, "" },
	{ "{'op':'group_switch','rg':'m','preferred':true}", 0, "" },
	{ "{'op':'group_switch','rg':'g','nodes':[]}", 0, "" },
	{ "{'op':'group_switch','rg':'x','nodes':['node2']}", SCHA_ERR_RG, "does not exist" },
	{ "{'op':'group_switch','rg':'g','nodes':['node9']}", SCHA_ERR_NODE, "node node9 is not in the configuration" },
	{ "{'op':'group_switch','rg':'g','nodes':[7]}", SCHA_ERR_NODE, "is not in the configuration" },
	{ "{'op':'group_switch','rg':'g','nodes':['node1','node2']}", SCHA_ERR_INVAL, "may be online on one node at a time" },
	{ "{'op':'group_switch','rg':'u','nodes':['node1']}", SCHA_ERR_STATE, "resource group u is unmanaged" },
	{ "{'op':'group_switch','rg':'g','nodes':['node3']}", SCHA_ERR_NODE, "node node3 is not a member of the cluster now" },
	{ "{'op':'group_offline','rg':'g'}", 0, "" },
	{ "{'op':'group_offline','rg':'m'}", 0, "" },
	{ "{'op':'group_offline','rg':'x'}", SCHA_ERR_RG, "does not exist" },
	{ "{'op':'group_restart','rg':'g','nodes':['node1']}", 0, "" },
	{ "{'op':'group_restart','rg':'x','nodes':['node1']}", SCHA_ERR_RG, "does not exist" },
	{ "{'op':'group_restart','rg':'g','nodes':['node2']}", SCHA_ERR_STATE, "resource group g is not online on node2" },
	{ "{'op':'group_restart','rg':'g'}", SCHA_ERR_STATE, "resource group g is not online on any node" },
	{ "{'op':'evacuate','node':'node1'}", 0, "" },
	{ "{'op':'evacuate','node':'node2'}", 0, "" },
	{ "{'op':'evacuate','node':'node9'}", SCHA_ERR_NODE, "node node9 is not in the configuration" },
	/* ---- resources ---- */
	{ "{'op':'resource_add','rg':'g','rs':'new','type':'svc','enabled':true}", 0, "" },
	{ "{'op':'resource_add','rg':'g','rs':'new','type':'SIM.full','ext':{'port':'8080','Dir':'/x'},"
	  "'props':{'Resource_dependencies':'a','Failover_mode':'soft'}}", 0, "" },
	{ "{'op':'resource_add','rg':'x','rs':'new','type':'svc'}", SCHA_ERR_RG, "does not exist" },
	{ "{'op':'resource_add','rg':'g','rs':'new','type':'none'}", SCHA_ERR_RT, "resource type none is not registered" },
	{ "{'op':'resource_add','rg':'g','rs':'9','type':'svc'}", SCHA_ERR_INVAL, "\"9\" is no name for a resource" },
	{ "{'op':'resource_add','rg':'g','rs':'x','type':'svc'}", SCHA_ERR_RSRC, "resource x exists already, in group m" },
	{ "{'op':'resource_add','rg':'g','rs':'new','type':'one'}", SCHA_ERR_STATE, "allows one resource only, and o exists" },
	{ "{'op':'resource_add','rg':'g','rs':'new','type':'need'}", SCHA_ERR_PROP,
	  "extension property Config has no default and must be given" },
	{ "{'op':'resource_add','rg':'g','rs':'new','type':'need','ext':{'Config':'/x'}}", 0, "" },
	{ "{'op':'resource_add','rg':'g','rs':'new','type':'full','ext':{'Colour':'red'}}", SCHA_ERR_PROP,
	  "resource type SIM.full has no extension property Colour" },
	{ "{'op':'resource_add','rg':'g','rs':'new','type':'full','props':{'Port':'1'}}", SCHA_ERR_PROP,
	  "resource type SIM.full has no property Port" },
	{ "{'op':'resource_add','rg':'g','rs':'new','type':'full','ext':{'Failover_mode':'SOFT'}}", SCHA_ERR_PROP,
	  "has no extension property Failover_mode" },
	{ "{'op':'resource_add','rg':'g','rs':'new','type':'full','ext':{'Port':'0'}}", SCHA_ERR_INVAL, "resource new: " },
	{ "{'op':'resource_add','rg':'g','rs':'new','type':'full','ext':{'Port':80}}", SCHA_ERR_INVAL, "resource new: " },
	{ "{'op':'resource_add','rg':'g','rs':'new','type':'full','ext':{'Fixed':'y'}}", SCHA_ERR_PROP,
	  "property Fixed cannot be set (TUNABLE is NONE)" },
	{ "{'op':'resource_add','rg':'g','rs':'new','type':'svc','props':{'Resource_dependencies':'none'}}", SCHA_ERR_DEPEND,
	  "resource new depends on none, which does not exist" },
	{ "{'op':'resource_add','rg':'g','rs':'new','type':'svc','props':{'Resource_dependencies':'x'}}", 0, "" },
	{ "{'op':'resource_add','rg':'g','rs':'new','type':'svc','props':{'Resource_dependencies_weak':'a'}}", 0, "" },
	{ "{'op':'resource_add','rg':'g','rs':'new','type':'svc','props':{'Resource_dependencies_restart':'a{any_node}@node2'}}", 0, "" },
	{ "{'op':'resource_add','rg':'g','rs':'new','type':'svc','props':{'Resource_dependencies':'x@node9'}}", SCHA_ERR_DEPEND,
	  "resource new depends on x@node9: node node9 is not in the configuration" },
	{ "{'op':'resource_add','rg':'g','rs':'new','type':'svc','props':{'Resource_dependencies_offline_restart':'x{HERE}'}}",
	  SCHA_ERR_INVAL, "element \"x{HERE}\" is not a resource, alone or with LOCAL_NODE" },
	{ "{'op':'resource_change','rs':'x','props':{'Resource_dependencies_weak':'b'}}", 0, "" },
	{ "{'op':'resource_change','rs':'ip','props':{'Resource_dependencies_weak':'b'}}", SCHA_ERR_DEPEND,
	  "the dependencies would go round in a circle: a -> ip -> b -> a" },
	{ "{'op':'resource_change','rs':'a','props':{'Resource_dependencies':'y'}}", 0, "" },
	{ "{'op':'resource_change','rs':'a','ext':{'Port':'81'}}", 0, "" },
	{ "{'op':'resource_change','rs':'c','props':{'Resource_dependencies':'b'}}", 0, "" },
	{ "{'op':'resource_change','rs':'none','ext':{'Port':'81'}}", SCHA_ERR_RSRC, "resource none does not exist" },
	{ "{'op':'resource_change','rs':'a','ext':{'Dir':'/x'}}", SCHA_ERR_PROP,
	  "property Dir can be set only when the resource is created" },
	{ "{'op':'resource_change','rs':'a','ext':{'User':'x'}}", SCHA_ERR_PROP,
	  "property User can be set only while the resource is disabled: scswitch -n -j a" },
	{ "{'op':'resource_change','rs':'a','ext':{'Fixed':'x'}}", SCHA_ERR_PROP, "TUNABLE is NONE" },
	{ "{'op':'resource_change','rs':'a','ext':{'Port':'65536'}}", SCHA_ERR_INVAL, "resource a: " },
	{ "{'op':'resource_change','rs':'a','props':{'Resource_dependencies':'b'}}", SCHA_ERR_DEPEND,
	  "the dependencies would go round in a circle: a -> b -> a" },
	{ "{'op':'resource_change','rs':'a','props':{'Resource_dependencies':'a'}}", SCHA_ERR_DEPEND, "resource a depends on itself" },
	{ "{'op':'resource_remove','rs':'z'}", 0, "" },
	{ "{'op':'resource_remove','rs':'none'}", SCHA_ERR_RSRC, "resource none does not exist" },
	{ "{'op':'resource_remove','rs':'a'}", SCHA_ERR_STATE, "resource a is enabled: disable it first (scswitch -n -j a)" },
	{ "{'op':'resource_enable','names':['c']}", 0, "" },
	{ "{'op':'resource_enable','names':['y'],'monitor':true}", 0, "" },
	{ "{'op':'resource_enable','names':['none']}", SCHA_ERR_RSRC, "resource none does not exist" },
	{ "{'op':'resource_enable','names':['c','x']}", SCHA_ERR_INVAL, "one request changes resources of one group only" },
	{ "{'op':'resource_enable','names':[]}", SCHA_ERR_INVAL, "no resource named" },
	{ "{'op':'resource_enable','names':[3]}", SCHA_ERR_RSRC, "resource  does not exist" },
	{ "{'op':'resource_disable','names':['b']}", 0, "" },
	{ "{'op':'resource_disable','names':['a','b']}", 0, "" },
	{ "{'op':'resource_disable','names':['a'],'monitor':true}", 0, "" },
	{ "{'op':'resource_disable','names':['a']}", SCHA_ERR_DEPEND, "resource b is enabled and depends on a: disable it, too" },
	{ "{'op':'resource_disable','names':['b'],'nodes':['node1']}", 0, "" },
	{ "{'op':'resource_disable','names':['b'],'nodes':['2']}", 0, "" },
	{ "{'op':'resource_disable','names':['a','b'],'nodes':['node2','node3']}", 0, "" },
	{ "{'op':'resource_disable','names':['a'],'nodes':['node2'],'monitor':true}", 0, "" },
	{ "{'op':'resource_enable','names':['c'],'nodes':['node2']}", 0, "" },
	{ "{'op':'resource_disable','names':['b'],'nodes':['node9']}", SCHA_ERR_NODE, "node node9 is not in the configuration" },
	{ "{'op':'resource_disable','names':['b'],'nodes':[7]}", SCHA_ERR_NODE, "is not in the configuration" },
	{ "{'op':'resource_disable','names':['b'],'nodes':[]}", SCHA_ERR_INVAL, "the list of nodes is empty" },
	{ "{'op':'resource_disable','names':['b'],'nodes':'node1'}", SCHA_ERR_INVAL, "the list of nodes is empty" },
	{ "{'op':'resource_disable','names':['a'],'nodes':['node2']}", SCHA_ERR_DEPEND,
	  "resource b is enabled on node2 and depends on a: disable it there, too" },
	{ "{'op':'resource_clear','rs':'a','nodes':['node1']}", SCHA_ERR_STATE, "resource a is not in STOP_FAILED on node1" },
	{ "{'op':'resource_clear','rs':'none','nodes':['node1']}", SCHA_ERR_RSRC, "resource none does not exist" },
	/* ---- agents ---- */
	{ "{'op':'control','tag':'RESTART','rg':'g','rs':'a'}", 0, "" },
	{ "{'op':'control','tag':'resource_restart','rg':'g','rs':'a'}", 0, "" },
	{ "{'op':'control','tag':'GIVEOVER','rg':'g','rs':'a'}", 0, "" },
	{ "{'op':'control','tag':'CHECK_GIVEOVER','rg':'g','rs':'a'}", 0, "" },
	{ "{'op':'control','tag':'RESTART','rg':'x','rs':'a'}", SCHA_ERR_RG, "resource group x does not exist" },
	{ "{'op':'control','tag':'RESTART','rg':'g','rs':'x'}", SCHA_ERR_RSRC, "resource group g has no resource x" },
	{ "{'op':'control','tag':'DANCE','rg':'g','rs':'a'}", SCHA_ERR_TAG, "scha_control DANCE is unknown" },
	{ "{'op':'control','tag':'RESTART','rg':'m','rs':'x'}", SCHA_ERR_STATE, "resource group m is not online on node1" },
	{ "{'op':'dance'}", SCHA_ERR_INVAL, "the president does not know the request \"dance\"" },
	{ "{}", SCHA_ERR_INVAL, "does not know the request \"\"" },
};

static void test_every_request(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t before;
		struct answer a;

		world_new(3, groups);
		world_settle();
		world_crash(3);
		world_dead(3);
		world_settle();
		before = rgm_digest(world_rgm(1));
		a = world_ask_text(1, rows[i].request);
		if (a.code != (int)rows[i].code || !strstr(a.text, rows[i].says))
			fail_msg("%s:\n  %d %s\n  instead of %d %s", rows[i].request, a.code, a.text, rows[i].code, rows[i].says);
		if (a.code && rgm_digest(world_rgm(1)) != before)
			fail_msg("%s: was refused, but changed something", rows[i].request);
		/* Wherever it is asked: the same answer from the president (scha_control is about the node that asks). */
		if (strstr(rows[i].request, "'control'"))
			continue;
		world_new(3, groups);
		world_settle();
		world_crash(3);
		world_dead(3);
		world_settle();
		a = world_ask_text(2, rows[i].request);
		if (a.code != (int)rows[i].code)
			fail_msg("%s at node 2: %d %s", rows[i].request, a.code, a.text);
	}
}

/* ---- what an accepted change writes ---- */

static void test_tables(void **state)
{
	(void)state;
	world_new(2, "g managed=FALSE:");
	world_settle();
	assert_int_equal(world_ask_text(2, "{'op':'group_change','rg':'g','props':{'failback':'true'}}").code, 0);
	assert_int_equal(world_ask_text(1, "{'op':'resource_add','rg':'g','rs':'a','type':'full','ext':{'port':'81'},"
			     "'props':{'FAILOVER_MODE':'soft'}}").code, 0);
	assert_int_equal(world_ask_text(1, "{'op':'resource_add','rg':'g','rs':'b','type':'svc','props':{'Resource_dependencies':'a'}}").code, 0);
	assert_int_equal(world_ask_text(1, "{'op':'resource_enable','names':['a']}").code, 0);
	_cleanup_free_ char *text = ju_dump(world_table("rgm_rg_g"));
	assert_string_equal(text, "{\"rg.managed\":\"FALSE\",\"rg.prop.Failback\":\"TRUE\","
			    "\"rs.a.enabled\":\"TRUE\",\"rs.a.ext.Port\":\"81\",\"rs.a.monitored\":\"TRUE\","
			    "\"rs.a.prop.Failover_mode\":\"SOFT\",\"rs.a.type\":\"SIM.full\","
			    "\"rs.b.enabled\":\"FALSE\",\"rs.b.monitored\":\"TRUE\","
			    "\"rs.b.prop.Resource_dependencies\":\"a\",\"rs.b.type\":\"SIM.svc\"}");
	assert_int_equal(world_ask_text(1, "{'op':'resource_remove','rs':'a'}").code, SCHA_ERR_STATE);
	assert_int_equal(world_ask_text(1, "{'op':'resource_disable','names':['a']}").code, 0);
	assert_int_equal(world_ask_text(1, "{'op':'resource_remove','rs':'a'}").code, SCHA_ERR_DEPEND);
	assert_int_equal(world_ask_text(1, "{'op':'resource_remove','rs':'b'}").code, 0);
	assert_int_equal(world_ask_text(1, "{'op':'resource_remove','rs':'a'}").code, 0);
	_cleanup_free_ char *after = ju_dump(world_table("rgm_rg_g"));
	assert_string_equal(after, "{\"rg.managed\":\"FALSE\",\"rg.prop.Failback\":\"TRUE\"}");
	assert_int_equal(world_ask_text(1, "{'op':'group_remove','rg':'g'}").code, 0);
	assert_null(world_table("rgm_rg_g"));
}

/* ---- switched on single nodes: what the table says of it, the fewest words that do ---- */

static const struct { const char *request, *table; } node_steps[] = {
	{ "{'op':'resource_disable','names':['a'],'nodes':['node2']}", "enabled=TRUE enabled{2}=FALSE monitored=TRUE" },
	{ "{'op':'resource_disable','names':['a'],'nodes':['node2']}", "enabled=TRUE enabled{2}=FALSE monitored=TRUE" },
	{ "{'op':'resource_disable','names':['a'],'nodes':['node3']}", "enabled=TRUE enabled{2}=FALSE enabled{3}=FALSE monitored=TRUE" },
	{ "{'op':'resource_enable','names':['a'],'nodes':['node2']}", "enabled=TRUE enabled{3}=FALSE monitored=TRUE" },
	{ "{'op':'resource_disable','names':['a'],'nodes':['node1','node2']}", "enabled=FALSE monitored=TRUE" },
	{ "{'op':'resource_enable','names':['a'],'nodes':['node2']}", "enabled=FALSE enabled{2}=TRUE monitored=TRUE" },
	{ "{'op':'resource_disable','names':['a'],'nodes':['node1'],'monitor':true}",
	  "enabled=FALSE enabled{2}=TRUE monitored=TRUE monitored{1}=FALSE" },
	{ "{'op':'group_change','rg':'g','props':{'RG_description':'x'}}",
	  "enabled=FALSE enabled{2}=TRUE monitored=TRUE monitored{1}=FALSE" },
	{ "{'op':'resource_disable','names':['a']}", "enabled=FALSE monitored=TRUE monitored{1}=FALSE" },
	{ "{'op':'resource_enable','names':['a'],'nodes':['node1','node2','node3']}", "enabled=TRUE monitored=TRUE monitored{1}=FALSE" },
	{ "{'op':'resource_disable','names':['a'],'nodes':['node3']}",
	  "enabled=TRUE enabled{3}=FALSE monitored=TRUE monitored{1}=FALSE" },
	{ BRING("g"), "enabled=TRUE monitored=TRUE" },
};

static void test_switched_on_nodes(void **state)
{
	(void)state;
	world_new(3, "g: a app; b svc");
	world_settle();
	for (size_t i = 0; i < ARRAY_SIZE(node_steps); i++) {
		struct answer a = world_ask_text(1 + i % 3, node_steps[i].request);
		_cleanup_(buf_done) struct buf text = { 0 };
		const char *key;
		json_t *v;

		if (a.code)
			fail_msg("%s: %s", node_steps[i].request, a.text);
		for (int k = 0; k < 2; k++)
			json_object_foreach(world_table("rgm_rg_g"), key, v)
				if (strncmp(key, k ? "rs.a.monitored" : "rs.a.enabled", k ? 14 : 12) == 0)
					buf_printf(&text, "%s%s=%s", text.len ? " " : "", key + 5, json_string_value(v));
		world_expect(node_steps[i].request, NULL, text.s, node_steps[i].table);
		world_check_equal();
	}
}

/* A node that leaves the Nodelist and comes again later has no switch of its own any more. */
static void test_switch_of_a_node_that_left(void **state)
{
	(void)state;
	world_new(2, "g Nodelist=node1,node2: a svc");
	world_settle();
	assert_int_equal(world_ask_text(1, "{'op':'resource_disable','names':['a'],'nodes':['node2']}").code, 0);
	assert_int_equal(world_ask_text(1, "{'op':'group_change','rg':'g','props':{'Nodelist':'node1'}}").code, 0);
	assert_int_equal(world_ask_text(1, "{'op':'group_change','rg':'g','props':{'Nodelist':'node1,node2'}}").code, 0);
	assert_null(json_object_get(world_table("rgm_rg_g"), "rs.a.enabled{2}"));
	assert_int_equal(world_ask_text(1, SWITCH("g", "node2")).code, 0);
	assert_string_equal(world_resource_state("a", 2), "ONLINE");
}

/* No callback but Init, Fini, Boot and Validate where it is disabled. */
static void test_update_where_enabled(void **state)
{
	(void)state;
	world_new(2, "g RG_mode=Scalable Maximum_primaries=2 Desired_primaries=2: a full");
	world_settle();
	assert_int_equal(world_ask_text(1, "{'op':'resource_disable','names':['a'],'nodes':['node2']}").code, 0);
	(void)world_trace();
	assert_int_equal(world_ask_text(1, "{'op':'resource_change','rs':'a','ext':{'Port':'81'}}").code, 0);
	assert_string_equal(world_trace(), "2:a.Validate a.Validate | a.Update");
	assert_int_equal(world_ask_text(1, "{'op':'group_change','rg':'g','props':{'RG_description':'x'}}").code, 0);
	assert_string_equal(world_trace(), "2:a.Validate a.Validate | a.Update");
	assert_int_equal(world_ask_text(1, "{'op':'resource_disable','names':['a']}").code, 0);
	(void)world_trace();
	assert_int_equal(world_ask_text(1, "{'op':'resource_change','rs':'a','ext':{'Port':'82'}}").code, 0);
	assert_string_equal(world_trace(), "2:a.Validate a.Validate");
}

/* Monitor_check of the candidate's own: what is disabled there is not asked. */
static void test_monitor_check_where_enabled(void **state)
{
	(void)state;
	world_new(2, "g: a full");
	world_settle();
	world_outcome("2:a.Monitor_check", 1);
	assert_int_equal(world_ask_text(1, CONTROL("GIVEOVER")).code, SCHA_ERR_CHECKS);
	assert_int_equal(world_ask_text(1, "{'op':'resource_disable','names':['a'],'nodes':['node2']}").code, 0);
	assert_int_equal(world_ask_text(1, CONTROL("GIVEOVER")).code, 0);
	assert_string_equal(world_group_states("g"), "OFFLINE ONLINE");
	assert_string_equal(world_resource_state("a", 2), "OFFLINE");
	world_outcome("2:a.Monitor_check", 0);
}

/* Why it took too long: in the status of the resource, in the log, in the answer. */
static void test_what_it_waited_for(void **state)
{
	json_t *r;

	(void)state;
	world_new(1, "g: a full");
	world_settle();
	world_stuck("pid 7 (mount.nfs) waits in rpc_wait, uninterruptible; 2 other processes");
	world_outcome("1:a.Stop", -1);
	assert_int_not_equal(world_ask_text(1, OFF("g")).code, 0);
	r = rgm_resource_json(world_rgm(1), "a", NULL, 0);
	assert_string_equal(ju_str(json_array_get(ju_arr(r, "nodes"), 0), "message", ""), "Stop timed out after 3600 s: pid 7 (mount.nfs) waits in "
			    "rpc_wait, uninterruptible; 2 other processes");
	json_decref(r);
	assert_true(world_noted("Stop of resource a timed out: pid 7 (mount.nfs) waits in rpc_wait"));
	assert_true(world_noted("process 7 (mount.nfs), child of 6: mount.nfs a b, state D, in rpc_wait, system call 165 0x1, stack "
				"rpc_wait < nfs4_x"));
	assert_true(world_noted("pressure on io there: some avg10=9.00"));
	world_outcome("1:a.Stop", 0);
	assert_int_equal(world_ask_text(1, "{'op':'resource_clear','rs':'a','nodes':['node1']}").code, 0);
	r = rgm_resource_json(world_rgm(1), "a", NULL, 0);
	assert_string_equal(ju_str(json_array_get(ju_arr(r, "nodes"), 0), "message", "?"), "");
	json_decref(r);
	world_outcome("1:a.Validate", -1);
	struct answer a = world_ask_text(1, "{'op':'resource_change','rs':'a','ext':{'Port':'81'}}");

	assert_int_equal(a.code, SCHA_ERR_METHOD);
	assert_string_equal(a.text, "Validate timed out on node1: pid 7 (mount.nfs) waits in rpc_wait, uninterruptible; 2 other processes");
	world_outcome("1:a.Validate", 0);
	world_stuck(NULL);
}

/* Else its methods would never run again, whatever it left. */
static void test_what_is_not_offline_stays(void **state)
{
	(void)state;
	world_new(2, "g: a svc; b svc");
	world_settle();
	world_outcome("1:a.Stop", 1);
	(void)world_ask_text(1, "{'op':'resource_disable','names':['a']}");
	struct answer a = world_ask_text(1, "{'op':'resource_remove','rs':'a'}");

	assert_int_equal(a.code, SCHA_ERR_STATE);
	assert_string_equal(a.text, "resource a is STOP_FAILED on node1");
}

static void test_system_type_stays(void **state)
{
	(void)state;
	world_new(1, "");
	world_settle();
	struct answer a = world_ask_text(1, "{'op':'type_remove','type':'SIM.sys'}");
	assert_int_equal(a.code, SCHA_ERR_STATE);
	assert_non_null(strstr(a.text, "is a system type"));
}

static void test_enable_needs_its_dependency(void **state)
{
	(void)state;
	world_new(1, "g: a svc b - d; b svc - - d");
	world_settle();
	struct answer a = world_ask_text(1, "{'op':'resource_enable','names':['a']}");
	assert_int_equal(a.code, SCHA_ERR_DEPEND);
	assert_non_null(strstr(a.text, "resource a depends on b, which is disabled"));
	assert_int_equal(world_ask_text(1, "{'op':'resource_enable','names':['a'],'monitor':true}").code, 0);
}

/* Disabled, but its Stop still runs: the removal waits for that, or nobody would know of what is left. */
static void test_remove_waits_for_stop(void **state)
{
	char id[32];

	(void)state;
	world_new(2, "g: a svc; b svc");
	world_settle();
	(void)world_trace();
	world_slow("1:a.Stop");
	(void)world_request(1, world_json("{'op':'resource_disable','names':['a']}"));
	world_deliver();
	(void)snprintf(id, sizeof id, "%s", world_request(2, world_json("{'op':'resource_remove','rs':'a'}")));
	world_deliver();
	assert_int_equal(world_answer(id).code, -1);
	assert_non_null(json_object_get(world_table("rgm_rg_g"), "rs.a.type"));
	world_settle();
	assert_int_equal(world_answer(id).code, 0);
	assert_null(json_object_get(world_table("rgm_rg_g"), "rs.a.type"));
	assert_string_equal(world_trace(), "a.Stop");
}

static void test_switch_outside_the_nodelist(void **state)
{
	(void)state;
	world_new(2, "g Nodelist=node1: a svc");
	world_settle();
	struct answer a = world_ask_text(1, "{'op':'group_switch','rg':'g','nodes':['node2']}");
	assert_int_equal(a.code, SCHA_ERR_NODE);
	assert_non_null(strstr(a.text, "node node2 is not in the Nodelist of resource group g"));
}

/* Every request that would change or move a group in ERROR_STOP_FAILED. */
static void test_stop_failed_refuses(void **state)
{
	static const char *const requests[] = {
		"{'op':'group_change','rg':'g','props':{'Failback':'TRUE'}}", "{'op':'group_unmanage','rg':'g'}",
		"{'op':'group_bring','rg':'g'}", "{'op':'group_switch','rg':'g','nodes':['node2']}",
		"{'op':'group_offline','rg':'g'}", "{'op':'group_restart','rg':'g','nodes':['node1']}",
		"{'op':'resource_add','rg':'g','rs':'n','type':'svc'}", "{'op':'resource_change','rs':'a'}",
		"{'op':'resource_enable','names':['a']}", "{'op':'resource_disable','names':['a']}",
	};

	(void)state;
	world_new(2, "g: a svc");
	world_settle();
	world_outcome("1:a.Stop", 1);
	assert_int_equal(world_ask_text(1, "{'op':'group_offline','rg':'g'}").code, SCHA_ERR_FAIL);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		struct answer a = world_ask_text(2, requests[i]);

		if (a.code != SCHA_ERR_STATE ||
		    !strstr(a.text, "is in ERROR_STOP_FAILED on node1: end what is left of it by hand"))
			fail_msg("%s: %d %s", requests[i], a.code, a.text);
	}
	assert_int_equal(world_ask_text(2, "{'op':'resource_clear','rs':'a','nodes':['node1']}").code, 0);
	assert_int_equal(world_ask_text(2, "{'op':'group_bring','rg':'g'}").code, 0);
}

/* ---- Failover_mode and the requests of agents ---- */

static const struct { const char *mode, *tag; scha_err_t code; } modes[] = {
	{ "NONE",         "RESOURCE_RESTART", 0 }, { "NONE", "RESTART", 0 }, { "NONE", "GIVEOVER", 0 },
	{ "HARD",         "RESOURCE_RESTART", 0 }, { "HARD", "CHECK_RESTART", 0 }, { "HARD", "CHECK_GIVEOVER", 0 },
	{ "RESTART_ONLY", "RESOURCE_RESTART", 0 },
	{ "RESTART_ONLY", "RESTART",          SCHA_ERR_CHECKS },
	{ "RESTART_ONLY", "CHECK_RESTART",    SCHA_ERR_CHECKS },
	{ "RESTART_ONLY", "GIVEOVER",         SCHA_ERR_CHECKS },
	{ "RESTART_ONLY", "CHECK_GIVEOVER",   SCHA_ERR_CHECKS },
	{ "RESTART_ONLY", "RESOURCE_IS_RESTARTED", 0 },
	{ "LOG_ONLY",     "RESOURCE_RESTART", SCHA_ERR_CHECKS },
	{ "LOG_ONLY",     "RESTART",          SCHA_ERR_CHECKS },
	{ "LOG_ONLY",     "GIVEOVER",         SCHA_ERR_CHECKS },
	{ "LOG_ONLY",     "RESOURCE_IS_RESTARTED", SCHA_ERR_CHECKS },
};

static void test_modes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		_cleanup_free_ char *group = xasprintf("g: a app - %s", modes[i].mode);
		_cleanup_free_ char *request = xasprintf("{'op':'control','tag':'%s','rg':'g','rs':'a'}", modes[i].tag);

		world_new(2, group);
		world_settle();
		struct answer a = world_ask_text(1, request);

		if (a.code != (int)modes[i].code)
			fail_msg("%s, %s: %d %s", modes[i].mode, modes[i].tag, a.code, a.text);
	}
}

/* RESTART_ONLY: Retry_count restarts within Retry_interval, then no more until the first is forgotten. */
static void test_restart_only_counts(void **state)
{
	static const char request[] = "{'op':'control','tag':'RESOURCE_RESTART','rg':'g','rs':'a'}";

	(void)state;
	world_new(1, "g: a app - RESTART_ONLY");
	world_settle();
	assert_int_equal(world_ask_text(1, request).code, 0);
	world_time(100 * 1000);
	assert_int_equal(world_ask_text(1, request).code, 0);
	struct answer a = world_ask_text(1, request);
	assert_int_equal(a.code, SCHA_ERR_CHECKS);
	assert_non_null(strstr(a.text, "Failover_mode of resource a is RESTART_ONLY"));
	world_time(200 * 1000);
	assert_int_equal(world_ask_text(1, request).code, 0);
	assert_int_equal(world_ask_text(1, request).code, SCHA_ERR_CHECKS);
}

/* ---- Validate, Update, commit ---- */

static void test_validate_and_update(void **state)
{
	(void)state;
	world_new(2, "g: a full");
	world_settle();
	(void)world_trace();
	assert_int_equal(world_ask_text(2, "{'op':'resource_change','rs':'a','ext':{'Port':'81'}}").code, 0);
	assert_string_equal(world_trace(), "2:a.Validate a.Validate | a.Update");
	assert_int_equal(world_ask_text(2, "{'op':'resource_add','rg':'g','rs':'b','type':'full','enabled':true}").code, 0);
	assert_string_equal(world_trace(), "2:b.Validate b.Validate | b.Prenet_start | b.Start | b.Monitor_start");
}

static void test_validate_refuses(void **state)
{
	struct answer a;

	(void)state;
	world_new(2, "g: a full");
	world_settle();
	world_outcome("2:a.Validate", 1);
	world_output("no such directory: /srv");
	a = world_ask_text(1, "{'op':'resource_change','rs':'a','ext':{'Port':'81'}}");
	assert_int_equal(a.code, SCHA_ERR_METHOD);
	assert_string_equal(a.text, "Validate refused it on node2: no such directory: /srv");
	assert_null(json_object_get(world_table("rgm_rg_g"), "rs.a.ext.Port"));
	/* A node that dies meanwhile is not waited for. */
	(void)world_request(1, world_json("{'op':'resource_change','rs':'a','ext':{'Port':'82'}}"));
	world_deliver();
	world_crash(2);
	world_settle();
	assert_string_equal(ju_str(world_table("rgm_rg_g"), "rs.a.ext.Port", ""), "82");
}

/* Validate sees -c and every property of the resource and its group, or -u and what changes. */
static void test_validate_arguments(void **state)
{
	static const struct { const char *request; const char *has[8], *lacks; } cases[] = {
		{ "{'op':'resource_add','rg':'g','rs':'b','type':'full','ext':{'Port':'81'}}",
		  { "[\"/opt/validate\",\"-c\",\"-R\",\"b\",\"-T\",\"SIM.full\",\"-G\",\"g\",", "\"-x\",\"Port=81\"",
		    "\"-x\",\"Dir=/srv\"", "\"-r\",\"Failover_mode=NONE\"", "\"-g\",\"Failback=FALSE\"", "\"-g\",\"Pathprefix=\"" },
		  "Port=80" },
		{ "{'op':'resource_change','rs':'a','ext':{'Port':'81'}}",
		  { "[\"/opt/validate\",\"-u\",\"-R\",\"a\",\"-T\",\"SIM.full\",\"-G\",\"g\",\"-x\",\"Port=81\"]" }, "Dir" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rgm_update u = { 0 };
		json_t *m, *run = NULL, *v;
		size_t k;

		world_new(1, "g: a full");
		world_settle();
		/* By hand, to see the run request. */
		m = world_json(cases[i].request);
		ju_set_str(m, "t", "rgm.req");
		ju_set_str(m, "id", "x");
		rgm_apply(world_rgm(1), 1, m, &u);
		rgm_preside(world_rgm(1), true, &u);
		json_array_foreach(u.send, k, v)
			if (streq(ju_str(v, "t", ""), "rgm.run"))
				run = json_incref(v);
		assert_non_null(run);
		rgm_update_done(&u);
		rgm_apply(world_rgm(1), 1, run, &u);
		_cleanup_free_ char *argv = ju_dump(json_object_get(json_array_get(u.run, 0), "argv"));

		for (k = 0; k < ARRAY_SIZE(cases[i].has) && cases[i].has[k]; k++)
			if (!strstr(argv, cases[i].has[k]))
				fail_msg("no %s in %s", cases[i].has[k], argv);
		if (strstr(argv, cases[i].lacks))
			fail_msg("%s in %s", cases[i].lacks, argv);
		rgm_update_done(&u);
		json_decref(run);
		json_decref(m);
	}
}

static void test_commit_fails(void **state)
{
	struct answer a;

	(void)state;
	world_new(2, "g: a svc");
	world_settle();
	world_commit_error("node 2 cannot store it: No space left on device");
	a = world_ask_text(2, "{'op':'group_change','rg':'g','props':{'Failback':'TRUE'}}");
	assert_int_equal(a.code, SCHA_ERR_FAIL);
	assert_string_equal(a.text, "the configuration could not be changed: node 2 cannot store it: No space left on device; "
			    "nothing was changed");
	world_commit_error(NULL);
	assert_int_equal(world_ask_text(2, "{'op':'group_change','rg':'g','props':{'Failback':'TRUE'}}").code, 0);
}

/* Two changes of one table at once: the second is made from what the first has left. */
static void test_changes_in_a_row(void **state)
{
	static const char *const requests[] = {
		"{'op':'group_change','rg':'g','props':{'Failback':'TRUE'}}",
		"{'op':'group_change','rg':'g','props':{'RG_description':'second'}}",
		"{'op':'resource_change','rs':'a','ext':{'Port':'81'}}",
		"{'op':'resource_add','rg':'g','rs':'b','type':'svc'}",
		"{'op':'resource_add','rg':'g','rs':'b','type':'svc'}",         /* too late */
		"{'op':'group_add','rg':'h'}",
	};
	char ids[ARRAY_SIZE(requests)][32];
	const json_t *table;

	(void)state;
	world_new(2, "g: a full");
	world_settle();
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		(void)snprintf(ids[i], sizeof ids[i], "%s", world_request(1 + (uint32_t)i % 2, world_json(requests[i])));
	world_settle();
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		struct answer a = world_answer(ids[i]);

		if (a.code != (i == 4 ? SCHA_ERR_RSRC : 0))
			fail_msg("%s: %d %s", requests[i], a.code, a.text);
	}
	table = world_table("rgm_rg_g");
	assert_string_equal(ju_str(table, "rg.prop.Failback", ""), "TRUE");
	assert_string_equal(ju_str(table, "rg.prop.RG_description", ""), "second");
	assert_string_equal(ju_str(table, "rs.a.ext.Port", ""), "81");
	assert_string_equal(ju_str(table, "rs.b.type", ""), "SIM.svc");
	assert_non_null(world_table("rgm_rg_h"));
}

/* An answer comes when the group has settled, not before. */
static void test_answer_waits(void **state)
{
	char id[32];

	(void)state;
	world_new(2, "g: a svc; b svc a");
	world_settle();
	(void)snprintf(id, sizeof id, "%s", world_request(2, world_json("{'op':'group_switch','rg':'g','nodes':['node2']}")));
	world_deliver();
	for (int wave = 0; wave < 4; wave++) {
		assert_int_equal(world_answer(id).code, -1);
		assert_true(world_wave());
	}
	assert_int_equal(world_answer(id).code, 0);
	assert_string_equal(world_group_states("g"), "OFFLINE ONLINE");
}

/* The group stays online meanwhile; only the method tells whether it is carried out. */
static void test_disabled_when_it_has_stopped(void **state)
{
	char id[32];

	(void)state;
	world_new(2, "g: a svc; b svc");
	world_settle();
	(void)snprintf(id, sizeof id, "%s", world_request(2, world_json("{'op':'resource_disable','names':['a']}")));
	world_deliver();
	assert_string_equal(world_resource_state("a", 1), "STOPPING");
	assert_int_equal(world_answer(id).code, -1);
	assert_true(world_wave());
	assert_int_equal(world_answer(id).code, 0);
	assert_string_equal(world_resource_state("a", 1), "OFFLINE");
}

static void test_outcomes(void **state)
{
	struct answer a;

	(void)state;
	world_new(2, "g Auto_start_on_new_cluster=FALSE: a svc");
	world_settle();
	world_outcome("1:a.Start", 1);
	a = world_ask_text(1, "{'op':'group_bring','rg':'g'}");
	assert_int_equal(a.code, SCHA_ERR_FAIL);
	assert_non_null(strstr(a.text, "resource group g is online on node1, but faulted"));
	world_outcome("1:a.Stop", 1);
	a = world_ask_text(1, "{'op':'evacuate','node':'node1'}");
	assert_string_equal(world_group_state("g", 1), "ERROR_STOP_FAILED");
	/* SOFT everywhere: nothing left to try. */
	world_new(2, "g Auto_start_on_new_cluster=FALSE: a svc - SOFT");
	world_settle();
	world_outcome("1:a.Start", 1);
	world_outcome("2:a.Start", 1);
	a = world_ask_text(1, "{'op':'group_bring','rg':'g'}");
	assert_int_equal(a.code, SCHA_ERR_FAIL);
	assert_non_null(strstr(a.text, "resource group g did not come online: resource a failed to start on node2"));
}

static void test_evacuate(void **state)
{
	(void)state;
	world_new(3, "g: a svc\nh: b svc\ni Nodelist=node1: c svc\nj Nodelist=node2: d svc");
	world_settle();
	assert_int_equal(world_ask_text(2, "{'op':'evacuate','node':'node1'}").code, 0);
	assert_string_equal(world_group_states("g"), "OFFLINE ONLINE OFFLINE");
	assert_string_equal(world_group_states("h"), "OFFLINE ONLINE OFFLINE");
	assert_string_equal(world_group_state("i", 1), "OFFLINE");      /* has nowhere to go */
	assert_string_equal(world_group_state("j", 2), "ONLINE");
	assert_int_equal(world_ask_text(1, "{'op':'evacuate','node':'node2','seconds':0}").code, 0);
	assert_string_equal(world_group_states("g"), "OFFLINE OFFLINE ONLINE");
}

/* The same request twice is one request; a new president has forgotten it, and is asked again. */
static void test_requests_and_presidents(void **state)
{
	json_t *request = world_json("{'op':'resource_add','rg':'g','rs':'b','type':'full'}"), *m;

	(void)state;
	world_new(2, "g: a full");
	world_settle();
	m = rgm_request_message(world_rgm(2), "same", request, "root");
	world_message(2, json_incref(m));
	world_message(2, json_incref(m));
	world_settle();
	assert_int_equal(world_answer("same").code, 0);
	assert_string_equal(world_trace(), "a.Prenet_start | a.Start | a.Monitor_start | 2:b.Validate b.Validate");
	json_decref(m);
	json_decref(request);
	(void)world_request(2, world_json("{'op':'resource_change','rs':'a','ext':{'Port':'81'}}"));
	world_deliver();                                /* Validate runs */
	world_abrupt_president(2);
	world_settle();
	assert_null(json_object_get(world_table("rgm_rg_g"), "rs.a.ext.Port"));
	assert_int_equal(world_ask_text(2, "{'op':'resource_change','rs':'a','ext':{'Port':'81'}}").code, 0);
	assert_string_equal(ju_str(world_table("rgm_rg_g"), "rs.a.ext.Port", ""), "81");
}

/* A president dies over an addition that it had sent to be committed; node 2 asks its successor for the same. */
static json_t *addition_of_a_dead_president(enum world_commit how_far)
{
	json_t *request = world_json("{'op':'resource_add','rg':'g','rs':'b','type':'full'}"), *m;

	world_new(2, "g Nodelist=node2: a full");
	world_settle();
	m = rgm_request_message(world_rgm(2), "same", request, "root");
	json_decref(request);
	world_commits(how_far);
	world_message(2, json_incref(m));
	world_settle();
	assert_int_equal(world_answer("same").code, -1);
	world_crash(1);
	world_dead(1);
	return m;
}

/* It comes into force while the successor looks at it already. */
static void test_a_change_is_not_made_twice(void **state)
{
	json_t *m = addition_of_a_dead_president(COMMIT_SENT);

	(void)state;
	world_message(2, m);
	world_deliver();
	assert_null(json_object_get(world_table("rgm_rg_g"), "rs.b.type"));
	world_commits(COMMIT_DURABLE);
	world_settle();
	assert_string_equal(world_answer("same").text, "");
	assert_int_equal(world_answer("same").code, 0);
	assert_string_equal(ju_str(world_table("rgm_rg_g"), "rs.b.type", ""), "SIM.full");
}

static void test_success_is_said_when_it_is_durable(void **state)
{
	json_t *m = addition_of_a_dead_president(COMMIT_IN_FORCE);

	(void)state;
	assert_string_equal(ju_str(world_table("rgm_rg_g"), "rs.b.type", ""), "SIM.full");
	world_message(2, m);
	world_settle();
	assert_int_equal(world_answer("same").code, -1);
	world_commits(COMMIT_DURABLE);
	world_settle();
	assert_int_equal(world_answer("same").code, 0);
}

static void test_too_many_requests(void **state)
{
	char first[32], last[32];

	(void)state;
	world_new(1, "g: a full");
	world_settle();
	(void)snprintf(first, sizeof first, "%s", world_request(1, world_json("{'op':'resource_change','rs':'a'}")));
	for (int i = 1; i < 512; i++)
		(void)world_request(1, world_json("{'op':'resource_change','rs':'a'}"));
	(void)snprintf(last, sizeof last, "%s", world_request(1, world_json("{'op':'group_add','rg':'h'}")));
	world_deliver();
	assert_int_equal(world_answer(last).code, SCHA_ERR_RECONF);
	assert_int_equal(world_answer(first).code, -1);
	world_settle();
	assert_int_equal(world_answer(first).code, 0);
}

/* ---- texts from outside that are cut ---- */

static const char *const long_requests[] = {
	"{'op':'group_change','rg':'%s'}",
	"{'op':'%s'}",
	"{'op':'group_add','rg':'%s'}",
	"{'op':'resource_add','rg':'g','rs':'%s','type':'svc'}",
	"{'op':'group_switch','rg':'g','nodes':['%s']}",
	"{'op':'status','rg':'g','rs':'a','status':'OK','msg':'%s'}",
	"{'op':'group_change','rg':'g','props':{'RG_description':'%s'}}",
	"{'op':'group_change','rg':'g','props':{'%s':'x'}}",
};

static void test_long_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(long_requests); i++)
		for (unsigned shift = 0; shift < 4; shift++) {
			_cleanup_(buf_done) struct buf b = { 0 };
			json_t *r;

			for (unsigned k = 0; k < shift; k++)
				buf_puts(&b, "x");
			for (unsigned k = 0; k < 1500; k++)
				buf_puts(&b, "\xf0\x9f\x8c\x9e");
			struct buf text = { 0 };
			const char *at = strstr(long_requests[i], "%s");

			buf_add(&text, long_requests[i], (size_t)(at - long_requests[i]));
			buf_puts(&text, b.s);
			buf_puts(&text, at + 2);
			world_new(1, "g: a svc");
			world_settle();
			r = world_json(text.s);
			buf_done(&text);
			assert_int_not_equal(world_ask(1, r).code, -1);
		}
}

int main(void)
{
#define T(fn) cmocka_unit_test_teardown(fn, world_done)
	static const struct CMUnitTest tests[] = {
		T(test_every_request), T(test_tables), T(test_what_is_not_offline_stays), T(test_system_type_stays), T(test_enable_needs_its_dependency),
		T(test_remove_waits_for_stop), T(test_switch_outside_the_nodelist), T(test_stop_failed_refuses),
		T(test_modes), T(test_restart_only_counts),
		T(test_validate_and_update), T(test_validate_refuses), T(test_validate_arguments), T(test_commit_fails),
		T(test_what_it_waited_for), T(test_switched_on_nodes), T(test_switch_of_a_node_that_left), T(test_update_where_enabled), T(test_monitor_check_where_enabled),
		T(test_changes_in_a_row), T(test_answer_waits), T(test_disabled_when_it_has_stopped),
		T(test_outcomes), T(test_evacuate),
		T(test_a_change_is_not_made_twice), T(test_success_is_said_when_it_is_durable),
		T(test_requests_and_presidents), T(test_too_many_requests), T(test_long_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
