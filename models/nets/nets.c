#include "nets.h"

#include <string.h>

const struct net *const nets[] = { &net_kimcnn, NULL };

const struct net *net_find(const char *name)
{
	for (int i = 0; nets[i]; i++)
		if (!strcmp(nets[i]->name, name))
			return nets[i];
	return NULL;
}
