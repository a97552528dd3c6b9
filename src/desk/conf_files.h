/* desk/conf_files.h: the world that base/conf.h reads settings from: files,
 * patterns of names and the environment of the process. */
#ifndef DESK_CONF_FILES_H
#define DESK_CONF_FILES_H

#include "base/conf.h"

const struct conf_host *conf_files(void);

#endif
