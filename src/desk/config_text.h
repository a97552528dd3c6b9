/* desk/config_text.h: settings as text made from their schema. */
#ifndef DESK_CONFIG_TEXT_H
#define DESK_CONFIG_TEXT_H

#include "base/buf.h"
#include "policy/settings.h"

/* mailreeve.conf(5), as scdoc reads it. */
void config_manual(struct buf *out);
/* A settings file in which every setting is a comment with its default. */
void config_sample(struct buf *out);
/* What holds, as a settings file, or as JSON. */
void config_show(const struct settings *, struct buf *out);
void config_show_json(const struct settings *, struct buf *out);

#endif
