/* desk/trace.h: the verb `trace`: what became of a message, and what would become of it. */
#ifndef DESK_TRACE_H
#define DESK_TRACE_H

int desk_trace(int argc, char **argv);

#endif
