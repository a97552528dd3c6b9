/* desk/config.h: the verb `config`: are the settings good, what holds, what is there to set. */
#ifndef DESK_CONFIG_H
#define DESK_CONFIG_H

int desk_config(int argc, char **argv);

#endif
