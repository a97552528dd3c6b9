/* desk/operator.h: the verb `operator`: who may sit at the desk. */
#ifndef DESK_OPERATOR_H
#define DESK_OPERATOR_H

int desk_operator(int argc, char **argv);

#endif
