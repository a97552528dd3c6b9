/* net/notify.h: tells the service manager how far we are (sd_notify(3)). */
#ifndef NET_NOTIFY_H
#define NET_NOTIFY_H

/* Send a state such as "READY=1" to $NOTIFY_SOCKET. Without one, and when nobody
 * listens, nothing happens: the manager is told, not asked. */
void notify_state(const char *state);

#endif
