/* version.h - the versions of mere and of the libraries that it is linked with. */
#ifndef MERE_VERSION_H
#define MERE_VERSION_H

const char *mere_version(void);
void mere_cholmod_version(int version[3]);
void mere_nlopt_version(int version[3]);

#endif
