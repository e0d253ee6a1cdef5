/* version.c - see version.h. CHOLMOD and NLopt are asked at run time: a wheel or a distribution may replace them. */
#include "version.h"

#include "config.h"

#include MERE_CHOLMOD_HEADER
#include <nlopt.h>

const char *mere_version(void)
{
    return MERE_VERSION;
}

void mere_cholmod_version(int version[3])
{
    cholmod_version(version);
}

void mere_nlopt_version(int version[3])
{
    nlopt_version(&version[0], &version[1], &version[2]);
}
