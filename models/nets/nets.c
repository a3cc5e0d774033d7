/* The table of all networks, in the order in which --list-models prints them. A network is one file and one line
 * here. */
#include "nets.h"

#include <string.h>

const struct net *const nets[] = {
	&net_kimcnn,   &net_smallcnn, &net_resnet20,	   &net_vgg16,		&net_resnet18,	 &net_resnet34,
	&net_resnet50, &net_resnext101, &net_preactresnet18, &net_preactresnet34, NULL,
};

const struct net *net_find(const char *name)
{
	for (int i = 0; nets[i]; i++)
		if (!strcmp(nets[i]->name, name))
			return nets[i];
	return NULL;
}
