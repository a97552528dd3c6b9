/* diagnose/hook.h: reports of sending services that come as JSON: Amazon SES
 * (plain or inside SNS), SendGrid, Postmark, Mailgun, SparkPost and their kin.
 *
 * No service is asked for by name: any object that holds an address under a
 * known key is an entry, and the keys beside it say what happened. */
#ifndef DIAGNOSE_HOOK_H
#define DIAGNOSE_HOOK_H

#include "diagnose/reading.h"

#define HOOK_DEPTH_MAX 16

/* NULL when the text is no JSON of that sort, or memory is spent. */
struct reading *hook_read(struct arena *, struct bytes text);

#endif
