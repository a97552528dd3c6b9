/* desk/explain.h: the verb that reads bounces. Returns the exit code of the process. */
#ifndef DESK_EXPLAIN_H
#define DESK_EXPLAIN_H

int desk_explain(int argc, char **argv);

#endif
