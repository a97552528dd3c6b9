/* desk/check.h: the verbs that judge: check, spf, dkim, dmarc. Each returns the
 * exit code of the process. */
#ifndef DESK_CHECK_H
#define DESK_CHECK_H

int desk_check(int argc, char **argv);
int desk_spf(int argc, char **argv);
int desk_dkim(int argc, char **argv);
int desk_dmarc(int argc, char **argv);

#endif
